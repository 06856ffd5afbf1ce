"""Packaging: the served form of a model, its parity with the reference, its bundle."""
