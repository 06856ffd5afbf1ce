from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.learning.evaluation import METRIC_TITLES, METRICS
from components.packaging.model_card import model_card
from components.packaging.parity import Parity
from components.reporting.wording import MADE, metric_title
from contract.decision import TargetClass
from tests.components.artifacts import Artifacts
from tests.components.evaluations import with_suspects

if TYPE_CHECKING:
    from components.learning.evaluation import CandidateEvaluation, Evaluation
    from contract.schema import Contract
    from tests.conftest import FinishedRun

PARITY = Parity(candidate="any", rows=20_963, largest_difference=1.8e-12, flipped=0)


@pytest.fixture(name="evaluation", scope="module")
def _evaluation(finished: FinishedRun) -> Evaluation:
    return Artifacts(finished).evaluation


@pytest.fixture(name="winner", scope="module")
def _winner(evaluation: Evaluation) -> CandidateEvaluation:
    assert evaluation.selection is not None
    return evaluation.candidate(evaluation.selection.winner)


@pytest.fixture(name="card", scope="module")
def _card(heart: Contract, evaluation: Evaluation) -> str:
    return model_card(heart, evaluation, PARITY, "2026-03-01")


def cells(card: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in card.splitlines() if line.startswith("|")]


def test_the_one_in_the_bundle_is_this_one(finished: FinishedRun, heart: Contract, evaluation: Evaluation) -> None:
    card = (finished.bundle / "MODEL_CARD.md").read_text(encoding="utf-8")
    parity = Artifacts(finished).parity.of(str(evaluation.selection and evaluation.selection.winner))
    made = card.partition("Made on ")[2][:10]
    assert card == model_card(heart, evaluation, parity, made)


def test_it_says_what_the_model_answers_and_from_where_on(card: str, winner: CandidateEvaluation) -> None:
    assert card.startswith(f"# Heart disease (UCI), Cleveland: {winner.title}\n\nMade on 2026-03-01.")
    assert "probability of *disease* against *no disease* (Angiographic status of the vessels)" in card
    assert f"says *disease* from {winner.threshold:.3f} on" in card


def test_every_metric_stands_there_with_both_intervals(card: str, heart: Contract, winner: CandidateEvaluation) -> None:
    rows = {row[0]: row[1:] for row in cells(card)}
    assert METRIC_TITLES["gini"] not in rows
    for metric in (name for name in METRICS if name != "gini"):
        found = [str(winner.resampled.estimates[metric]), str(winner.held_out.estimates[metric])]
        assert rows[metric_title(heart, metric)] == found
        assert all("[" in text and "]" in text for text in found)
    assert "Intervals are 95 %: Nadeau-Bengio for 1 x 3-fold nested cross-validation" in card


def test_sites_stand_there_with_their_notes(card: str) -> None:
    rows = {row[0]: row for row in cells(card)}
    swiss = rows["University Hospitals, Zurich and Basel"]
    assert swiss[1] == "123 (115)"
    assert swiss[-1].startswith(
        "Only 8 of 123 patients are without disease, so specificity and AUC are hardly determined"
    )
    assert rows["Hungarian Institute of Cardiology, Budapest"][1] == "294 (106)"
    assert "V.A. Medical Center, Long Beach" in rows


def test_licence_citation_selection_and_parity(card: str, heart: Contract, evaluation: Evaluation) -> None:
    assert evaluation.selection is not None
    assert "Licence: CC BY 4.0." in card
    assert heart.citation in card
    assert evaluation.selection.reason in card
    assert "On 20,963 rows it differs from the reference estimator by at most 1.8e-12; 0 decisions differ." in card


def test_all_tables_are_well_formed_whatever_a_note_holds(heart: Contract, evaluation: Evaluation) -> None:
    note = "first line |\nsecond | line"
    external = {name: source.model_copy(update={"note": note}) for name, source in heart.external.items()}
    external["va"] = external["va"].model_copy(update={"note": None})
    card = model_card(heart.model_copy(update={"external": external}), evaluation, PARITY, "2026-03-01")
    assert {len(row) for row in cells(card)} == {3, 7}
    assert card.count("first line &#124; second &#124; line") == 2
    assert len(cells(card)) == 2 + len(METRICS) - 1 + 2 + 3


