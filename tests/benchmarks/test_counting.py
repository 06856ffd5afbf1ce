"""What counting costs: the interval, and one small measurement with real servers and a real load."""

from __future__ import annotations

import random
import re
import statistics
import subprocess
import sys

from benchmarks.counting.__main__ import CELLS, middle
from components import PROJECT
from tests.programs import require


def test_the_interval_holds_the_median_of_what_it_is_drawn_from() -> None:
    generator = random.Random(3)
    held = 0
    for _ in range(400):
        median, low, high = middle([generator.expovariate(1) for _ in range(25)])
        assert low <= median <= high
        held += low <= 0.6931 <= high  # ln 2, the exponential's own median
    assert held >= 0.93 * 400
    assert middle([3.0]) == (3.0, 3.0, 3.0)
    assert statistics.median([1, 2, 3]) == middle([3, 1, 2])[0]


def test_a_round_says_a_share_for_each_load() -> None:
    require("wrk")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.counting", "--rounds", "1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shares = re.findall(r"^(.+): counting takes (-?[\d.]+)% ", done.stdout, re.MULTILINE)
    assert [cell for cell, _ in shares] == [str(cell) for cell in CELLS]
    assert all(-100 < float(share) < 60 for _, share in shares)
