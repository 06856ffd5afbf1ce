from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kfp import dsl
from sklearn.metrics import auc

from components import select
from components.errors import NoAcceptableCandidate
from components.learning.evaluation import METRICS, Evaluation

if TYPE_CHECKING:
    from contract.schema import Contract
    from tests.components.conftest import Stages


@pytest.fixture
def selected(stages: Stages) -> Evaluation:
    return Evaluation.model_validate_json(Path(stages["selected"].path).read_bytes())


def test_the_selection_is_added_and_nothing_else_changes(stages: Stages, selected: Evaluation) -> None:
    before = Evaluation.model_validate_json(Path(stages["evaluation"].path).read_bytes())
    assert selected.selection is not None
    assert selected.selection.winner == stages.winner == "logistic-regression"
    assert selected.model_copy(update={"selection": None}) == before


def test_the_runs_page_shows_the_winners_cross_validated_numbers(stages: Stages, selected: Evaluation) -> None:
    winner = selected.candidate(stages.winner)
    assert stages["metrics"].metadata == {metric: winner.resampled.estimates[metric].value for metric in METRICS}


def test_the_runs_page_shows_the_winners_curve_and_counts_on_the_held_out_rows(
    stages: Stages, selected: Evaluation
) -> None:
    shown = json.loads(json.dumps(stages["curve"].metadata, allow_nan=False))
    winner = selected.candidate(stages.winner).held_out
    points = shown["confidenceMetrics"]
    area = auc([point["falsePositiveRate"] for point in points], [point["recall"] for point in points])
    assert area == pytest.approx(winner.estimates["roc_auc"].value)
    matrix = shown["confusionMatrix"]
    assert [item["displayName"] for item in matrix["annotationSpecs"]] == ["no disease", "disease"]
    counts = winner.confusion
    assert [row["row"] for row in matrix["rows"]] == [list(row) for row in counts.counts]


def test_the_reason_is_printed(stages: Stages, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = [
        kind(uri=str(tmp_path / kind.__name__)) for kind in (dsl.Artifact, dsl.Metrics, dsl.ClassificationMetrics)
    ]
    select.select.python_func(stages["contract"], stages["evaluation"], *outputs)
    assert capsys.readouterr().out.startswith("Logistic regression has the best ROC-AUC (0.")


def test_nothing_is_selected_where_nobody_reaches_the_floors(stages: Stages, heart: Contract, tmp_path: Path) -> None:
    floors = heart.decision.floors.model_copy(update={"specificity": 1.0})
    decision = heart.decision.model_copy(update={"floors": floors})
    strict = tmp_path / "contract"
    strict.write_text(heart.model_copy(update={"decision": decision}).model_dump_json())  # JSON is YAML
    outputs = [
        kind(uri=str(tmp_path / kind.__name__)) for kind in (dsl.Artifact, dsl.Metrics, dsl.ClassificationMetrics)
    ]
    with pytest.raises(NoAcceptableCandidate, match=r"logistic-regression: specificity 0\.\d+, floor 1\.000"):
        select.select.python_func(dsl.Artifact(uri=str(strict)), stages["evaluation"], *outputs)
    assert not Path(outputs[0].path).exists()
