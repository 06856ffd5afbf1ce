"""Fitting one candidate: search, calibration, threshold, all on the rows it is given and nothing else.

The search ranks settings by how well they rank rows (ROC-AUC, or PR-AUC where the contract selects on it), because
probabilities are calibrated afterwards and the threshold is chosen after that. So a setting whose raw scores sit on the
wrong side of 0.5 can't win by ranking alone and then answer "no" to everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    KFold,
    ParameterSampler,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from components.errors import UnsplittableTable

if TYPE_CHECKING:
    import numpy.typing as npt
    from sklearn.pipeline import Pipeline

    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from components.learning.rows import Rows
    from contract.decision import Threshold
    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]
    Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate.

    `estimator` is the reference: preprocessing, model, calibration and threshold in one. `out_of_fold` are calibrated
    probabilities of the rows it was fitted on, each predicted by a model that hadn't seen it.
    """

    estimator: FixedThresholdClassifier
    parameters: dict[str, Any]
    out_of_fold: Floats

    @property
    def threshold(self) -> float:
        """The probability from which a row is called positive."""
        return float(self.estimator.threshold)

    def probability(self, matrix: Floats) -> Floats:
        """Calibrated probability of the positive class: float64 of shape (rows,)."""
        return np.asarray(self.estimator.predict_proba(matrix)[:, 1], dtype=np.float64)


def calibrated_of(estimator: FixedThresholdClassifier) -> Any:
    """The calibrated classifier inside a reference estimator: it has `estimator` and one sigmoid in `calibrators`."""
    return estimator.estimator_.estimator.calibrated_classifiers_[0]


def folds_of(contract: Contract, rows: Rows, folds: int, seed: int) -> list[Fold]:
    """Cross-validation folds that respect the contract's split: by class, by group, or by blocks of time.

    Blocks of time aren't shuffled, so a row's neighbours in time are in its own fold; `seed` changes nothing there.

    Raises `UnsplittableTable` unless both classes are on both sides of each fold: a metric of one class says nothing.
    """
    splitter: Any
    match contract.split.method:
        case "time":
            splitter = KFold(n_splits=folds)
        case "grouped":
            splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
        case _:
            splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    counts = np.bincount(rows.labels, minlength=2)
    if counts.min() >= folds:
        found = list(splitter.split(rows.matrix, rows.labels, rows.groups))
        if all(len(np.unique(rows.labels[side])) == len(counts) for fold in found for side in fold):
            return found
    negative, positive = contract.target.labels
    raise UnsplittableTable(
        f"{len(rows.labels)} rows ({counts[0]} {negative}, {counts[1]} {positive}) can't be cut into {folds} folds"
        f" ({contract.split.method}) that each have both classes; bring more rows, or choose an effort with fewer folds"
    )


def fit(candidate: Candidate, contract: Contract, rows: Rows, effort: Effort, seed: int) -> Fitted:
    """Search, calibrate and set the threshold of one candidate. Deterministic for a seed.

    It takes one thread, as its task asks for one CPU: candidates run beside each other, and on small tables threads
    that wait for each other make the histogram gradient boosting thirty times as slow.

    Raises `UnsplittableTable` if a fold would lack a class.
    """
    with threadpool_limits(limits=1):
        chosen = _searched(candidate, contract, rows, effort, seed)
        pipeline = candidate.pipeline(contract.features, seed).set_params(**chosen)
        calibrated, out_of_fold = _calibrated(
            pipeline, rows, folds_of(contract, rows, effort.calibration_folds, seed + 1)
        )
    threshold = threshold_for(contract.decision.threshold, rows.labels, out_of_fold)
    estimator = FixedThresholdClassifier(
        FrozenEstimator(calibrated), threshold=threshold, response_method="predict_proba"
    ).fit(rows.matrix, rows.labels)
    return Fitted(estimator, {name.removeprefix("model__"): value for name, value in chosen.items()}, out_of_fold)


def _searched(candidate: Candidate, contract: Contract, rows: Rows, effort: Effort, seed: int) -> dict[str, Any]:
    """The setting that ranks the rows of the inner folds best.

    scikit-learn's RandomizedSearchCV chooses the same, but fits the preprocessing, which has nothing to tune, once a
    setting instead of once a fold: two thirds of a logistic regression's search.
    """
    pipeline = candidate.pipeline(contract.features, seed)
    trials = effort.trials_of(candidate.cost, candidate.grid_size)
    settings = list(ParameterSampler(candidate.space, trials, random_state=seed))
    score = get_scorer("average_precision" if contract.decision.metric == "pr_auc" else "roc_auc")
    scores = []
    for training, test in folds_of(contract, rows, effort.inner_folds, seed):
        known, unseen = rows.take(training), rows.take(test)
        prepare = clone(pipeline.named_steps["prepare"]).fit(known.matrix)
        before, after = prepare.transform(known.matrix), prepare.transform(unseen.matrix)
        models = (clone(pipeline).set_params(**setting).named_steps["model"] for setting in settings)
        scores.append([score(model.fit(before, known.labels), after, unseen.labels) for model in models])
    best: dict[str, Any] = settings[int(np.mean(scores, axis=0).argmax())]
    return best


def _calibrated(pipeline: Pipeline, rows: Rows, folds: list[Fold]) -> tuple[CalibratedClassifierCV, Floats]:
    calibrated = CalibratedClassifierCV(pipeline, method="sigmoid", cv=folds, ensemble=False)
    calibrated.fit(rows.matrix, rows.labels)
    # The sigmoid was fitted on these very scores, but scikit-learn doesn't keep them.
    method = "decision_function" if hasattr(pipeline, "decision_function") else "predict_proba"
    scores = cross_val_predict(pipeline, rows.matrix, rows.labels, cv=folds, method=method)
    scores = scores[:, 1] if scores.ndim > 1 else scores
    return calibrated, calibrated.calibrated_classifiers_[0].calibrators[0].predict(scores)


def threshold_for(rule: Threshold, labels: Labels, probability: Floats) -> float:
    """The threshold that the contract's rule picks on out-of-fold probabilities.

    It lies halfway between two neighbouring probabilities, so that no row sits on it.
    """
    if rule.rule == "fixed":
        return rule.value
    values = np.unique(probability)
    cuts = np.concatenate([[values[0] / 2], (values[1:] + values[:-1]) / 2, [(values[-1] + 1) / 2]])
    if rule.rule == "sensitivity_at_least":
        positives = np.sort(probability[labels == 1])
        found = (len(positives) - np.searchsorted(positives, cuts)) / len(positives)
        return float(cuts[found >= rule.value].max())
    negatives = np.sort(probability[labels == 0])
    cleared = np.searchsorted(negatives, cuts) / len(negatives)
    return float(cuts[cleared >= rule.value].min())
