from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from kfp import dsl

from components import train
from components.errors import StageError
from components.learning.candidates import CANDIDATES
from components.learning.effort import SEED
from components.learning.fitting import fit
from components.learning.model import read_model, read_out_of_fold
from components.learning.rows import rows_of
from components.table import read

if TYPE_CHECKING:
    from pathlib import Path

    from components.learning.effort import Effort
    from contract.schema import Contract
    from tests.components.conftest import Stages


def test_the_model_is_fitted_on_the_training_rows_alone(heart: Contract, stages: Stages, tiny: Effort) -> None:
    rows = rows_of(heart, read(stages["training"].path))
    estimator, facts = read_model(stages["decision-tree"].path)
    expected = fit(CANDIDATES["decision-tree"], heart, rows, tiny, SEED)
    np.testing.assert_array_equal(read_out_of_fold(stages["decision-tree"].path), expected.out_of_fold)
    assert (facts.parameters, facts.threshold) == (expected.parameters, expected.threshold)
    assert facts.rows == len(rows.labels)
    assert facts.seconds > 0
    np.testing.assert_array_equal(estimator.predict_proba(rows.matrix)[:, 1], expected.probability(rows.matrix))


def test_the_artifact_says_what_it_is(stages: Stages) -> None:
    _, facts = read_model(stages["logistic-regression"].path)
    assert stages["logistic-regression"].metadata == {
        "candidate": "logistic-regression",
        "framework": "scikit-learn",
        "rows": facts.rows,
    }


@pytest.mark.parametrize(("candidate", "effort"), [("oracle", "quick"), ("svm", "huge")])
def test_a_name_that_does_not_exist_is_refused_before_anything_is_fitted(
    stages: Stages, tmp_path: Path, candidate: str, effort: str
) -> None:
    model = dsl.Model(uri=str(tmp_path / "model"))
    with pytest.raises(StageError, match="there is no"):
        train.train.python_func(candidate, effort, stages["contract"], stages["training"], model)
    assert not (tmp_path / "model").exists()
