"""Load for a predictor: rows of a real table, requests that the contract refuses, and what no client should send.

Every request knows how it must be answered, so a load is a test as well: `python -m monitoring.load --help`.
"""
