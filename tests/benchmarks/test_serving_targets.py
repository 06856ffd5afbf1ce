"""Verdicts on what was measured."""

from __future__ import annotations

import pytest

from benchmarks.serving import cells
from benchmarks.serving.catalogue import ECHO, MLSERVER_BATCHING, PREDICTOR, SKLEARNSERVER
from benchmarks.serving.load import Load
from benchmarks.serving.measurement import Results, Started
from benchmarks.serving.targets import Target, ratio, targets

SINGLE = cells.single(16, "v1")


def found(results: Results) -> dict[str, Target]:
    return {target.what: target for target in targets(results)}


@pytest.mark.parametrize(
    ("measured", "at_least", "holds"),
    [(4.0, True, True), (3.9, True, False), (4.0, False, True), (4.1, False, False)],
)
def test_a_limit_is_met_when_it_is_reached(measured: float, at_least: bool, holds: bool) -> None:
    target = Target("requests/s", measured, 4.0, at_least)
    assert target.holds is holds
    assert target.mark == ("✓" if holds else "✗")


def test_single_rows_are_held_against_every_peer() -> None:
    results = Results(
        loads={
            (SINGLE, PREDICTOR): Load(14_000, 1.0, 1.9),
            (SINGLE, SKLEARNSERVER): Load(140, 110, 120),
            (SINGLE, ECHO): Load(40_000, 0.3, 0.5),
            (cells.single(16, "v2"), MLSERVER_BATCHING): Load(1000, 15, 20),
        }
    )
    judged = found(results)
    assert {what.removeprefix(f"{SINGLE}: "): (target.measured, target.holds) for what, target in judged.items()} == {
        "requests/s of sklearnserver": (100.0, True),
        "requests/s of MLServer with adaptive batching (v2)": (14.0, False),
        "requests/s of a bare echo": (0.35, False),
        "p99": (1.9, True),
    }


def test_one_connection_is_held_against_the_peers_latency() -> None:
    alone = cells.single(1, "v2")
    results = Results(loads={(alone, PREDICTOR): Load(5000, 0.2, 0.4), (alone, SKLEARNSERVER): Load(140, 7.0, 9)})
    assert found(results)[f"{alone}: p50 shorter than sklearnserver's"].holds
    results.loads[alone, PREDICTOR] = Load(4900, 0.21, 0.4)
    assert not found(results)[f"{alone}: p50 shorter than sklearnserver's"].holds


def test_a_batch_has_its_own_limit_for_each_protocol_and_model() -> None:
    loads = {}
    for model in ("forest", "logistic"):
        for protocol in cells.PROTOCOLS:
            loads[cells.batch(model, protocol), PREDICTOR] = Load(500, 30, 46)
            loads[cells.batch(model, protocol), SKLEARNSERVER] = Load(100, 160, 170)
    judged = found(Results(loads=loads))
    ratios = {what: (target.limit, target.holds) for what, target in judged.items() if "sklearnserver" in what}
    assert ratios == {
        "forest, 1,000 rows, 16 connections, v1: requests/s of sklearnserver": (3.0, True),
        "forest, 1,000 rows, 16 connections, v2: requests/s of sklearnserver": (3.5, True),
        "forest, 1,000 rows, 16 connections, binary: requests/s of sklearnserver": (4.0, True),
        "forest, 1,000 rows, 16 connections, binary: requests/s of sklearnserver, the goal": (8.0, False),
        "logistic, 1,000 rows, 16 connections, v1: requests/s of sklearnserver": (8.0, False),
        "logistic, 1,000 rows, 16 connections, v2: requests/s of sklearnserver": (10.0, False),
        "logistic, 1,000 rows, 16 connections, binary: requests/s of sklearnserver": (20.0, False),
    }
    spreads = [target for what, target in judged.items() if what.endswith("p99 / p50")]
    assert len(spreads) == 6
    assert not any(target.holds for target in spreads)


def test_batches_beside_single_rows_and_the_start_are_judged_for_the_predictor() -> None:
    results = Results(
        loads={(cells.ALONE, PREDICTOR): Load(9000, 6, 8), (cells.MIXED, PREDICTOR): Load(7000, 7, 41)},
        started={PREDICTOR: Started(seconds=1.1, memory=210), SKLEARNSERVER: Started(seconds=9, memory=900)},
    )
    assert {what: target.holds for what, target in found(results).items()} == {
        f"{cells.MIXED}: p99 of single rows against none beside": False,
        "seconds from start to ready": True,
        "resident memory when ready": False,
    }


def test_what_was_not_measured_is_not_judged() -> None:
    assert targets(Results()) == []
    alone = Results(loads={(SINGLE, SKLEARNSERVER): Load(140, 110, 120)})
    assert targets(alone) == []
    assert ratio(alone, SINGLE, PREDICTOR) is None
    assert ratio(alone, SINGLE, SKLEARNSERVER) == 1.0
