from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from components.errors import UntrustedModel
from components.learning.candidates import CANDIDATES
from components.learning.model import CrossValidated, FittedCandidate, read_model, write_model
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
        out_of_fold=tuple(found.out_of_fold.tolist()),
        seconds=1.5,
    )


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_fitted_candidate_is_read_as_it_was_written(
    name: str, fitted: Callable[[str], Fitted], rows: Rows, tmp_path: Path
) -> None:
    found = fitted(name)
    write_model(tmp_path / "deep" / "model", found.estimator, facts(name, found))
    estimator, again = read_model(tmp_path / "deep" / "model")
    assert again == facts(name, found)
    np.testing.assert_array_equal(estimator.predict_proba(rows.matrix)[:, 1], found.probability(rows.matrix))


def test_a_model_is_never_written_over_another(fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    found = fitted("logistic-regression")
    write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found))
    with pytest.raises(FileExistsError):
        write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found))


def test_a_model_that_is_not_ours_is_refused(fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    found = fitted("logistic-regression")
    write_model(tmp_path / "model", found.estimator, facts("logistic-regression", found))
    (tmp_path / "model" / "model.skops").write_bytes(b"another")
    with pytest.raises(UntrustedModel):
        read_model(tmp_path / "model")


def test_what_cross_validation_found_survives_json(heart: Contract, rows: Rows, tiny: Effort) -> None:
    resampled, predicted = cross_validate(CANDIDATES["logistic-regression"], heart, rows, tiny, seed=0)
    found = CrossValidated(
        name="logistic-regression",
        resampled=resampled,
        probability=tuple(predicted.probability.tolist()),
        positive=tuple(predicted.positive.tolist()),
    )
    assert CrossValidated.model_validate_json(found.model_dump_json()) == found
