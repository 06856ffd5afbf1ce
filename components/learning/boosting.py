"""Gradient boosting by LightGBM and CatBoost, whose fitted models are text: what a file brings back runs no code.

Both libraries are an extra, imported only to fit or to score. Both take one thread, and give the same model for a seed.
"""

from __future__ import annotations

import json
import tempfile
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from contract.decision import PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]


FEW_CATEGORIES = 8
_GROUPS, _LARGEST_GROUP = 50, 100  # rows behind a group of categories: a fiftieth, up to the library's default


class _Boosting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted model is `model_`, in its library's own text form."""

    model_: str
    classes_: Labels
    _loaded: Any = None

    def predict_proba(self, rows: Matrix) -> Matrix:
        """Probabilities of the classes, float64 (rows, classes)."""
        scores = self.decision_function(rows)
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)

    def predict(self, rows: Matrix) -> Labels:
        """The most probable class of each row."""
        found: Labels = self.classes_[self.predict_proba(rows).argmax(axis=1)]
        return found

    @abstractmethod
    def decision_function(self, rows: Matrix) -> Matrix:
        """The sum of the trees: (rows,) in favour of the second of two classes, (rows, classes) of more."""

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in vars(self).items() if key != "_loaded"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)


class LightGBM(_Boosting):
    """`lightgbm.LGBMClassifier`, which takes its columns of categories when it is built, not when it is fitted.

    Parameters are those of the library; `subsample` draws anew for each tree. The library's defaults for categories are
    for large tables, and leave a small one hardly any split on them: on the heart table's 303 rows, the mean ROC-AUC of
    twelve settings is .871 with these, and .895 where up to `FEW_CATEGORIES` are told apart one by one.
    """

    def __init__(  # one for each, as scikit-learn wants it
        self,
        n_estimators: int = 100,
        learning_rate: float = 0.1,
        num_leaves: int = 31,
        min_child_samples: int = 20,
        colsample_bytree: float = 1.0,
        subsample: float = 1.0,
        reg_lambda: float = 0.0,
        categorical_features: Sequence[int] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.colsample_bytree = colsample_bytree
        self.subsample = subsample
        self.reg_lambda = reg_lambda
        self.categorical_features = categorical_features
        self.random_state = random_state

    def fit(self, rows: Matrix, labels: Labels) -> Self:
        """Learn from float64 (rows, columns), NaN where missing."""
        from lightgbm import LGBMClassifier

        parameters = self.get_params()
        categorical = parameters.pop("categorical_features")
        model = LGBMClassifier(
            **parameters,
            subsample_freq=1,
            max_cat_to_onehot=FEW_CATEGORIES,
            min_data_per_group=max(min(len(rows) // _GROUPS, _LARGEST_GROUP), 1),
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            verbose=-1,
        )
        model.fit(rows, labels, categorical_feature=list(categorical or []))
        self.classes_ = np.unique(labels)
        self.model_ = model.booster_.model_to_string()
        self._loaded = None
        return self

    def decision_function(self, rows: Matrix) -> Matrix:
        """The sum of the trees: (rows,) in favour of the second of two classes, (rows, classes) of more."""
        scores = self.booster.predict(rows, raw_score=True, num_threads=1)
        return np.asarray(scores, dtype=np.float64)

    @property
    def booster(self) -> Any:
        """The fitted `lightgbm.Booster`."""
        if self._loaded is None:
            from lightgbm import Booster

            self._loaded = Booster(model_str=self.model_)
        return self._loaded


class CatBoost(_Boosting):
    """`catboost.CatBoostClassifier` on numbers alone. Parameters are those of the library."""

    def __init__(  # one for each, as scikit-learn wants it
        self,
        iterations: int = 400,
        learning_rate: float = 0.03,
        depth: int = 6,
        l2_leaf_reg: float = 3.0,
        random_strength: float = 1.0,
        rsm: float = 1.0,
        random_state: int | None = None,
    ) -> None:
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.depth = depth
        self.l2_leaf_reg = l2_leaf_reg
        self.random_strength = random_strength
        self.rsm = rsm
        self.random_state = random_state

    def fit(self, rows: Matrix, labels: Labels) -> Self:
        """Learn from float64 (rows, columns), complete."""
        from catboost import CatBoostClassifier

        self.classes_ = np.unique(labels)
        model = CatBoostClassifier(
            **self.get_params(),
            loss_function="Logloss" if len(self.classes_) == PAIR else "MultiClass",
            thread_count=1,
            allow_writing_files=False,
            verbose=False,
        )
        model.fit(rows, labels)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            model.save_model(str(path), format="json")
            written = json.loads(path.read_text(encoding="utf-8"))
        for name in ("model_guid", "train_finish_time"):  # two fits of the same rows differ in nothing else
            written["model_info"].pop(name)
        self.model_ = json.dumps(written)
        self._loaded = None
        return self

    def decision_function(self, rows: Matrix) -> Matrix:
        """The sum of the trees: (rows,) in favour of the second of two classes, (rows, classes) of more."""
        if self._loaded is None:
            from catboost import CatBoostClassifier

            self._loaded = CatBoostClassifier()
            with tempfile.TemporaryDirectory() as folder:  # the library reads this form from files only
                path = Path(folder) / "model.json"
                path.write_text(self.model_, encoding="utf-8")
                self._loaded.load_model(str(path), format="json")
        scores = self._loaded.predict(rows, prediction_type="RawFormulaVal", thread_count=1)
        return np.asarray(scores, dtype=np.float64)
