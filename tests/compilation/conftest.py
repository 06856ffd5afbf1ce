"""The real pipelines, compiled for a cluster once; tests change copies of what was written."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

import pipeline
from compilation.compile import compile_to
from tests.compilation.documents import IMAGE, Documents


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Both documents of each pipeline, by its name."""
    folder = tmp_path_factory.mktemp("compiled")
    found = {}
    for name, made in {"train": pipeline.concord, "score": pipeline.score}.items():
        path = folder / f"{name}.yaml"
        compile_to(made, path, IMAGE)
        found[name] = list(yaml.safe_load_all(path.read_text()))
    return found


@pytest.fixture
def train(compiled: dict[str, list[dict[str, Any]]]) -> Documents:
    """The training pipeline, to be changed."""
    return Documents(*copy.deepcopy(compiled["train"]))


@pytest.fixture
def score(compiled: dict[str, list[dict[str, Any]]]) -> Documents:
    """The scoring pipeline, to be changed."""
    return Documents(*copy.deepcopy(compiled["score"]))
