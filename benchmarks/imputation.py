"""Does it pay to impute by regression? Measured on the training site alone, with the other sites' missing patterns.

The external sites hardly recorded ca, thal and slope. Their patterns of missing values (not their labels, not their
values) are laid over the held-out folds of the Cleveland table, and a logistic regression is scored with means and with
regressions. Run it with `python -m benchmarks.imputation`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from components import PROJECT
from components.ingest import ingest_source
from components.learning.preprocessing import Preprocessing, layout_of
from components.table import encode, target
from contract.document import load_contract

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]

REPEATS = 8
FOLDS = 5
PENALTY = 0.03


def models(layout: Any) -> dict[str, Any]:
    """The same logistic regression behind either imputation."""

    def logistic() -> LogisticRegression:
        return LogisticRegression(C=PENALTY)

    return {
        "means": make_pipeline(
            FunctionTransformer(layout.expand), StandardScaler(), SimpleImputer(keep_empty_features=True), logistic()
        ),
        "regressions": make_pipeline(Preprocessing(layout.model_dump_json(), scaled=True), logistic()),
    }


def compare(
    rows: Matrix, labels: npt.NDArray[np.int64], patterns: npt.NDArray[np.bool_], layout: Any, repeats: int
) -> dict[str, dict[str, float]]:
    """Mean ROC-AUC and Brier score over all folds, with and without the masks.

    `rows` are encoded, float64 (rows, features); `patterns` is bool (patterns, features), true where
    a value is missing.
    """
    found: dict[str, dict[str, list[float]]] = {}
    splitter = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=repeats, random_state=0)
    for fold, (training, test) in enumerate(splitter.split(rows, labels)):
        rng = np.random.default_rng(fold)
        masked = np.where(patterns[rng.integers(0, len(patterns), len(test))], np.nan, rows[test])
        for name, model in models(layout).items():
            model.fit(rows[training], labels[training])
            scores = found.setdefault(name, {})
            for kind, seen in (("complete", rows[test]), ("masked", masked)):
                probability = model.predict_proba(seen)[:, 1]
                scores.setdefault(f"ROC-AUC, {kind}", []).append(roc_auc_score(labels[test], probability))
                scores.setdefault(f"Brier, {kind}", []).append(brier_score_loss(labels[test], probability))
    return {name: {kind: float(np.mean(values)) for kind, values in scores.items()} for name, scores in found.items()}


def main(arguments: list[str] | None = None) -> None:
    """Print both, side by side."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imputation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="repetitions of 5 folds (default: %(default)s)")
    options = parser.parse_args(arguments)
    path = PROJECT / "datasets" / "heart" / "contract.yaml"
    contract = load_contract(path)
    table, _ = ingest_source(contract, contract.training, path.parent)
    sites = [ingest_source(contract, source, path.parent)[0] for source in contract.external.values()]
    patterns = np.isnan(np.vstack([encode(contract, site).matrix for site in sites]))
    found = compare(
        encode(contract, table).matrix, target(contract, table), patterns, layout_of(contract.features), options.repeats
    )
    print(f"{options.repeats} x {FOLDS} folds of {len(table)} rows, {len(patterns)} patterns of missing values")
    for kind in found["means"]:
        print(f"  {kind:<18} means {found['means'][kind]:.4f}   regressions {found['regressions'][kind]:.4f}")


if __name__ == "__main__":
    main()
