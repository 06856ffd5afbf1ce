"""Programs of the system that some tests need, and that only root can install."""

from __future__ import annotations

import os
import shutil

import pytest

SERVERS = ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter")


def require(*programs: str) -> None:
    """Leave a test out, saying why, where a program isn't installed; in CI it fails instead."""
    absent = [program for program in programs if shutil.which(program) is None]
    if not absent:
        return
    reason = f"{', '.join(absent)} isn't installed: sudo apt-get install wrk {' '.join(SERVERS)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
