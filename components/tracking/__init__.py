"""Tracking: what of a run MLflow keeps."""
