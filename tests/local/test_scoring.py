"""Scoring a file as a user types it, and as a pipeline."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from rich.console import Console

import pipeline
from compilation.compile import compile_to
from components.scoring.job import score_file
from contract.bundle import load_bundle
from local.graph import Graph
from local.progress import Progress
from local.run import run_pipeline
from tests.conftest import PROJECT, without_mlflow

CLEVELAND = PROJECT / "datasets" / "heart" / "cleveland.csv"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "pipeline.py", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=PROJECT, env=without_mlflow(), capture_output=True, text=True, check=False
    )


def test_help_says_what_each_status_means() -> None:
    words = " ".join(run("score", "--help").stdout.split())
    assert "Status: 0 answered, 1 wrong file, 3 no row was answered, or with --strict not every row." in words
    for option in ("--input", "--output", "--bundle", "--refused", "--strict"):
        assert option in words


def test_the_summary_says_what_was_refused_and_where_the_reasons_are(bundle: Path, tmp_path: Path) -> None:
    header, *rows = CLEVELAND.read_text().splitlines()
    source = tmp_path / "rows.csv"
    source.write_text("\n".join([header, *rows[:5], "1,2,3", rows[6].replace(rows[6].split(",")[0], "400", 1)]))
    done = run("score", "--bundle", bundle, "--input", source, "--output", tmp_path / "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert "is answered by heart 7 (logistic_regression)" in done.stdout
    assert "Answered 5 of 7 rows in " in done.stdout
    assert "Refused  2 rows: 1 out-of-range, 1 wrong-length" in done.stdout
    assert "Reasons " in done.stdout
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6
    strict = run("score", "--bundle", bundle, "--input", source, "--output", tmp_path / "out.csv", "--strict")
    assert strict.returncode == 3
    source.write_text(f"{header}\n1,2,3")
    nothing = run("score", "--bundle", bundle, "--input", source, "--output", tmp_path / "out.csv")
    assert nothing.returncode == 3
    source.write_text("\n".join([header, *rows[:5]]))
    good = run("score", "--bundle", bundle, "--input", source, "--output", tmp_path / "out.csv", "--strict")
    assert good.returncode == 0
    assert "Refused" not in good.stdout


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--input": "README.md"}, "README.md: has none of the model's columns"),
        ({"--bundle": "datasets/heart"}, "datasets/heart/manifest.json: can't be read"),
        ({"--output": "answers.xlsx"}, "ends with neither .csv nor .parquet"),
    ],
)
def test_an_error_is_one_line(bundle: Path, tmp_path: Path, change: dict[str, str], words: str) -> None:
    options = {"--bundle": bundle, "--input": CLEVELAND, "--output": tmp_path / "out.csv", **change}
    done = run("score", *(item for option in options.items() for item in option))
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def large(tmp_path: Path) -> Path:
    """Enough rows to be busy with for a while."""
    header, *rows = CLEVELAND.read_text().splitlines()
    source = tmp_path / "large.csv"
    source.write_text("\n".join([header, *(rows * 1000)]))
    return source


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 130), (signal.SIGINT, 130)])
def test_a_run_that_is_ended_leaves_nothing(bundle: Path, tmp_path: Path, number: signal.Signals, status: int) -> None:
    options = ("--bundle", bundle, "--input", large(tmp_path), "--output", tmp_path / "out" / "answers.csv")
    process = subprocess.Popen(command("score", *options), cwd=PROJECT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / ".answers.csv.partial").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(number)
    assert process.wait(timeout=60) == status
    assert list((tmp_path / "out").iterdir()) == []


def test_a_terminal_shows_a_bar(bundle: Path, tmp_path: Path) -> None:
    options = ("--bundle", bundle, "--input", large(tmp_path), "--output", tmp_path / "out.csv")
    parent, child = pty.openpty()
    process = subprocess.Popen(command("score", *options), cwd=PROJECT, stdout=child, stderr=child, close_fds=True)
    os.close(child)
    seen = b""
    try:
        while read := os.read(parent, 65536):
            seen += read
    except OSError:  # how Linux tells that nobody writes any more
        pass
    os.close(parent)
    assert process.wait(timeout=60) == 0
    assert "━" in seen.decode()
    assert "rows" in seen.decode()
    assert "Answered" in seen.decode()


def test_the_pipeline_gives_what_the_command_gives(bundle: Path, tmp_path: Path) -> None:
    header, *rows = CLEVELAND.read_text().splitlines()
    source = tmp_path / "rows.csv"
    source.write_text("\n".join([header, *(rows * 150), "1,2,3"]))
    package = tmp_path / "score.yaml"
    done = run("compile", "--pipeline", "score", "--output", package)
    assert (done.returncode, done.stderr) == (0, "")
    shown = io.StringIO()
    outputs = run_pipeline(
        package,
        {"bundle": str(bundle), "rows": str(source), "shard_megabytes": 1},
        tmp_path / "run",
        Progress(Console(file=shown)),
    )
    counts = score_file(load_bundle(bundle), source, tmp_path / "out.csv")
    assert outputs.artifact("gather", "answers").read_bytes() == (tmp_path / "out.csv").read_bytes()
    assert outputs.artifact("gather", "refused").read_bytes() == (tmp_path / "out.refused.csv").read_bytes()
    assert outputs.parameter("gather") == counts.refused
    assert [record.task for record in outputs.tasks] == ["Count shards", "Score · 0", "Score · 1", "Gather"]
    assert "4 tasks done" in shown.getvalue()


def test_what_is_imported_is_no_task_that_waits(tmp_path: Path) -> None:
    compile_to(pipeline.score, tmp_path / "score.yaml")
    text = (tmp_path / "score.yaml").read_text()
    assert "importer" in next(yaml.safe_load_all(text))["root"]["dag"]["tasks"]
    assert [task.display_name for task in Graph.read(text, {}).tasks] == ["Count shards", "Score", "Gather"]
