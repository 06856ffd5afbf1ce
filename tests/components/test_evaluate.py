from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from kfp import dsl

from components import evaluate, table
from components.learning import effort
from components.learning.evaluation import Evaluation
from components.learning.model import read_model, read_validated
from components.learning.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.learning.effort import Effort
    from contract.schema import Contract
    from tests.components.conftest import Stages


@pytest.fixture
def evaluation_of(
    stages: Stages, tiny: Effort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, pd.DataFrame]], Evaluation]:
    """The component run again on the logistic regression, with these external sites."""
    monkeypatch.setattr(effort, "EFFORTS", {"tiny": tiny})

    def evaluation(external: dict[str, pd.DataFrame]) -> Evaluation:
        folder = tmp_path / "external"
        folder.mkdir()
        for name, frame in external.items():
            table.write(frame, folder / f"{name}.parquet")
        found = dsl.Artifact(uri=str(tmp_path / "evaluation"))
        evaluate.evaluate.python_func(
            "tiny",
            "0" * 64,
            True,
            stages["contract"],
            stages["training"],
            stages["held_out"],
            dsl.Dataset(uri=str(folder)),
            [stages["logistic-regression"]],
            [stages["logistic-regression-resampled"]],
            found,
        )
        return Evaluation.model_validate_json(Path(found.path).read_bytes())

    return evaluation


@pytest.fixture
def found(stages: Stages) -> Evaluation:
    return Evaluation.model_validate_json(Path(stages["evaluation"].path).read_bytes())


def test_every_candidate_is_there_the_simplest_first(found: Evaluation) -> None:
    assert [candidate.name for candidate in found.candidates] == ["logistic-regression", "decision-tree"]
    assert found.selection is None


def test_it_says_what_it_was_made_of(found: Evaluation, heart: Contract) -> None:
    assert found.contract_digest == heart.digest
    assert found.data_sha256 == heart.training.sha256
    assert (found.effort, found.training_rows, found.held_out_rows) == ("tiny", 242, 61)


def test_a_models_numbers_are_matched_to_its_own_cross_validation(found: Evaluation, stages: Stages) -> None:
    for candidate in found.candidates:
        validated, out_of_fold = read_validated(stages[f"{candidate.name}-resampled"].path)
        _, facts = read_model(stages[candidate.name].path)
        assert candidate.resampled == validated.resampled
        assert candidate.out_of_fold.probabilities == tuple(out_of_fold.probability)
        assert (candidate.threshold, candidate.seconds) == (facts.threshold, facts.seconds)


def test_the_held_out_rows_are_measured_as_they_are(found: Evaluation, stages: Stages, heart: Contract) -> None:
    rows = rows_of(heart, table.read(stages["held_out"].path))
    estimator, _ = read_model(stages["logistic-regression"].path)
    sample = found.candidate("logistic-regression").held_out
    assert sample.labels == tuple(rows.labels)
    assert sample.probabilities == tuple(estimator.predict_proba(rows.matrix)[:, 1])


def test_every_site_is_measured(found: Evaluation) -> None:
    for candidate in found.candidates:
        assert {name: sample.rows for name, sample in candidate.external.items()} == {
            "hungarian": 294,
            "switzerland": 123,
            "va": 200,
        }


def test_a_site_that_lacks_a_feature_is_measured_and_one_without_classes_is_left_out(
    evaluation_of: Callable[[dict[str, pd.DataFrame]], Evaluation],
    sites: dict[str, pd.DataFrame],
    capsys: pytest.CaptureFixture[str],
) -> None:
    unknown = sites["va"].head(2).assign(num=[float("nan"), 9.0])
    evaluation = evaluation_of(
        {
            "hungarian": sites["hungarian"].drop(columns="ca"),
            "switzerland": sites["switzerland"].drop(columns="num"),
            "va": pd.concat([sites["va"], unknown], ignore_index=True),
        }
    )
    external = evaluation.candidates[0].external
    assert {name: sample.rows for name, sample in external.items()} == {"hungarian": 294, "va": 200}
    assert capsys.readouterr().out.splitlines() == [
        "warning: switzerland has no row with a known num, so nothing is measured there",
        "::progress logistic-regression",
    ]