def test_without_other_sites_there_is_no_table_of_them(heart: Contract, evaluation: Evaluation) -> None:
    alone = tuple(item.model_copy(update={"external": {}}) for item in evaluation.candidates)
    card = model_card(heart, evaluation.model_copy(update={"candidates": alone}), PARITY, "2026-03-01")
    assert "tables of other sites" not in card
    assert {len(row) for row in cells(card)} == {3}


def test_there_is_none_before_the_selection(heart: Contract, evaluation: Evaluation) -> None:
    with pytest.raises(ValueError, match="after the selection"):
        model_card(heart, evaluation.model_copy(update={"selection": None}), PARITY, "2026-03-01")


def test_nothing_is_said_of_what_is_not_so(card: str) -> None:
    assert MADE not in card
    assert "may know the answer" not in card
    assert "budget" not in card
    assert "macro" not in card


def test_made_rows_are_announced_at_both_ends(heart: Contract, evaluation: Evaluation) -> None:
    card = model_card(heart, evaluation.model_copy(update={"made": True}), PARITY, "2026-03-01")
    assert card.count(f"> **{MADE}**") == 2
    assert card.index(MADE) < card.index("Made on 2026-03-01")


def test_gini_comes_first_where_it_selects(heart: Contract, evaluation: Evaluation) -> None:
    contract = heart.model_copy(update={"decision": heart.decision.model_copy(update={"metric": "gini"})})
    card = model_card(contract, evaluation, PARITY, "2026-03-01")
    assert cells(card)[2][0] == METRIC_TITLES["gini"]


def test_the_quality_without_suspects_stands_there(heart: Contract, evaluation: Evaluation) -> None:
    contract, found = with_suspects(heart, evaluation, ("ca", "thal"))
    assert found.ablation is not None
    card = model_card(contract, found, PARITY, "2026-03-01")
    assert "- ca: ca is noted afterwards\n- thal: thal is noted afterwards" in card
    rows = [row for row in cells(card) if row[0] == "ROC-AUC" and len(row) == 5]
    assert rows[0][2] == str(found.ablation.resampled.estimates["roc_auc"])
    assert rows[0][4] == str(found.ablation.held_out.estimates["roc_auc"])


def test_a_model_of_fewer_rows_says_so(heart: Contract, evaluation: Evaluation) -> None:
    short = tuple(item.model_copy(update={"fitted_rows": 100}) for item in evaluation.candidates)
    card = model_card(heart, evaluation.model_copy(update={"candidates": short}), PARITY, "2026-03-01")
    assert "The model was fitted on 100 of 242 rows (budget)." in card


def test_three_classes_have_no_threshold(heart: Contract, evaluation: Evaluation) -> None:
    labels = ("none", "mild", "severe")
    classes = tuple(TargetClass(label=label, values=(index,)) for index, label in enumerate(labels))
    target = heart.target.model_copy(update={"classes": classes, "positive": None})
    decision = heart.decision.model_copy(update={"threshold": None})
    contract = heart.model_copy(update={"target": target, "decision": decision})
    candidates = tuple(
        item.model_copy(
            update={
                "threshold": None,
                "external": {
                    name: sample.model_copy(update={"class_counts": (1, 2, 3)})
                    for name, sample in item.external.items()
                },
            }
        )
        for item in evaluation.candidates
    )
    card = model_card(contract, evaluation.model_copy(update={"candidates": candidates}), PARITY, "2026-03-01")
    assert "the probabilities of *none, mild or severe*" in card
    assert "says which of them is the most probable" in card
    assert " on.\n" not in card.partition("## Meant for")[0]
    rows = {row[0]: row for row in cells(card)}
    assert "sensitivity, macro-average" in rows
    assert "accuracy" in rows
    swiss = rows["University Hospitals, Zurich and Basel"]
    assert swiss[1] == "123 (1 none, 2 mild and 3 severe)"
