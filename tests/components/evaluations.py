"""Real evaluations of small models, of two classes and of more, for whatever reads or shows an `Evaluation`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_predict, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from components import table
from components.ingest import ingest_source
from components.learning import metrics
from components.learning.evaluation import (
    Ablation,
    CandidateEvaluation,
    Evaluation,
    Importance,
    Refusal,
    Resampled,
    Sample,
    Selection,
    Slice,
)
from contract.document import load_contract
from contract.features import CategoricalFeature
from contract.quality import measure
from contract.scorer import decided
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

RESAMPLES = 200
IRIS = PROJECT / "datasets" / "iris"


def models() -> dict[str, tuple[str, Any]]:
    return {
        "logistic": ("Logistic regression", LogisticRegression(C=0.1, max_iter=1000)),
        "forest": ("Random forest", RandomForestClassifier(50, min_samples_leaf=4, random_state=0)),
        "stump": ("Decision stump", DecisionTreeClassifier(max_depth=1, random_state=0)),
    }


def iris_table() -> tuple[Contract, pd.DataFrame]:
    contract = load_contract(IRIS / "contract.yaml")
    return contract, ingest_source(contract, contract.training, IRIS)[0]


def with_suspects(contract: Contract, found: Evaluation, names: tuple[str, ...]) -> tuple[Contract, Evaluation]:
    """These features suspected; the numbers without them are those of the last candidate."""
    features = tuple(
        item.model_copy(update={"suspect": f"{item.name} is noted afterwards"}) if item.name in names else item
        for item in contract.features
    )
    assert found.selection is not None
    other = found.candidates[-1]
    without = Ablation(
        features=names, candidate=found.selection.winner, resampled=other.resampled, held_out=other.held_out
    )
    return contract.model_copy(update={"features": features}), found.model_copy(update={"ablation": without})


def evaluate(
    contract: Contract,
    frame: pd.DataFrame,
    sites: Mapping[str, pd.DataFrame] | None = None,
) -> Evaluation:
    """Fixed parameters instead of a search: everything else is measured, on rows that the model didn't see."""
    matrix, labels = table.encode(contract, frame).matrix, table.target(contract, frame)
    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=contract.split.held_out, stratify=labels, random_state=contract.split.seed
    )
    external = {
        name: (table.encode(contract, rows).matrix, table.target(contract, rows))
        for name, rows in (sites or {}).items()
    }
    candidates = [
        Subject(contract, name, title, model, rank).judged(
            matrix[train], labels[train], (matrix[held_out], labels[held_out]), external
        )
        for rank, (name, (title, model)) in enumerate(models().items(), start=1)
    ]
    floors = contract.decision.floors.model_dump(exclude_none=True)
    refused = tuple(
        Refusal(candidate=item.name, metric=metric, floor=floor, value=item.resampled.estimates[metric].value)
        for item in candidates
        for metric, floor in floors.items()
        if item.resampled.estimates[metric].value < floor
    )
    fit = [item for item in candidates if item.name not in {refusal.candidate for refusal in refused}]
    metric = contract.decision.metric
    best = min(
        fit, key=lambda item: item.resampled.estimates[metric].value * (1 if metric in {"brier", "log_loss"} else -1)
    )
    return Evaluation(
        format=1,
        contract_digest=contract.digest,
        data_sha256=contract.training.sha256 or "",
        effort="quick",
        training_rows=len(train),
        held_out_rows=len(held_out),
        candidates=tuple(candidates),
        selection=Selection(
            winner=best.name, best=best.name, metric=metric, reason=f"It has the best {metric}.", refused=refused
        ),
    )


