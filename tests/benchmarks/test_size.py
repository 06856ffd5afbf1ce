"""How costs grow: the arithmetic, and one small measurement of every stage with real processes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from pyarrow import csv

from benchmarks.size.__main__ import START_ROWS, report
from benchmarks.size.measurement import Cost, StageFailed, exponent, measure
from benchmarks.size.picture import draw
from benchmarks.size.stages import DATASET, STAGES, make_rows
from components import PROJECT
from components.ingest import ingest_source
from contract.document import load_contract
from contract.schema import Source

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (1_000, 10_000, 100_000)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_what_comes_above_the_start(power: float) -> None:
    costs = {rows: 3.0 + 5.0 * (rows / 1000) ** power for rows in SIZES}
    assert exponent(costs, start=3.0) == pytest.approx(power)


def test_what_does_not_stand_out_from_the_start_says_nothing() -> None:
    assert exponent({1_000: 3.1, 10_000: 3.2, 100_000: 6.0}, start=3.0) is None
    assert exponent({1_000: 3.1, 10_000: 4.0, 100_000: 13.0}, start=3.0) == pytest.approx(1.0)
    assert exponent({}, start=3.0) is None


def test_the_report_has_a_line_for_each_size_and_how_it_grows() -> None:
    costs = {rows: Cost(2.0, 1.0 + rows / 10_000, 200.0 + rows / 1_000) for rows in (10_000, 100_000)}
    header, *lines = report({"ingest": {START_ROWS: Cost(1.5, 1.0, 200.0), **costs}})
    assert re.split("  +", header) == [
        "stage",
        "rows",
        "seconds",
        "processor",
        "µs a row",
        "of the smallest",
        "peak MiB",
    ]
    assert [line.split() for line in lines[:2]] == [
        ["ingest", "10,000", "2.0", "2.0", "200.0", "1.00", "210"],
        ["ingest", "100,000", "2.0", "11.0", "110.0", "0.55", "300"],
    ]
    assert "its start takes 1.0 s and 200 MiB" in lines[2]
    assert lines[2].endswith("time grows as rows^1.00, memory as rows^? (too little)")


def test_a_process_is_measured_by_itself_and_not_by_the_one_that_asks() -> None:
    ballast = b"x" * (600 * 2**20)
    cost = measure(["timeit", "-n", "1", "-r", "1", "sum(range(2_000_000))"])
    assert len(ballast) > 0
    assert 0 < cost.processor_seconds < 20
    assert cost.seconds > 0
    assert 5 < cost.peak_mib < 300


def test_a_stage_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(
        StageFailed, match=r"benchmarks\.size\.stages split .* ended with status 1: .*UnreadableContract: "
    ):
        measure(["benchmarks.size.stages", "split", str(tmp_path)])


def test_made_up_rows_are_of_the_table(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows.csv", 500)
    assert csv.read_csv(tmp_path / "rows.csv").num_rows == 500
    contract = load_contract(DATASET / "contract.yaml")
    frame, _ = ingest_source(contract, Source(location="rows.csv", title="Made up"), tmp_path)
    assert {name: column.dtype.kind for name, column in frame.items()} == dict.fromkeys(contract.required_columns, "f")


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    costs = {stage: {rows: Cost(1.0, 1.0 + rows / 1e4, 200.0) for rows in SIZES} for stage in STAGES}
    draw(costs, tmp_path / "size.png")
    assert (tmp_path / "size.png").read_bytes().startswith(b"\x89PNG")


def test_every_stage_but_scoring_runs_on_made_up_rows(tmp_path: Path) -> None:
    make_rows(tmp_path / "rows.csv", 2_000)
    for stage in [stage for stage in STAGES if stage != "score"]:
        cost = measure(["benchmarks.size.stages", stage, str(tmp_path)])
        assert cost.peak_mib > 50


def test_a_model_that_is_not_there_ends_the_program_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.size", "--rows", "1000"),
            *("--bundle", str(tmp_path / "absent"), "--scratch", str(tmp_path), "--picture", str(tmp_path / "a.png")),
        ],
        cwd=PROJECT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "absent") in line
    assert not list(tmp_path.iterdir())
