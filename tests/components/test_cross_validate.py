from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from kfp import dsl

from components import cross_validate
from components.learning import effort, resampling
from components.learning.candidates import CANDIDATES
from components.learning.effort import SEED
from components.learning.model import read_validated
from components.learning.rows import rows_of
from components.table import read

if TYPE_CHECKING:
    import pytest

    from components.learning.effort import Effort
    from contract.schema import Contract
    from tests.components.conftest import Stages


def test_what_it_finds_is_the_cross_validation_of_the_training_rows(
    heart: Contract, stages: Stages, tiny: Effort
) -> None:
    rows = rows_of(heart, read(stages["training"].path))
    expected, predicted = resampling.cross_validate(CANDIDATES["decision-tree"], heart, rows, tiny, SEED)
    found, out_of_fold = read_validated(stages["decision-tree-resampled"].path)
    assert found.name == "decision-tree"
    assert found.resampled == expected
    np.testing.assert_array_equal(out_of_fold.probability, predicted.probability)
    np.testing.assert_array_equal(out_of_fold.decided, predicted.decided)


def test_its_progress_is_told_fold_by_fold(
    stages: Stages,
    tiny: Effort,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(effort, "EFFORTS", {"tiny": tiny})
    resampled = dsl.Artifact(uri=str(tmp_path / "resampled"))
    cross_validate.cross_validate.python_func(
        "logistic-regression", "tiny", stages["contract"], stages["training"], resampled
    )
    assert capsys.readouterr().out.splitlines() == ["::progress 1 of 2 folds", "::progress 2 of 2 folds"]
    again, first = Path(resampled.path), Path(stages["logistic-regression-resampled"].path)
    for file in first.iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes()
