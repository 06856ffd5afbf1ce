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
    from components.packaging.tree import Sum, Tree
    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]


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


@pytest.fixture(scope="session")
def drawn() -> Callable[[int], tuple[Matrix, Labels]]:
    """300 rows of whole numbers, codes and gaps, and classes that follow from them."""

    def rows(classes: int) -> tuple[Matrix, Labels]:
        random = np.random.default_rng(0)
        matrix = np.column_stack([random.integers(0, most, 300) for most in (20, 7, 40)]).astype(np.float64)
        score = matrix[:, 0] + 5 * np.isin(matrix[:, 1], [1, 4, 6]) + random.normal(size=300)
        matrix[random.random((300, 3)) < 0.1] = np.nan
        return matrix, np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score).astype(np.int64)

    return rows


@pytest.fixture(scope="session")
def followed() -> Callable[[Sum, Matrix], Matrix]:
    """The scores at which trees arrive, followed node by node: float64 (rows, scores)."""

    def leaf(tree: Tree, row: Matrix) -> float:
        node, ends = 0, np.cumsum(tree.set_size)
        while not tree.is_leaf[node]:
            value = row[tree.column[node]]
            if np.isnan(value):
                low = tree.missing_left[node]
            elif tree.set_size[node]:
                low = value in tree.category[ends[node] - tree.set_size[node] : ends[node]]
            else:
                low = value <= tree.threshold[node]
            node = (tree.left if low else tree.right)[node]
        return float(tree.value[node])

    def scores(found: Sum, rows: Matrix) -> Matrix:
        total = np.tile(found.base, (len(rows), 1)).astype(np.float64)
        for target, tree in found.trees:
            total[:, target] += [leaf(tree, row) for row in rows]
        return total

    return scores
