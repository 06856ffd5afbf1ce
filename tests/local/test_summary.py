"""What a run came to, on one screen."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from components.learning.evaluation import Evaluation, Refusal
from local.outputs import Outputs
from local.summary import show
from local.workspace import Workspace
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
    evaluation = Evaluation.model_validate_json(Outputs.at(run).artifact("select", "selected").read_bytes())
    text = shown(run, width=40)
    for candidate in evaluation.candidates:
        line = next(line for line in text.splitlines() if candidate.title in line)
        assert f"{candidate.resampled.estimates['roc_auc'].value:.3f} ±" in line
        assert "…" not in line


def test_the_winner_is_marked_and_explained(run: Path) -> None:
    evaluation = Evaluation.model_validate_json(Outputs.at(run).artifact("select", "selected").read_bytes())
    assert evaluation.selection
    text = shown(run)
    assert f"✓ {evaluation.candidate(evaluation.selection.winner).title}" in text
    assert evaluation.selection.reason in text
    assert "on 61 rows that no candidate had seen" in text


def test_a_refused_candidate_says_what_it_missed(run: Path) -> None:
    path = Outputs.at(run).artifact("select", "selected")
    evaluation = Evaluation.model_validate_json(path.read_bytes())
    assert evaluation.selection
    missed = Refusal(candidate="random-forest", metric="sensitivity", floor=0.8, value=0.0)
    selection = evaluation.selection.model_copy(update={"refused": (missed,)})
    path.write_text(evaluation.model_copy(update={"selection": selection}).model_dump_json())
    text = shown(run)
    assert "✗ Random forest" in text
    assert "✗ random-forest: sensitivity 0.000 is below the floor of 0.8" in text


def test_a_run_without_a_selection_is_no_run_to_show(run: Path) -> None:
    path = Outputs.at(run).artifact("select", "selected")
    evaluation = Evaluation.model_validate_json(path.read_bytes())
    path.write_text(evaluation.model_copy(update={"selection": None}).model_dump_json())
    with pytest.raises(ValueError, match="no selection"):
        shown(run)
