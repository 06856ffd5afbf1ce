"""The measurement that says how much faster a file is scored than sent."""

from __future__ import annotations

import os
import re

import pytest

from benchmarks.batch import main, report


def test_all_ways_are_measured_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    cores = os.sched_getaffinity(0)
    few = ["--rows", "3000", "--rounds", "1", "--training", "1500", "--request", "500"]
    assert main([*few, "--candidate", "logistic-regression"]) == 0
    printed = capsys.readouterr().out
    lines = re.findall(r"^  (.+?)  +([\d,]+) rows/s", printed, re.MULTILINE)
    rates = {way: int(rate.replace(",", "")) for way, rate in lines}
    assert list(rates) == ["the loop", "Parquet to Parquet", "CSV to CSV", "HTTP, v1 in JSON", "HTTP, v2 in binary"]
    assert rates["the loop"] > max(rates["HTTP, v1 in JSON"], rates["HTTP, v2 in binary"])
    assert os.sched_getaffinity(0) == cores


def test_the_report_compares_medians() -> None:
    found = {"the loop": [1.0, 2.0, 9.0], "HTTP, one": [4.0, 8.0, 9.0], "HTTP, other": [10.0, 10.0, 10.0]}
    printed = report("svm", 600_000, found)
    assert "the loop                       300,000 rows/s    4.0 x the faster HTTP" in printed
    assert "HTTP, one                       75,000 rows/s\n" in printed
    assert "at or above the target" in printed
    assert "below the target" in report("svm", 300_000, found)
