from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kfp import dsl

from components import cross_validate, train
from components.learning import effort, resampling
from components.learning.candidates import CANDIDATES
from components.learning.model import CrossValidated
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
    expected, predicted = resampling.cross_validate(CANDIDATES["decision-tree"], heart, rows, tiny, train.SEED)
    found = CrossValidated.model_validate_json(Path(stages["decision-tree-resampled"].path).read_bytes())
    assert found.name == "decision-tree"
    assert found.resampled == expected
    assert found.probability == tuple(predicted.probability)
    assert found.positive == tuple(predicted.positive)


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
    assert again.read_bytes() == first.read_bytes()
