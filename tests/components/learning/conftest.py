"""Candidates whose right results are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

from components.learning.budget import LARGE
from components.learning.candidates import Candidate, candidate_named
from components.learning.judgement import Judge
from components.learning.model import CrossValidated, FittedCandidate
from components.learning.resampling import cross_validate
from components.learning.rows import Rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    import pandas as pd

    from components.learning.effort import Effort
    from components.learning.evaluation import CandidateEvaluation
    from components.learning.fitting import Fitted
    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]


class Column(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns nothing: its score is one of the columns."""

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(self, rows: Matrix, labels: npt.NDArray[np.int64]) -> Self:
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, rows: Matrix) -> Matrix:
        return rows[:, self.column]

    def predict(self, rows: Matrix) -> npt.NDArray[np.int64]:
        return (self.decision_function(rows) > 0).astype(np.int64)


@pytest.fixture(scope="session")
def parrot() -> Candidate:
    """Knows every row it has seen by heart, and nothing about any other."""
    return Candidate(
        "parrot",
        "Parrot",
        complexity=1,
        preparation="scaled",
        cost=1,
        estimator=lambda seed: KNeighborsClassifier(1),
        grid={"n_neighbors": (1,)},
    )


@pytest.fixture(scope="session")
def column() -> Candidate:
    """Scores a row by its first or by its second column."""
    return Candidate(
        "column",
        "Column",
        complexity=1,
        preparation="plain",
        cost=1,
        estimator=lambda seed: Column(),
        grid={"column": (0, 1)},
    )


@pytest.fixture(scope="module")
def crowd(rows: Rows) -> Rows:
    """The heart table over and over, as a large table."""
    many = np.random.default_rng(0).integers(0, len(rows.labels), 2 * LARGE)
    return rows.take(many)


@pytest.fixture(scope="session")
def judge(heart: Contract, rows: Rows, sites: dict[str, pd.DataFrame], tiny: Effort) -> Judge:
    """Measures what was fitted on the whole heart table; the Hungarian site stands for held-out rows as well."""
    external = {name: rows_of(heart, frame) for name, frame in sites.items()}
    return Judge(heart, rows, external["hungarian"], external, resamples=tiny.resamples)


@pytest.fixture(scope="session")
def evaluate(
    heart: Contract, rows: Rows, tiny: Effort, fitted: Callable[[str], Fitted]
) -> Callable[..., CandidateEvaluation]:
    """Has a judge evaluate one candidate."""

    def by(judge: Judge, name: str = "logistic-regression") -> CandidateEvaluation:
        found = fitted(name)
        facts = FittedCandidate(
            name=name,
            parameters=found.parameters,
            threshold=found.threshold,
            rows=found.rows,
            seconds=1.0,
        )
        resampled, predicted = cross_validate(candidate_named(name), heart, rows, tiny, seed=0)
        return judge.evaluate(found.estimator, facts, CrossValidated(name=name, resampled=resampled), predicted)

    return by


@pytest.fixture(scope="session")
def judged(judge: Judge, evaluate: Callable[..., CandidateEvaluation]) -> CandidateEvaluation:
    """The logistic regression, evaluated."""
    return evaluate(judge)
