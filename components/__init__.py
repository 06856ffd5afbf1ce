"""The stages of the pipeline: one module each, with the stage as plain functions and the thin KFP component around it.

What stages are made of lies below: `learning`, `reporting`, `packaging`, `tracking`, `publication`.
"""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""Where this project lies, on this machine or in an image; relative paths of contracts start here."""
