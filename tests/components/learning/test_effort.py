from __future__ import annotations

import pytest

from components.errors import StageError
from components.learning.effort import EFFORTS, Effort, effort_named


def test_an_effort_is_found_by_its_name() -> None:
    assert effort_named("quick") is EFFORTS["quick"]
    assert [name for name, effort in EFFORTS.items() if effort.name != name] == []


def test_an_unknown_effort_is_refused_with_those_that_exist() -> None:
    with pytest.raises(StageError, match="there is no effort 'huge'; choose one of quick, standard, thorough"):
        effort_named("huge")


@pytest.mark.parametrize(
    ("cost", "grid_size", "trials"), [(1, 100, 16), (8, 100, 2), (16, 100, 2), (100, 100, 2), (1, 5, 5), (100, 1, 1)]
)
def test_costly_candidates_try_less_but_at_least_two_and_at_most_all(cost: int, grid_size: int, trials: int) -> None:
    effort = Effort("any", repeats=1, folds=3, inner_folds=3, trials=16, calibration_folds=3, resamples=500)
    assert effort.trials_of(cost, grid_size) == trials


def test_more_effort_never_repeats_less() -> None:
    quick, standard, thorough = EFFORTS.values()
    for less, more in ((quick, standard), (standard, thorough)):
        assert less.repeats <= more.repeats
        assert less.folds <= more.folds
        assert less.trials < more.trials
        assert less.resamples < more.resamples
