"""What *ingest* is made of: where the bytes of a table come from, and how its files become typed Parquet."""
