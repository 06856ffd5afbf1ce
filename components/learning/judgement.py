"""All that is measured of a fitted candidate outside cross-validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.inspection import permutation_importance

from components.learning.candidates import candidate_named
from components.learning.evaluation import CandidateEvaluation, Importance, Sample, Slice
from components.learning.fitting import calibrated_of
from components.learning.metrics import sample
from components.learning.resampling import wanted_sensitivity
from contract.features import BooleanFeature, CategoricalFeature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    from sklearn.model_selection import FixedThresholdClassifier

    from components.learning.model import CrossValidated, FittedCandidate
    from components.learning.rows import Rows
    from contract.features import Feature
    from contract.schema import Contract

    Flags = npt.NDArray[np.bool_]

SMALLEST_SLICE = 20
"""Rows that a slice needs before a number about it means anything."""

_SHUFFLES = 5


@dataclass(frozen=True)
class Judge:
    """Measures candidates on the same rows. `resamples` is how many bootstrap resamples an interval takes."""

    contract: Contract
    training: Rows
    held_out: Rows
    external: Mapping[str, Rows]
    resamples: int

    def evaluate(
        self, estimator: FixedThresholdClassifier, facts: FittedCandidate, validated: CrossValidated
    ) -> CandidateEvaluation:
        """Everything about one candidate; `estimator` is the reference estimator that *train* kept."""
        candidate = candidate_named(facts.name)
        probability = np.array(validated.probability)
        positive = np.array(validated.positive)
        return CandidateEvaluation(
            name=facts.name,
            title=candidate.title,
            complexity=candidate.complexity,
            parameters=facts.parameters,
            threshold=facts.threshold,
            resampled=validated.resampled,
            out_of_fold=self._sample(self.training.labels, probability, positive),
            held_out=self._predicted(estimator, self.held_out),
            external={site: self._predicted(estimator, rows) for site, rows in self.external.items()},
            slices=tuple(self._slices(probability, positive)),
            importances=self._importances(estimator),
            seconds=facts.seconds,
        )

    def _predicted(self, estimator: FixedThresholdClassifier, rows: Rows) -> Sample:
        probability = np.asarray(estimator.predict_proba(rows.matrix)[:, 1], dtype=np.float64)
        return self._sample(rows.labels, probability, probability >= estimator.threshold)

    def _sample(self, labels: npt.NDArray[np.int64], probability: npt.NDArray[np.float64], positive: Flags) -> Sample:
        return sample(
            labels, probability, positive, resamples=self.resamples, sensitivity=wanted_sensitivity(self.contract)
        )

    def _slices(self, probability: npt.NDArray[np.float64], positive: Flags) -> Iterator[Slice]:
        for position, feature in enumerate(self.contract.features):
            for label, rows in _parts(feature, self.training.matrix[:, position]):
                labels = self.training.labels[rows]
                if len(labels) < SMALLEST_SLICE or len(np.unique(labels)) == 1:
                    continue
                found = self._sample(labels, probability[rows], positive[rows])
                yield Slice(
                    feature=feature.name,
                    label=label,
                    rows=found.rows,
                    positives=found.positives,
                    estimates=found.estimates,
                )

    def _importances(self, estimator: FixedThresholdClassifier) -> tuple[Importance, ...]:
        """Ranked by size: coefficients in calibrated log-odds of a linear model, else permutation importances."""
        calibrated = calibrated_of(estimator)
        model = calibrated.estimator.named_steps["model"]
        found: list[Importance]
        if hasattr(model, "coef_"):
            columns = calibrated.estimator.named_steps["prepare"].fitted.layout.columns
            weights = -calibrated.calibrators[0].a_ * model.coef_[0]
            labels = _indicator_labels(self.contract.features)
            found = [
                Importance(name=labels.get(name, name), kind="coefficient", value=float(weight))
                for name, weight in zip(columns, weights, strict=True)
            ]
        else:
            shuffled = permutation_importance(
                estimator,
                self.training.matrix,
                self.training.labels,
                scoring="roc_auc",
                n_repeats=_SHUFFLES,
                random_state=0,
            )
            found = [
                Importance(name=name, kind="permutation", value=float(value))
                for name, value in zip(self.contract.feature_names, shuffled.importances_mean, strict=True)
            ]
        return tuple(sorted(found, key=lambda importance: -abs(importance.value)))


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
            for position, category in enumerate(feature.categories):
                yield category.label, values == position
        case BooleanFeature():
            yield "no", values == 0
            yield "yes", values == 1
        case _ if not np.isnan(values).all():
            middle = float(np.nanmedian(values))
            yield f"below {middle:g}", values < middle
            yield f"{middle:g} and above", values >= middle
