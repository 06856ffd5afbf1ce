"""The comparison as a page, and the machine on it."""

from __future__ import annotations

import pytest

from benchmarks.serving import cells
from benchmarks.serving.catalogue import ECHO, PREDICTOR, SKLEARNSERVER
from benchmarks.serving.load import Load
from benchmarks.serving.machine import Machine, this_machine
from benchmarks.serving.measurement import Plan, Results, Started
from benchmarks.serving.report import markdown, number

CPUINFO = """processor	: 0
model name	: Some Processor @ 2.60GHz
flags		: fpu avx avx2 avx512f avx512dq

processor	: 1
model name	: Some Processor @ 2.60GHz
flags		: fpu avx avx2 avx512f avx512dq
"""


@pytest.fixture
def page() -> str:
    v1, v2 = cells.single(16, "v1"), cells.single(16, "v2")
    results = Results(
        loads={
            (v1, PREDICTOR): Load(14_500, 1.004, 1.9, taken=0.02),
            (v1, SKLEARNSERVER): Load(145, 110.4, 1200, taken=0.31),
            (v2, PREDICTOR): Load(13_000, 1.2, 2.25),
            (v2, ECHO): Load(26_000, 0.5, 0.9),
        },
        started={PREDICTOR: Started(1.25, 190.4)},
        loaded={PREDICTOR: 195.6},
    )
    machine = Machine(cpu="Some Processor", cores=2, instructions=("avx2",), system="Linux")
    return markdown(results, machine, {"kserve": "0.21.0"}, Plan(seconds=4, warm_up=1, rounds=3))


def test_rows_hold_the_ratios_to_sklearnserver_and_nothing_where_nothing_was_measured(page: str) -> None:
    assert "| server | v1 | v2 |" in page
    assert "| predictor | 14,500 (100x) · 1.00 / 1.90 | 13,000 · 1.20 / 2.25 |" in page
    assert "| sklearnserver | 145 (1.00x) · 110 / 1,200 |  |" in page
    assert "| bare echo |  | 26,000 · 0.500 / 0.900 |" in page
    assert "MLServer, adaptive batching |" not in page


def test_targets_are_shown_met_and_missed(page: str) -> None:
    assert "| ✓ | forest, 1 row, 16 connections, v1: requests/s of sklearnserver | 100x | ≥ 100x |" in page
    assert "| ✓ | forest, 1 row, 16 connections, v1: p99 | 1.90 ms | ≤ 2 ms |" in page
    assert "| ✗ | forest, 1 row, 16 connections, v2: p99 | 2.25 ms | ≤ 2 ms |" in page
    assert "| ✗ | seconds from start to ready | 1.25 s | ≤ 1.2 s |" in page


def test_it_says_where_and_how_it_was_measured(page: str) -> None:
    assert "- Machine: Some Processor, 2 cores, avx2; Linux" in page
    assert "- Versions: kserve 0.21.0" in page
    assert "- Medians of 3 rounds of 4 s for each cell, after 1 s of the same load" in page
    assert "- Other processes took up to 31% of a core (beyond 10%, a load is repeated)" in page
    assert "| predictor | 1.25 | 190 | 196 |" in page


@pytest.mark.parametrize(
    ("value", "shown"), [(0.35, "0.350"), (1.0, "1.00"), (12.34, "12.3"), (155.4, "155"), (22_579.0, "22,579")]
)
def test_numbers_have_three_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown


def test_the_processor_and_its_instruction_sets_are_read() -> None:
    machine = this_machine(CPUINFO)
    assert machine.cpu == "Some Processor @ 2.60GHz"
    assert machine.instructions == ("avx2", "avx512f")
    assert machine.cores >= 1
    assert "no AVX2" in str(this_machine("model name : Old\nflags : fpu\n"))
