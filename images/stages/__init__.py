"""The proof that every stage works inside the pipeline image: the same YAML run as processes and as containers."""
