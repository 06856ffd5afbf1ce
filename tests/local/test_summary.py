"""What a run came to, on one screen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from components.learning.evaluation import Evaluation, Refusal
from components.reporting.wording import MADE
from contract.document import load_contract
from local.outputs import Outputs
from local.summary import show
from local.workspace import Workspace
from tests.components.evaluations import evaluate, iris_table, with_suspects
from tests.conftest import FinishedRun


def shown(directory: Path, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(console, Workspace(directory), Outputs.at(directory))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def run(finished: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    copy = tmp_path / "run"
    shutil.copytree(finished.directory, copy)
    return copy


def test_every_candidate_has_its_numbers_whole_even_in_a_narrow_window(run: Path) -> None:
    evaluation = Evaluation.model_validate_json(Outputs.at(run).artifact("ablate", "completed").read_bytes())
    text = shown(run, width=40)
    for candidate in evaluation.candidates:
        line = next(line for line in text.splitlines() if candidate.title in line)
        assert f"{candidate.resampled.estimates['roc_auc'].value:.3f} ±" in line
        assert "…" not in line


def test_the_winner_is_marked_and_explained(run: Path) -> None:
    evaluation = Evaluation.model_validate_json(Outputs.at(run).artifact("ablate", "completed").read_bytes())
    assert evaluation.selection
    text = shown(run)
    assert f"✓ {evaluation.candidate(evaluation.selection.winner).title}" in text
    assert evaluation.selection.reason in text
    assert "on 61 rows that no candidate had seen" in text


def test_a_refused_candidate_says_what_it_missed(run: Path) -> None:
    path = Outputs.at(run).artifact("ablate", "completed")
    evaluation = Evaluation.model_validate_json(path.read_bytes())
    assert evaluation.selection
    missed = Refusal(candidate="random-forest", metric="sensitivity", floor=0.8, value=0.0)
    selection = evaluation.selection.model_copy(update={"refused": (missed,)})
    path.write_text(evaluation.model_copy(update={"selection": selection}).model_dump_json())
    text = shown(run)
    assert "✗ Random forest" in text
    assert "✗ random-forest: sensitivity 0.000 is below the floor of 0.8" in text


def test_a_run_without_a_selection_is_no_run_to_show(run: Path) -> None:
    path = Outputs.at(run).artifact("ablate", "completed")
    evaluation = Evaluation.model_validate_json(path.read_bytes())
    path.write_text(evaluation.model_copy(update={"selection": None}).model_dump_json())
    with pytest.raises(ValueError, match="no selection"):
        shown(run)


def kept(run: Path) -> Path:
    """Where the numbers are that are shown."""
    return Outputs.at(run).artifact("ablate", "completed")


def test_nothing_is_said_of_what_is_not_so(run: Path) -> None:
    text = shown(run)
    for absent in (MADE, "Suspect", "budget", "then averaged", "normalised Gini"):
        assert absent not in text


def test_made_rows_are_announced_before_any_number(run: Path) -> None:
    evaluation = Evaluation.model_validate_json(kept(run).read_bytes())
    kept(run).write_text(evaluation.model_copy(update={"made": True}).model_dump_json())
    text = " ".join(shown(run, width=40).split())
    assert MADE in text
    assert text.index(MADE) < text.index("ROC-AUC")


def test_a_budget_and_the_quality_without_suspects_are_told(run: Path) -> None:
    contract = load_contract(run / "bundle" / "contract.yaml")
    evaluation = Evaluation.model_validate_json(kept(run).read_bytes())
    _, found = with_suspects(contract, evaluation, ("ca",))
    first, *others = found.candidates
    candidates = (first.model_copy(update={"fitted_rows": 100}), *others)
    kept(run).write_text(found.model_copy(update={"candidates": candidates}).model_dump_json())
    text = shown(run, width=200)
    assert text.count("(budget)") == 1
    assert f"{first.name}: fitted on 100 of 242 rows (budget)" in text
    assert "Suspect  ca may know the answer. Without it, ROC-AUC is" in text


def test_three_classes_have_their_averages_called_so(run: Path) -> None:
    contract, table = iris_table()
    evaluation = evaluate(contract, table)
    kept(run).write_text(evaluation.model_dump_json())
    (run / "bundle" / "contract.yaml").write_text(contract.model_dump_json(), encoding="utf-8")
    text = shown(run)
    assert "ROC-AUC, sensitivity and specificity: of each class against the rest, then averaged" in text
    heads = next(line for line in text.splitlines() if line.startswith("candidate"))
    assert heads.split()[1] == "log-loss"  # what this contract selects on
    assert evaluation.selection
    winner = evaluation.candidate(evaluation.selection.winner)
    line = next(line for line in text.splitlines() if winner.title in line)
    assert f"{winner.resampled.estimates['log_loss'].value:.3f} ±" in line
    assert "on 30 rows that no candidate had seen" in text
    assert "curl -s localhost:8080/v2/models/iris" in text
