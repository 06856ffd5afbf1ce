"""Drift: the index itself, the window that it is told from, and real patients of other hospitals."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, entropy

from predictor.drift import SLICES, DriftWindow, Window, psi
from predictor.errors import InvalidSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from predictor.drift import Counts, Floats
    from predictor.served import Served


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def counts(*values: int) -> Counts:
    return np.array(values, dtype=np.int64)


def psi_step_by_step(reference: Sequence[int], live: Sequence[int]) -> float:
    pairs = [(before, now) for before, now in zip(reference, live, strict=True) if before or now]
    total = 0.0
    for before, now in pairs:
        p = (before + 0.5) / (sum(reference) + 0.5 * len(pairs))
        q = (now + 0.5) / (sum(live) + 0.5 * len(pairs))
        total += (q - p) * math.log(q / p)
    return total


def encoded(served: Served, table: pd.DataFrame) -> Floats:
    columns = {
        name: [None if pd.isna(value) else value for value in table[name]]
        for name in served.bundle.contract.feature_names
    }
    found = served.encoder.from_columns(columns)
    assert not found.violations
    return found.matrix


def resampled(rows: Floats, size: int, seed: int) -> Floats:
    return rows[np.random.default_rng(seed).integers(0, len(rows), size)]


def add(window: DriftWindow, served: Served, rows: Floats) -> None:
    window.add(window.cells(rows, served.bundle.scorer(rows).probability))


def psis(window: DriftWindow, served: Served) -> dict[str, float]:
    names = [*served.bundle.contract.feature_names, "probability"]
    return {name: drift.psi for name, drift in zip(names, window.drift(), strict=True)}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def training(served: Served, cleveland: pd.DataFrame) -> Floats:
    return encoded(served, cleveland)


@pytest.fixture
def long_beach(served: Served, sites: dict[str, pd.DataFrame]) -> Floats:
    return encoded(served, sites["va"])


@pytest.mark.parametrize(
    ("reference", "live"),
    [
        ([30, 30, 30, 10], [30, 30, 30, 10]),
        ([30, 30, 30, 10], [300, 100, 500, 100]),
        ([150, 150, 0], [100, 90, 10]),
        ([150, 140, 10], [200, 0, 0]),
        ([303, 0], [0, 200]),
        ([100, 0, 200, 0], [70, 0, 130, 0]),
    ],
)
def test_psi_is_what_its_formula_gives_step_by_step(reference: list[int], live: list[int]) -> None:
    found = psi(counts(*reference), counts(*live))
    assert found.psi == pytest.approx(psi_step_by_step(reference, live), rel=1e-12, abs=1e-15)


def test_psi_is_zero_for_equal_counts_symmetric_and_finite_for_empty_bins() -> None:
    assert psi(counts(5, 0, 7), counts(5, 0, 7)).psi == 0
    assert psi(counts(9, 0), counts(4, 6)).psi == pytest.approx(psi(counts(4, 6), counts(9, 0)).psi)
    assert 1 < psi(counts(300, 0), counts(0, 300)).psi < math.inf


def test_bins_that_are_empty_on_both_sides_change_nothing() -> None:
    assert psi(counts(50, 0, 50, 0), counts(20, 0, 80, 0)) == psi(counts(50, 50), counts(20, 80))
    assert psi(counts(50, 0), counts(20, 0)) == (0, 0)


@pytest.mark.parametrize("bins", [2, 3, 5, 11, 60])
def test_chance_is_the_quantile_of_chi_squared(bins: int) -> None:
    found = psi(np.full(bins, 30), np.full(bins, 20)).chance
    expected = chi2.ppf(0.999, bins - 1) * (1 / (30 * bins) + 1 / (20 * bins))
    assert found == pytest.approx(expected, rel=0.04)


def test_two_hundred_rows_without_drift_pass_a_rule_of_thumb_by_chance_but_not_their_own_bound() -> None:
    rng = np.random.default_rng(0)
    shares = np.full(10, 0.1)
    found = np.array([psi(rng.multinomial(303, shares), rng.multinomial(200, shares)) for _ in range(2_000)])
    value, chance = found.T
    assert value.mean() == pytest.approx(9 * (1 / 303 + 1 / 200), rel=0.1)
    assert (value > 0.1).mean() > 0.1
    assert (value > chance).mean() <= 0.004


def test_rows_resampled_from_training_stay_silent(served: Served, training: Floats) -> None:
    for seed in range(5):
        window = DriftWindow(served.bundle.profile, Window())
        add(window, served, resampled(training, 1_000, seed))
        assert window.rows == 1_000
        assert max(psis(window, served).values()) < 0.1
        assert all(drift.psi < drift.chance for drift in window.drift())


def test_patients_of_another_hospital_fire_on_what_differs_there(served: Served, long_beach: Floats) -> None:
    window = DriftWindow(served.bundle.profile, Window())
    add(window, served, long_beach)
    found = psis(window, served)
    unrecorded = {"slope", "ca", "thal"}
    assert min(found[name] for name in unrecorded) > 3
    assert {name for name, value in found.items() if value > 1} == unrecorded | {
        *("trestbps", "chol", "restecg", "thalach", "exang", "oldpeak", "probability"),
    }
    assert found["cp"] < 0.2
    assert all(drift.psi > drift.chance for drift in window.drift())


def test_a_growing_share_of_missing_values_is_drift_by_itself(served: Served, training: Floats) -> None:
    rows = resampled(training, 1_000, 3)
    rows[::3, served.bundle.contract.feature_names.index("ca")] = np.nan
    window = DriftWindow(served.bundle.profile, Window())
    add(window, served, rows)
    found = psis(window, served)
    assert found.pop("ca") > 1
    del found["probability"]
    assert max(found.values()) < 0.1


def test_drift_ends_when_usual_rows_have_pushed_the_others_out(
    served: Served, training: Floats, long_beach: Floats
) -> None:
    window = DriftWindow(served.bundle.profile, Window())
    add(window, served, long_beach)
    add(window, served, resampled(training, 1_000, 4))
    assert psis(window, served)["ca"] > 0.2
    add(window, served, resampled(training, 1_000, 5))
    assert max(psis(window, served).values()) < 0.1


def test_the_window_holds_the_last_rows_and_never_more(served: Served, training: Floats) -> None:
    rows = resampled(training, 3_000, 6)
    probability = served.bundle.scorer(rows).probability
    window = DriftWindow(served.bundle.profile, Window(rows=400, minimum=100))
    seen = 0
    for size in (1, 99, 7, 250, 43, 1_000, 1, 1, 380, 19):
        window.add(window.cells(rows[seen : seen + size], probability[seen : seen + size]))
        seen += size
        assert min(seen, 400 - 19) <= window.rows <= min(seen, 400)
        if window.rows < 100:
            continue
        held = slice(seen - window.rows, seen)
        for item, values, drift in zip(
            (*served.bundle.profile.features, *served.bundle.profile.probabilities),
            (*rows[held].T, probability[held]),
            window.drift(),
            strict=True,
        ):
            live = [0] * (len(item.counts) + 1)
            for value in values:
                live[-1 if math.isnan(value) else sum(value >= edge for edge in item.edges)] += 1
            assert drift.psi == pytest.approx(psi_step_by_step([*item.counts, item.missing], live))


def test_rows_grow_old(served: Served, training: Floats, clock: Clock) -> None:
    window = DriftWindow(served.bundle.profile, Window(rows=2_000, seconds=600, minimum=50), clock)
    for _ in range(20):
        add(window, served, training[:3])
        clock.now += 30
    assert window.rows == 60
    assert not math.isnan(window.drift()[0].psi)
    clock.now += 300
    assert window.rows == 30
    clock.now += 301
    assert window.rows == 0
    assert math.isnan(window.drift()[0].psi)
    assert math.isnan(window.drift()[0].chance)


def test_nothing_is_told_from_too_few_rows(served: Served, training: Floats) -> None:
    window = DriftWindow(served.bundle.profile, Window())
    assert all(map(math.isnan, psis(window, served).values()))
    add(window, served, training[:199])
    assert all(map(math.isnan, psis(window, served).values()))
    add(window, served, training[199:200])
    assert not any(map(math.isnan, psis(window, served).values()))


def test_memory_does_not_grow_with_traffic(served: Served, training: Floats, clock: Clock) -> None:
    window = DriftWindow(served.bundle.profile, Window(rows=200, seconds=100, minimum=1), clock)
    empty = len(pickle.dumps(window))
    largest = 0
    rng = np.random.default_rng(8)
    for _ in range(2_000):
        add(window, served, resampled(training, int(rng.integers(1, 15)), 9))
        clock.now += float(rng.choice([0.0, 0.1, 5.0]))
        largest = max(largest, len(pickle.dumps(window)))
    a_slice = window.size * 8 + 200
    assert largest < empty + (2 * SLICES + 1) * a_slice


def test_a_window_that_could_never_speak_is_refused() -> None:
    assert Window(rows=100, minimum=96).slice_rows == 5
    with pytest.raises(InvalidSettings, match="from 97 rows on, but a window of 100 rows holds only 96 at all times"):
        Window(rows=100, minimum=97)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=12).filter(
        lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))
    )
)
@settings(max_examples=100, deadline=None)
def test_psi_is_what_scipys_relative_entropies_add_up_to(pairs: list[tuple[int, int]]) -> None:
    reference, live = (counts(*side) for side in zip(*pairs, strict=True))
    used = reference + live > 0
    p, q = reference[used] + 0.5, live[used] + 0.5
    # SciPy makes shares of what it is given; PSI is the divergence both ways (Jeffreys).
    assert psi(reference, live).psi == pytest.approx(float(entropy(p, q) + entropy(q, p)), abs=1e-12)
