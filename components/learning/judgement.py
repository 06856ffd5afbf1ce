"""All that is measured of a fitted candidate outside cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score

from components.learning.candidates import candidate_named
from components.learning.evaluation import CandidateEvaluation, Importance, Sample, Slice
from components.learning.fitting import calibrated_of, probability_of, threshold_of
from components.learning.metrics import sample
from components.learning.resampling import OutOfFold, wanted_sensitivity
from contract.features import BooleanFeature, CategoricalFeature
from contract.scorer import decided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from components.learning.fitting import Estimator
    from components.learning.model import CrossValidated, FittedCandidate
    from components.learning.rows import Rows
    from contract.features import Feature
    from contract.schema import Contract

    Flags = npt.NDArray[np.bool_]
    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

SMALLEST_SLICE = 20
"""Rows that a slice needs before a number about it means anything."""

MOST_SLICED = 10_000
"""Training rows that slices are cut from."""

MOST_CATEGORIES = 30
"""Of a feature's categories, so many of the most frequent are slices."""

MOST_SHUFFLED = 2_500
"""Training rows among which a feature is shuffled.

Of more, equally many of each class are drawn, since the ROC-AUC of two classes doesn't depend on their shares: with a
class of 4 %, importances from these rows spread half as widely as from twice as many of any class.
"""

_SHUFFLES = 5
_SHUFFLES_OF_MANY = 2


@dataclass(frozen=True)
class Judge:
    """Measures candidates on the same rows. `resamples` is how many bootstrap resamples an interval takes."""

    contract: Contract
    training: Rows
    held_out: Rows
    external: Mapping[str, Rows]
    resamples: int

    def evaluate(
        self, estimator: Estimator, facts: FittedCandidate, validated: CrossValidated, out_of_fold: OutOfFold
    ) -> CandidateEvaluation:
        """Everything about one candidate; `estimator` is the reference estimator that *train* kept."""
        candidate = candidate_named(facts.name)
        return CandidateEvaluation(
            name=facts.name,
            title=candidate.title,
            complexity=candidate.complexity,
            parameters=facts.parameters,
            threshold=facts.threshold,
            fitted_rows=facts.rows,
            resampled=validated.resampled,
            out_of_fold=self._sample(self.training.labels, out_of_fold),
            held_out=self.predicted(estimator, self.held_out),
            external={site: self.predicted(estimator, rows) for site, rows in self.external.items()},
            slices=tuple(self._slices(out_of_fold)),
            importances=self._importances(estimator),
            seconds=facts.seconds,
        )

    def predicted(self, estimator: Estimator, rows: Rows) -> Sample:
        """What a reference estimator makes of rows that it never saw."""
        probability = probability_of(estimator, rows.matrix)
        return self._sample(rows.labels, OutOfFold(probability, decided(probability, threshold_of(estimator))))

    def _sample(self, labels: npt.NDArray[np.int64], predicted: OutOfFold) -> Sample:
        return sample(
            labels,
            predicted.probability,
            predicted.decided,
            resamples=self.resamples,
            classes=len(self.contract.target.labels),
            sensitivity=wanted_sensitivity(self.contract),
        )

    def _slices(self, out_of_fold: OutOfFold) -> Iterator[Slice]:
        known = _drawn(len(self.training.labels), MOST_SLICED)
        matrix, labels = self.training.matrix[known], self.training.labels[known]
        predicted = out_of_fold.take(known)
        for position, feature in enumerate(self.contract.features):
            for label, rows in _parts(feature, matrix[:, position]):
                if rows.sum() < SMALLEST_SLICE or len(np.unique(labels[rows])) < len(self.contract.target.labels):
                    continue
                found = self._sample(labels[rows], predicted.take(rows))
                yield Slice(
                    feature=feature.name,
                    label=label,
                    rows=found.rows,
                    class_counts=found.class_counts,
                    estimates=found.estimates,
                )

    def _importances(self, estimator: Estimator) -> tuple[Importance, ...]:
        """Ranked by size: coefficients in calibrated log-odds of a linear model, else permutation importances."""
        calibrated = calibrated_of(estimator)
        model = calibrated.estimator.named_steps["model"]
        found: list[Importance]
        if hasattr(model, "coef_") and self.contract.target.is_binary:
            columns = calibrated.estimator.named_steps["prepare"].fitted.layout.columns
            weights = -calibrated.calibrators[0].a_ * model.coef_[0]
            labels = _indicator_labels(self.contract.features)
            found = [
                Importance(name=labels.get(name, name), kind="coefficient", value=float(weight))
                for name, weight in zip(columns, weights, strict=True)
            ]
        else:
            known = self.training.take(_balanced(self.training.labels, MOST_SHUFFLED))
            shuffled = permutation_importance(
                estimator,
                known.matrix,
                known.labels,
                scoring=_ranking(estimator, known.matrix),
                n_repeats=_SHUFFLES if len(known.labels) == len(self.training.labels) else _SHUFFLES_OF_MANY,
                random_state=0,
            )
            found = [
                Importance(name=name, kind="permutation", value=float(value))
                for name, value in zip(self.contract.feature_names, shuffled.importances_mean, strict=True)
            ]
        return tuple(sorted(found, key=lambda importance: -abs(importance.value)))


def _ranking(estimator: Estimator, matrix: Floats) -> Callable[[Estimator, Floats, Labels], float]:
    """Measures the ROC-AUC of rows after shuffling a column; only those whose value changed are predicted again.

    That is about half of them on a table of yes, no and codes.
    """
    before = probability_of(estimator, matrix)

    def score(estimator: Estimator, shuffled: Floats, labels: Labels) -> float:
        changed = ((shuffled != matrix) & ~(np.isnan(shuffled) & np.isnan(matrix))).any(axis=1)
        probability = before.copy()
        if changed.any():
            probability[changed] = probability_of(estimator, shuffled[changed])
        return float(roc_auc_score(labels, probability, multi_class="ovr"))

    return score


def _drawn(rows: int, most: int) -> npt.NDArray[np.intp]:
    """Rows drawn at random, at most so many: what is judged on them needs no more."""
    return np.sort(np.random.default_rng(0).permutation(rows)[:most])


def _balanced(labels: Labels, most: int) -> npt.NDArray[np.intp]:
    """All rows, or at most so many drawn at random, as many of each class as far as there are."""
    if len(labels) <= most:
        return np.arange(len(labels))
    rng = np.random.default_rng(0)
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return np.sort(np.concatenate([rng.permutation(rows)[: most // len(classes)] for rows in classes]))


def _indicator_labels(features: Sequence[Feature]) -> dict[str, str]:
    """What a person calls an indicator column: `cp=4` is `cp: asymptomatic`."""
    return {
        f"{feature.name}={category.value}": f"{feature.name}: {category.label}"
        for feature in features
        if isinstance(feature, CategoricalFeature)
        for category in feature.categories
    }


def _parts(feature: Feature, values: npt.NDArray[np.float64]) -> Iterator[tuple[str, Flags]]:
    match feature:
        case CategoricalFeature():
            counts = np.bincount(values[~np.isnan(values)].astype(np.intp), minlength=len(feature.categories))
            for position in np.sort(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]).tolist():
                yield feature.categories[position].label, values == position
        case BooleanFeature():
            yield "no", values == 0
            yield "yes", values == 1
        case _ if not np.isnan(values).all():
            middle = float(np.nanmedian(values))
            yield f"below {middle:g}", values < middle
            yield f"{middle:g} and above", values >= middle