class Subject:
    """A model to be judged with all that an evaluation says of it."""

    def __init__(self, contract: Contract, name: str, title: str, model: Any, complexity: int) -> None:
        self.contract, self.name, self.title, self.model, self.complexity = contract, name, title, model, complexity
        self.whole = pipeline(contract, model)
        self.threshold: float | None = None

    def judged(
        self, known: Floats, truth: Labels, held_out: tuple[Floats, Labels], external: dict[str, tuple[Floats, Labels]]
    ) -> CandidateEvaluation:
        started = time.perf_counter()
        out_of_fold = self._shape(cross_val_predict(self.whole, known, truth, cv=5, method="predict_proba"))
        rule = self.contract.decision.threshold
        if rule:
            self.threshold = float(np.quantile(out_of_fold[truth == 1], 1 - (rule.value or 0)))
        resampled = self._resampled(known, truth)
        self.whole.fit(known, truth)
        return CandidateEvaluation(
            name=self.name,
            title=self.title,
            complexity=self.complexity,
            parameters={key: value for key, value in self.model.get_params().items() if isinstance(value, int | float)},
            threshold=self.threshold,
            fitted_rows=len(truth),
            resampled=resampled,
            out_of_fold=self._sample(truth, out_of_fold),
            held_out=self._predicted(*held_out),
            external={site: self._predicted(*rows) for site, rows in external.items()},
            slices=tuple(self._slices(known, truth, out_of_fold)),
            importances=tuple(importances(self.contract, self.whole, known, truth)),
            seconds=time.perf_counter() - started,
        )

    def _shape(self, probability: Floats) -> Floats:
        return probability[:, 1] if self.contract.target.is_binary else probability

    def _predicted(self, matrix: Floats, labels: Labels) -> Sample:
        return self._sample(labels, self._shape(self.whole.predict_proba(matrix)))

    def _sample(self, labels: Labels, probability: Floats) -> Sample:
        return metrics.sample(
            labels,
            probability,
            decided(probability, self.threshold),
            resamples=RESAMPLES,
            classes=len(self.contract.target.labels),
        )

    def _resampled(self, known: Floats, truth: Labels) -> Resampled:
        scores: dict[str, list[float]] = {}
        for fitted, tested in RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0).split(known, truth):
            probability = self._shape(self.whole.fit(known[fitted], truth[fitted]).predict_proba(known[tested]))
            for metric, value in measure(truth[tested], probability, decided(probability, self.threshold)).items():
                scores.setdefault(metric, []).append(float(value[0]))
        return Resampled(
            repeats=2,
            folds=5,
            estimates={metric: metrics.resampled_estimate(values, 1 / 4) for metric, values in scores.items()},
            scores={metric: tuple(values) for metric, values in scores.items()},
        )

    def _slices(self, known: Floats, truth: Labels, out_of_fold: Floats) -> list[Slice]:
        """By the halves of a number, or by sex where that is known."""
        name = "sex" if "sex" in self.contract.feature_names else self.contract.feature_names[1]
        column = known[:, self.contract.feature_names.index(name)]
        high = column > np.nanmedian(column) if name != "sex" else column == 1
        found = []
        for label, part in zip(("female", "male") if name == "sex" else ("low", "high"), (~high, high), strict=True):
            seen = self._sample(truth[part], out_of_fold[part])
            found.append(
                Slice(
                    feature=name,
                    label=label,
                    rows=seen.rows,
                    class_counts=seen.class_counts,
                    estimates=seen.estimates,
                )
            )
        return found


def pipeline(contract: Contract, model: Any) -> Pipeline:
    categories = [i for i, item in enumerate(contract.features) if isinstance(item, CategoricalFeature)]
    numbers = [i for i in range(len(contract.features)) if i not in categories]
    one_hot = OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False)
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("categories", make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot), categories),
        ]
    )
    return Pipeline([("prepare", prepare), ("model", model)])


def importances(contract: Contract, fitted: Pipeline, matrix: Floats, labels: Labels) -> list[Importance]:
    scoring = "roc_auc" if contract.target.is_binary else "roc_auc_ovr"
    found = permutation_importance(fitted, matrix, labels, scoring=scoring, n_repeats=3, random_state=0)
    shuffled = [
        Importance(name=name, kind="permutation", value=float(value))
        for name, value in zip(contract.feature_names, found.importances_mean, strict=True)
    ]
    if not hasattr(fitted["model"], "coef_") or not contract.target.is_binary:
        return shuffled
    columns = fitted["prepare"].get_feature_names_out(contract.feature_names)
    weights = [
        Importance(name=name.partition("__")[2], kind="coefficient", value=float(weight))
        for name, weight in zip(columns, fitted["model"].coef_[0], strict=True)
    ]
    return [*weights, *shuffled]
