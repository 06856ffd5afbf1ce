from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import Pipeline

from components.learning.preprocessing import Preprocessing, layout_of
from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
from components.packaging.parity import testing_rows as rows_to_test
from components.table import encode
from contract.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pandas as pd

    from components.learning.rows import Rows
    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]


@pytest.fixture(scope="session")
def known(heart: Contract, cleveland: pd.DataFrame, sites: dict[str, pd.DataFrame]) -> Matrix:
    """All rows of the four sites, encoded."""
    return np.vstack([encode(heart, frame).matrix for frame in (cleveland, *sites.values())])


@pytest.fixture(scope="session")
def tested(heart: Contract, known: Matrix) -> Matrix:
    """The rows that parity is measured on."""
    return rows_to_test(heart.features, known)


@pytest.fixture(scope="session")
def serve(heart: Contract) -> Callable[[FixedThresholdClassifier], Scorer]:
    """The served form of a reference estimator."""

    def served(estimator: FixedThresholdClassifier) -> Scorer:
        return Scorer(transform_of(estimator), to_onnx(estimator), decision_rule_of(estimator, heart))

    return served


@pytest.fixture(scope="session")
def reference(heart: Contract, rows: Rows) -> Callable[..., FixedThresholdClassifier]:
    """A reference estimator of any model, without the search that a candidate has."""

    def fitted(model: Any, *, scaled: bool = False) -> FixedThresholdClassifier:
        prepare = Preprocessing(layout_of(heart.features).model_dump_json(), scaled=scaled)
        pipeline = Pipeline([("prepare", prepare), ("model", model)])
        calibrated = CalibratedClassifierCV(pipeline, method="sigmoid", cv=2, ensemble=False)
        calibrated.fit(rows.matrix, rows.labels)
        frozen = FrozenEstimator(calibrated)
        return FixedThresholdClassifier(frozen, threshold=0.4, response_method="predict_proba").fit(
            rows.matrix, rows.labels
        )

    return fitted
