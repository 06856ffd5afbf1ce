"""What a run came to, as Markdown."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.learning.evaluation import Evaluation, Refusal
from components.reporting.wording import MADE
from contract.document import load_contract
from local.errors import MissingOutput
from local.job_summary import summary
from local.outputs import Outputs
from tests.components.evaluations import with_suspects
from tests.conftest import PROJECT, FinishedRun


@pytest.fixture
def run(finished: FinishedRun, tmp_path: Path) -> Path:
    """A copy of the finished run, to be changed."""
    copy = tmp_path / "run"
    shutil.copytree(finished.directory, copy)
    return copy


def evaluation_of(run: Path) -> Evaluation:
    return Evaluation.model_validate_json(Outputs.at(run).artifact("ablate", "completed").read_bytes())


def replace(run: Path, evaluation: Evaluation) -> None:
    Outputs.at(run).artifact("ablate", "completed").write_text(evaluation.model_dump_json(), encoding="utf-8")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    return subprocess.run(
        [sys.executable, "-m", "local.job_summary", *arguments],
        cwd=PROJECT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_candidate_has_its_row_and_the_winner_one_more(finished: FinishedRun) -> None:
    evaluation = evaluation_of(finished.directory)
    assert evaluation.selection
    lines = summary(finished.directory).splitlines()
    for candidate in evaluation.candidates:
        row = next(line for line in lines if f"| {candidate.title} |" in line)
        assert f" {candidate.resampled.estimates['roc_auc']} " in row
        assert row.startswith("| ✓ |") == (candidate.name == evaluation.selection.winner)
    held_out = next(line for line in lines if "held out" in line)
    assert f" {evaluation.candidate(evaluation.selection.winner).held_out.estimates['brier']} " in held_out


def test_every_row_of_a_table_has_as_many_cells_as_its_head(finished: FinishedRun) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", summary(finished.directory), re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1


def test_it_says_why_the_winner_won_and_what_each_task_cost(finished: FinishedRun) -> None:
    text = summary(finished.directory)
    assert "**Logistic regression** wins." in text or "**Random forest** wins." in text
    assert "is the first champion" in text
    assert MADE not in text
    for record in Outputs.at(finished.directory).tasks:
        assert f"| {record.task} | {record.state} |" in text


def test_a_refused_candidate_says_what_it_missed(run: Path) -> None:
    evaluation = evaluation_of(run)
    assert evaluation.selection
    missed = Refusal(candidate="random-forest", metric="sensitivity", floor=0.8, value=0.0)
    replace(
        run,
        evaluation.model_copy(update={"selection": evaluation.selection.model_copy(update={"refused": (missed,)})}),
    )
    text = summary(run)
    assert "- random-forest: sensitivity 0.000 is below the floor of 0.8" in text
    assert "| ✗ | Random forest |" in text


def test_made_data_and_suspect_features_are_said(run: Path) -> None:
    contract = load_contract(run / "bundle" / "contract.yaml")
    _, found = with_suspects(contract, evaluation_of(run), ("ca",))
    replace(run, found.model_copy(update={"made": True}))
    text = summary(run)
    assert f"> **{MADE}**" in text
    assert "- ca may know the answer. Without it, ROC-AUC is" in text


def test_a_title_starts_no_markup_of_its_own(run: Path) -> None:
    evaluation = evaluation_of(run)
    first = evaluation.candidates[0].model_copy(update={"title": "a | b <img src=x> [c](d)\n# e"})
    replace(run, evaluation.model_copy(update={"candidates": (first, *evaluation.candidates[1:])}))
    text = summary(run)
    assert r"a \| b \<img src=x\> \[c\](d) # e" in text
    assert "<img" not in text.replace(r"\<img", "")


def test_without_a_run_there_is_no_summary(tmp_path: Path) -> None:
    with pytest.raises(MissingOutput, match="There is no run in"):
        summary(tmp_path)


def test_in_a_job_it_goes_to_the_jobs_summary(finished: FinishedRun, tmp_path: Path) -> None:
    target = tmp_path / "summary.md"
    target.write_text("before\n", encoding="utf-8")
    done = command(str(finished.directory), GITHUB_STEP_SUMMARY=str(target))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert target.read_text(encoding="utf-8") == f"before\n{summary(finished.directory)}"


def test_elsewhere_it_is_printed(finished: FinishedRun) -> None:
    done = command(str(finished.directory))
    assert done.stdout == summary(finished.directory)


def test_what_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    done = command(str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("There is no run in")
    assert done.stderr.count("\n") == 1
