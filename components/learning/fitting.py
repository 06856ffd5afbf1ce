"""Fitting one candidate: search, calibration, threshold, all on the rows it is given and nothing else.

Settings are chosen by how well they rank rows; then probabilities are calibrated, and the threshold is chosen after
that. So a setting whose raw scores sit on the wrong side of 0.5 can't win by ranking alone and then answer "no" to
everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from components.learning.budget import Budget
from components.learning.folds import folds_of
from components.learning.search import Search
from contract.decision import PAIR
from contract.scorer import decided

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from components.learning.folds import Fold
    from components.learning.rows import Rows
    from contract.decision import Threshold
    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Estimator: TypeAlias = FixedThresholdClassifier | CalibratedClassifierCV


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate.

    `estimator` is the reference: preprocessing, model and calibration in one, and between two classes the threshold.
    `out_of_fold` are calibrated probabilities of the rows it was fitted on, `rows` in number, each predicted by a model
    that hadn't seen it.
    """

    estimator: Estimator
    parameters: dict[str, Any]
    out_of_fold: Floats
    rows: int

    @property
    def threshold(self) -> float | None:
        """The probability from which a row is called positive; with more than two classes there is none."""
        return threshold_of(self.estimator)

    def probability(self, matrix: Floats) -> Floats:
        """Calibrated probability of the positive class (rows,), or of each of more than two: float64."""
        return probability_of(self.estimator, matrix)


def threshold_of(estimator: Estimator) -> float | None:
    """The probability from which a reference estimator calls a row positive; `None` with more than two classes."""
    return float(estimator.threshold) if isinstance(estimator, FixedThresholdClassifier) else None


def probability_of(estimator: Estimator, matrix: Floats) -> Floats:
    """A reference estimator's probability of the positive class (rows,), or of each of more than two: float64."""
    found = np.asarray(estimator.predict_proba(matrix), dtype=np.float64)
    return found[:, 1] if isinstance(estimator, FixedThresholdClassifier) else found


def calibrated_of(estimator: Estimator) -> Any:
    """The calibrated classifier inside a reference estimator: it has `estimator`, and sigmoids in `calibrators`."""
    inner = estimator.estimator_.estimator if isinstance(estimator, FixedThresholdClassifier) else estimator
    return inner.calibrated_classifiers_[0]


def fit(
    candidate: Candidate, contract: Contract, rows: Rows, effort: Effort, seed: int, seconds: float | None = None
) -> Fitted:
    """Search, calibrate and set the threshold of one candidate. Deterministic for a seed where the table isn't large.

    On a large table it takes `seconds`, those of the effort unless given, of which see `components.learning.budget`.

    It takes one thread, as its task asks for one CPU: candidates run beside each other, and on small tables threads
    that wait for each other make the histogram gradient boosting thirty times as slow.

    Raises `UnsplittableTable` if a fold would lack a class.
    """
    budget = Budget.of(len(rows.labels), effort.seconds if seconds is None else seconds)
    with threadpool_limits(limits=1):
        chosen = Search(candidate, contract, effort, seed, budget).best(rows)
        pipeline = candidate.pipeline(contract.features, seed, len(contract.target.labels)).set_params(**chosen.setting)
        # As many fits as folds, each of the rows but a fold, and one of all.
        affordable = budget.rows_for(
            effort.calibration_folds, rows=len(rows.labels), fits=chosen.fits, growth=candidate.growth
        )
        known = rows.sample(min(affordable, candidate.largest or affordable), seed)
        folds = folds_of(contract, known, effort.calibration_folds, seed + 1)
        calibrated, out_of_fold = _calibrated(pipeline, known, folds)
    estimator = calibrated
    if contract.decision.threshold:
        threshold = threshold_for(contract.decision.threshold, known.labels, out_of_fold)
        estimator = FixedThresholdClassifier(
            FrozenEstimator(calibrated), threshold=threshold, response_method="predict_proba"
        ).fit(known.matrix, known.labels)
    parameters = {name.removeprefix("model__"): value for name, value in chosen.setting.items()}
    return Fitted(estimator, parameters, out_of_fold, len(known.labels))


class _Scores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a model whose scores are known: what it is asked about are the scores themselves."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.classes_ = np.arange(classes)

    def fit(self, scores: Floats, labels: Labels) -> Self:  # noqa: ARG002
        """There is nothing to learn."""
        return self

    def decision_function(self, scores: Floats) -> Floats:
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def predict(self, scores: Floats) -> Labels:
        """What scikit-learn asks every classifier to have."""
        return decided(self.decision_function(scores), None if scores.shape[1] > 1 else 0.0)


def _calibrated(pipeline: Pipeline, rows: Rows, folds: list[Fold]) -> tuple[CalibratedClassifierCV, Floats]:
    """The pipeline fitted on all rows, calibrated on its out-of-fold scores; and what calibration makes of these.

    A sigmoid calibrates the score of two classes, one temperature those of more.

    CalibratedClassifierCV would do the same from the pipeline itself, but keeps no scores: every fold would be fitted
    twice to have them.
    """
    response = "decision_function" if hasattr(pipeline, "decision_function") else "predict_proba"
    scores = cross_val_predict(pipeline, rows.matrix, rows.labels, cv=folds, method=response)
    classes = len(np.unique(rows.labels))
    if classes == PAIR:
        scores = scores[:, 1:] if scores.ndim > 1 else scores[:, None]
    everything = np.arange(len(rows.labels))
    stand_in = _Scores(classes)
    method = "sigmoid" if classes == PAIR else "temperature"
    calibrated = CalibratedClassifierCV(stand_in, method=method, cv=[(everything, everything)], ensemble=False)
    calibrated.fit(scores, rows.labels)
    out_of_fold = calibrated.predict_proba(scores)
    calibrated.set_params(estimator=clone(pipeline), cv=None)
    calibrated.calibrated_classifiers_[0].estimator = pipeline.fit(rows.matrix, rows.labels)
    calibrated.n_features_in_ = rows.matrix.shape[1]
    return calibrated, out_of_fold[:, 1] if classes == PAIR else out_of_fold


def threshold_for(rule: Threshold, labels: Labels, probability: Floats) -> float:
    """The threshold that the contract's rule picks on out-of-fold probabilities.

    It lies halfway between two neighbouring probabilities, so that no row sits on it.
    """
    wanted = rule.value or 0.0
    if rule.rule == "fixed":
        return wanted
    values = np.unique(probability)
    cuts = np.concatenate([[values[0] / 2], (values[1:] + values[:-1]) / 2, [(values[-1] + 1) / 2]])
    positives, negatives = (np.sort(probability[labels == label]) for label in (1, 0))
    found = len(positives) - np.searchsorted(positives, cuts)
    cleared = np.searchsorted(negatives, cuts)
    match rule.rule:
        case "sensitivity_at_least":
            return float(cuts[found / len(positives) >= wanted].max())
        case "specificity_at_least":
            return float(cuts[cleared / len(negatives) >= wanted].min())
        case "highest_f1":
            return float(cuts[(found / (found + len(positives) + len(negatives) - cleared)).argmax()])
        case _:
            return float(cuts[(found + cleared).argmax()])
