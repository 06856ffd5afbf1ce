"""The serving side: one bundle, answered over KServe's v1 and v2 protocols by `kserve.ModelServer`.

A request goes through four plain functions that know nothing of KServe or HTTP: parse, encode, score, render.
`v1.answer` and `v2.answer` string them together; `application` brings bytes to them and takes bytes away.
"""
