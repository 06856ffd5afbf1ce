from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from components.errors import UntrustedModel
from components.learning.candidates import CANDIDATES
from components.learning.model import (
    CrossValidated,
    FittedCandidate,
    read_model,
    read_out_of_fold,
    read_validated,
    write_model,
    write_validated,
)
from components.learning.resampling import cross_validate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from components.learning.effort import Effort
    from components.learning.fitting import Fitted
    from components.learning.rows import Rows
    from contract.schema import Contract


def facts(name: str, found: Fitted) -> FittedCandidate:
    return FittedCandidate(
        name=name,
        parameters=found.parameters,
        threshold=found.threshold,
        rows=found.rows,
        seconds=1.5,
    )


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_fitted_candidate_is_read_as_it_was_written(
    name: str, fitted: Callable[[str], Fitted], rows: Rows, tmp_path: Path
) -> None:
    found = fitted(name)
    write_model(tmp_path / "deep" / "model", found.estimator, facts(name, found), found.out_of_fold)
    estimator, again = read_model(tmp_path / "deep" / "model")
    assert again == facts(name, found)
    np.testing.assert_array_equal(read_out_of_fold(tmp_path / "deep" / "model"), found.out_of_fold)
    np.testing.assert_array_equal(estimator.predict_proba(rows.matrix)[:, 1], found.probability(rows.matrix))


def test_a_model_is_never_written_over_another(fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    found = fitted("logistic-regression")
    write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found), found.out_of_fold)
    with pytest.raises(FileExistsError):
        write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found), found.out_of_fold)


def test_a_model_that_is_not_ours_is_refused(fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    found = fitted("logistic-regression")
    write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found), found.out_of_fold)
    (tmp_path / "model" / "model.skops").write_bytes(b"another")
    with pytest.raises(UntrustedModel):
        read_model(tmp_path / "model")


def test_what_cross_validation_found_is_read_as_it_was_written(
    heart: Contract, rows: Rows, tiny: Effort, tmp_path: Path
) -> None:
    resampled, predicted = cross_validate(CANDIDATES["logistic-regression"], heart, rows, tiny, seed=0)
    found = CrossValidated(name="logistic-regression", resampled=resampled)
    write_validated(tmp_path / "validated", found, predicted)
    again, out_of_fold = read_validated(tmp_path / "validated")
    assert again == found
    np.testing.assert_array_equal(out_of_fold.probability, predicted.probability)
    np.testing.assert_array_equal(out_of_fold.decided, predicted.decided)
