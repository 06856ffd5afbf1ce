from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compilation.datasets import MEMORY, competing, parameters_of
from compilation.errors import UnreachableContract
from contract.document import load_contract
from contract.schema import Contract
from pipeline import CANDIDATES
from tests.conftest import HEART, PROJECT


def test_a_dataset_is_named_as_the_image_has_it(heart: Contract) -> None:
    assert parameters_of(HEART / "contract.yaml", heart, ["svm"]) == {
        "contract_path": "datasets/heart/contract.yaml",
        "experiment": "heart",
        "candidates": ["svm"],
    }


def test_a_contract_that_no_image_has_is_refused(heart: Contract, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    shutil.copy(HEART / "contract.yaml", path)
    with pytest.raises(UnreachableContract, match="isn't below datasets/, so no image has it"):
        parameters_of(path, heart, CANDIDATES)


def test_candidates_of_libraries_that_the_image_does_not_have_are_left_out(heart: Contract) -> None:
    assert competing(heart, CANDIDATES) == (CANDIDATES, [])
    accidents = load_contract(PROJECT / "datasets/road_accidents/contract.yaml")
    chosen, left_out = competing(accidents, CANDIDATES)
    assert chosen == ["logistic-regression", "random-forest", "hist-gradient-boosting"]
    assert left_out == ["lightgbm"]


def test_memory_is_for_tables_that_exist() -> None:
    names = {load_contract(path).name for path in PROJECT.glob("datasets/*/contract.yaml")}
    assert MEMORY.keys() <= names
