"""Tables other than heart, for what learns and packages: irises, and one made up of every kind of column."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier

from components.learning.rows import Rows
from contract.schema import Contract

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.learning.candidates import Candidate
    from components.learning.fitting import Estimator

    Matrix = npt.NDArray[np.float64]

NAN = float("nan")
TOWNS = 300


@dataclass(frozen=True)
class Table:
    """A contract, encoded rows, and rows on the values that occur in them."""

    contract: Contract
    rows: Rows
    tested: Matrix

    @property
    def classes(self) -> int:
        return len(self.contract.target.labels)

    def reference(self, candidate: Candidate) -> Estimator:
        """The candidate's reference estimator in a middling setting, fitted without a search."""
        model = candidate.pipeline(self.contract.features, 0, self.classes)
        model.set_params(**{name: values[len(values) // 3] for name, values in candidate.space(self.classes).items()})
        method = "temperature" if self.classes > 2 else "sigmoid"
        calibrated = CalibratedClassifierCV(model, method=method, cv=2, ensemble=False)
        calibrated.fit(self.rows.matrix, self.rows.labels)
        if self.classes > 2:
            return calibrated
        frozen = FrozenEstimator(calibrated)
        found = FixedThresholdClassifier(frozen, threshold=0.4, response_method="predict_proba")
        return found.fit(self.rows.matrix, self.rows.labels)


def irises() -> Table:
    """150 flowers of three species."""
    numbers: list[dict[str, Any]] = [
        {"kind": "numeric", "name": name, "range": {"min": 0.0, "max": 20.0}}
        for name in ("sepal_length", "sepal_width", "petal_length", "petal_width")
    ]
    found = load_iris()
    return Table(_contract(numbers, ["setosa", "versicolor", "virginica"]), *_rows(found.data, found.target))


def made(classes: int = 2) -> Table:
    """600 rows of every kind of column, with gaps that say something and gaps that don't, and 300 towns."""
    missing, telling = {"allowed": True}, {"allowed": True, "informative": True}
    features: list[dict[str, Any]] = [
        {"kind": "numeric", "name": "dose", "range": {"min": -1e6, "max": 1e6}, "missing": missing},
        {"kind": "integer", "name": "visits", "range": {"min": -5, "max": 1000}, "missing": telling},
        {"kind": "boolean", "name": "smoker", "missing": missing},
        {"kind": "boolean", "name": "insured", "missing": telling},
        {"kind": "categorical", "name": "ward", "categories": _categories(9), "missing": missing},
        {"kind": "categorical", "name": "blood", "categories": _categories(4), "missing": telling},
        {"kind": "categorical", "name": "side", "categories": _categories(2), "missing": telling},
        {"kind": "categorical", "name": "town", "categories": _categories(TOWNS), "missing": missing},
        {"kind": "categorical", "name": "maker", "categories": _categories(40), "missing": missing},
        {"kind": "numeric", "name": "height", "range": {"min": -1e6, "max": 1e6}},
    ]
    random = np.random.default_rng(0)
    count = 600
    town = (random.random(count) ** 2 * (TOWNS - 10)).astype(np.intp)  # the last ten never occur
    maker = (random.random(count) ** 1.5 * 38).astype(np.intp)  # nor do the last two
    whole = [random.integers(0, most, count) for most in (30, 40, 2, 2, 9, 4, 2)]
    matrix = np.column_stack([*whole, town, maker, random.normal(size=count)]).astype(np.float64)
    matrix[:, 0] /= 10
    matrix[:, :9][random.random((count, 9)) < 0.1] = NAN
    dose, visits, smoker, _, ward, blood, _, town, maker, _ = np.nan_to_num(matrix, nan=-1).T
    risk = dose + 0.1 * visits + smoker + 2 * np.isin(ward, [-1, 1, 4]) + maker % 4 + np.sin(town) + 3 * (blood < 0)
    risk += random.normal(size=count)
    labels = np.searchsorted(np.quantile(risk, np.arange(1, classes) / classes), risk)
    return Table(_contract(features, [f"class {item}" for item in range(classes)]), *_rows(matrix, labels))


def _categories(count: int) -> list[dict[str, Any]]:
    return [{"value": value, "label": f"number {value}"} for value in range(count)]


def _rows(matrix: Matrix, labels: npt.NDArray[Any]) -> tuple[Rows, Matrix]:
    random = np.random.default_rng(1)
    drawn = np.column_stack([random.choice(column, 1500) for column in matrix.T])
    nothing = np.full((1, matrix.shape[1]), NAN)
    ends = [[function(column) for column in matrix.T] for function in (np.nanmin, np.nanmax)]
    beyond = np.nan_to_num(matrix[:10])
    if matrix.shape[1] == 10:
        beyond[:, [7, 8]] = [TOWNS - 1, 39]  # categories that training never saw
    return Rows(matrix, labels.astype(np.int64)), np.vstack([matrix, drawn, nothing, *[[end] for end in ends], beyond])


def _contract(features: list[dict[str, Any]], labels: list[str]) -> Contract:
    classes = [{"label": label, "values": [position]} for position, label in enumerate(labels)]
    binary = len(labels) == 2
    text = {"title": "A table", "description": "For tests.", "licence": "none", "citation": "none"}
    usual = {item["name"]: {"boolean": True}.get(item["kind"], 1) for item in features}
    positive = {"positive": labels[1]} if binary else {}
    threshold = {"threshold": {"rule": "fixed", "value": 0.4}} if binary else {}
    return Contract.model_validate_json(
        json.dumps(
            {
                **text,
                "format": 1,
                "name": "table",
                "training": {"location": "table.csv", "title": "A table"},
                "features": [{"description": item["name"], **item} for item in features],
                "target": {"column": "answer", "description": "the answer", "classes": classes, **positive},
                "split": {"method": "stratified", "held_out": 0.2, "seed": 1},
                "decision": {"metric": "roc_auc", "floors": {}, **threshold},
                "examples": [{"title": "usual", "instance": usual}],
            }
        )
    )
