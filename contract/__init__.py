"""What training promises and serving relies on: the contract of a table, the bundle of a model, the data's profile.

Serving imports this package and nothing of training, so it depends on numpy, pydantic, PyYAML and ONNX Runtime alone.
"""
