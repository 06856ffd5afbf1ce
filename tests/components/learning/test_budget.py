"""Seconds buy rows on large tables; on small ones nothing is timed."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from components.learning.budget import LARGE, ROUNDS, SEARCHING, Budget, Fit, seconds_of
from components.learning.candidates import candidate_named
from components.learning.effort import EFFORTS
from components.learning.fitting import fit

if TYPE_CHECKING:
    from components.learning.effort import Effort
    from components.learning.rows import Rows
    from contract.schema import Contract


def test_a_small_table_has_all_the_time_there_is() -> None:
    budget = Budget.of(LARGE, seconds=1e-9)
    assert not budget.timed
    assert math.isinf(budget.left_to_search(1))
    assert budget.rows_for(3, rows=LARGE, fits=[Fit(10, 100.0)], growth=1) == LARGE


def test_each_round_of_the_search_ends_with_its_share() -> None:
    budget = Budget(100, started=time.monotonic() - 20)
    ends = [budget.left_to_search(number) for number in range(1, ROUNDS + 1)]
    assert ends == pytest.approx([100 * SEARCHING * number / ROUNDS - 20 for number in range(1, ROUNDS + 1)], abs=0.1)


@pytest.mark.parametrize(("growth", "expected"), [(1, 75_000), (2, 8_660)])
def test_what_is_left_buys_rows(growth: float, expected: int) -> None:
    # 100 s, of which three quarters are planned for; a fit of 1,000 rows takes 0.25 s, and four are needed.
    budget = Budget(100)
    found = budget.rows_for(4, rows=10**6, fits=[Fit(1000, 0.25)], growth=growth)
    assert found == pytest.approx(expected, rel=0.01)
    assert budget.rows_for(4, rows=5000, fits=[Fit(1000, 0.25)], growth=growth) == 5000


def test_what_a_fit_costs_whatever_its_rows_is_not_multiplied_by_them() -> None:
    fits = [Fit(1000, 2.0), Fit(4000, 2.3)]  # 1.9 s, and 0.1 s a thousand rows
    assert seconds_of(16_000, fits, 1) == pytest.approx(3.5)
    assert Budget(100).rows_for(4, rows=10**6, fits=fits, growth=1) == pytest.approx(168_500, rel=0.01)


def test_a_fit_that_got_faster_with_more_rows_buys_them_all() -> None:
    fits = [Fit(1000, 2.0), Fit(4000, 1.9)]
    assert seconds_of(10**6, fits, 1) == pytest.approx(1.9)
    assert Budget(100).rows_for(4, rows=10**6, fits=fits, growth=1) == 10**6


def test_a_fit_is_borne_that_can_be_repeated_after_the_search() -> None:
    budget = Budget(100)
    assert budget.bears(Fit(1000, 9.0), 4)
    assert not budget.bears(Fit(1000, 10.0), 4)
    assert Budget().bears(Fit(1000, 1e6), 4)


def test_at_least_what_the_search_had_is_fitted() -> None:
    spent = Budget(10, started=time.monotonic() - 60)
    assert spent.rows_for(4, rows=10**6, fits=[Fit(1000, 5)], growth=1) == 1000


def test_a_large_table_is_fitted_within_its_seconds(heart: Contract, crowd: Rows) -> None:
    effort = replace(EFFORTS["quick"], sample=2000)
    started = time.monotonic()
    short = fit(candidate_named("random-forest"), heart, crowd, effort, 0, seconds=4)
    assert time.monotonic() - started < 20
    assert short.rows < len(crowd.labels)
    assert len(short.out_of_fold) == short.rows
    plain = fit(candidate_named("logistic-regression"), heart, crowd, effort, 0, seconds=120)
    assert plain.rows == len(crowd.labels)


def test_a_candidate_whose_cost_grows_with_the_square_is_fitted_on_what_it_can_bear(
    heart: Contract, crowd: Rows, tiny: Effort
) -> None:
    svm = replace(candidate_named("svm"), largest=1500)
    assert fit(svm, heart, crowd, replace(tiny, sample=500), 0, seconds=60).rows == pytest.approx(1500, abs=2)
