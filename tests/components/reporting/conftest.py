"""A real evaluation of three small models on the heart tables, for whatever reads or shows an `Evaluation`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
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
from components.learning import metrics
from components.learning.evaluation import (
    METRICS,
    CandidateEvaluation,
    Evaluation,
    Importance,
    Refusal,
    Resampled,
    Selection,
    Slice,
)
from contract.features import CategoricalFeature
from contract.quality import measure

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.schema import Contract

HEART = Path(__file__).parents[3] / "datasets" / "heart"
RESAMPLES = 200


@pytest.fixture(scope="session")
def evaluation(heart: Contract, cleveland: pd.DataFrame) -> Evaluation:
    return evaluate(
        heart,
        cleveland,
        {
            "logistic": ("Logistic regression", LogisticRegression(C=0.1, max_iter=1000)),
            "forest": ("Random forest", RandomForestClassifier(50, min_samples_leaf=4, random_state=0)),
            "stump": ("Decision stump", DecisionTreeClassifier(max_depth=1, random_state=0)),
        },
    )


def read(contract: Contract, name: str) -> pd.DataFrame:
    return table.typed(contract, pd.read_csv(HEART / f"{name}.csv", dtype=str, keep_default_na=False))


def evaluate(contract: Contract, frame: pd.DataFrame, models: dict[str, tuple[str, Any]]) -> Evaluation:
    """Fixed parameters instead of a search: everything else is measured, on rows that the model didn't see."""
    matrix, labels = table.encode(contract, frame).matrix, table.target(contract, frame)
    train, held_out = train_test_split(
        np.arange(len(labels)), test_size=contract.split.held_out, stratify=labels, random_state=contract.split.seed
    )
    candidates = [
        candidate(contract, name, title, model, rank, matrix, labels, train, held_out)
        for rank, (name, (title, model)) in enumerate(models.items(), start=1)
    ]
    floors = contract.decision.floors.model_dump(exclude_none=True)
    refused = tuple(
        Refusal(candidate=item.name, metric=metric, floor=floor, value=item.resampled.estimates[metric].value)
        for item in candidates
        for metric, floor in floors.items()
        if item.resampled.estimates[metric].value < floor
    )
    fit = [item for item in candidates if item.name not in {refusal.candidate for refusal in refused}]
    best = max(fit, key=lambda item: item.resampled.estimates["roc_auc"].value)
    return Evaluation(
        format=1,
        contract_digest=contract.digest,
        data_sha256=contract.training.sha256 or "",
        effort="quick",
        training_rows=len(train),
        held_out_rows=len(held_out),
        candidates=tuple(candidates),
        selection=Selection(
            winner=best.name, best=best.name, metric="roc_auc", reason="It has the best ROC-AUC.", refused=refused
        ),
    )


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


def candidate(
    contract: Contract,
    name: str,
    title: str,
    model: Any,
    complexity: int,
    matrix: npt.NDArray[np.float64],
    labels: npt.NDArray[np.int64],
    train: npt.NDArray[np.int64],
    held_out: npt.NDArray[np.int64],
) -> CandidateEvaluation:
    started = time.perf_counter()
    known, truth = matrix[train], labels[train]
    whole = pipeline(contract, model)
    out_of_fold = cross_val_predict(whole, known, truth, cv=5, method="predict_proba")[:, 1]
    threshold = float(np.quantile(out_of_fold[truth == 1], 1 - contract.decision.threshold.value))
    scores: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for fitted, tested in RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0).split(known, truth):
        probability = whole.fit(known[fitted], truth[fitted]).predict_proba(known[tested])[:, 1]
        for metric, value in measure(truth[tested], probability, probability >= threshold).items():
            scores[metric].append(float(value[0]))
    whole.fit(known, truth)

    def sampled(values: npt.NDArray[np.float64], classes: npt.NDArray[np.int64]) -> Any:
        probability = whole.predict_proba(values)[:, 1]
        return metrics.sample(classes, probability, probability >= threshold, resamples=RESAMPLES)

    external = {}
    for site in contract.external:
        frame = read(contract, site)
        external[site] = sampled(table.encode(contract, frame).matrix, table.target(contract, frame))
    slices = []
    for label, code in (("female", 0), ("male", 1)):
        part = known[:, contract.feature_names.index("sex")] == code
        seen = metrics.sample(truth[part], out_of_fold[part], out_of_fold[part] >= threshold, resamples=RESAMPLES)
        slices.append(
            Slice(feature="sex", label=label, rows=seen.rows, positives=seen.positives, estimates=seen.estimates)
        )
    return CandidateEvaluation(
        name=name,
        title=title,
        complexity=complexity,
        parameters={key: value for key, value in model.get_params().items() if isinstance(value, int | float)},
        threshold=threshold,
        resampled=Resampled(
            repeats=2,
            folds=5,
            estimates={metric: metrics.resampled_estimate(values, 1 / 4) for metric, values in scores.items()},
            scores={metric: tuple(values) for metric, values in scores.items()},
        ),
        out_of_fold=metrics.sample(truth, out_of_fold, out_of_fold >= threshold, resamples=RESAMPLES),
        held_out=sampled(matrix[held_out], labels[held_out]),
        external=external,
        slices=tuple(slices),
        importances=tuple(importances(contract, whole, known, truth)),
        seconds=time.perf_counter() - started,
    )


def importances(
    contract: Contract, fitted: Pipeline, matrix: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> list[Importance]:
    found = permutation_importance(fitted, matrix, labels, scoring="roc_auc", n_repeats=3, random_state=0)
    shuffled = [
        Importance(name=name, kind="permutation", value=float(value))
        for name, value in zip(contract.feature_names, found.importances_mean, strict=True)
    ]
    if not hasattr(fitted["model"], "coef_"):
        return shuffled
    columns = fitted["prepare"].get_feature_names_out(contract.feature_names)
    weights = [
        Importance(name=name.partition("__")[2], kind="coefficient", value=float(weight))
        for name, weight in zip(columns, fitted["model"].coef_[0], strict=True)
    ]
    return [*weights, *shuffled]
