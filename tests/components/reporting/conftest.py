"""What is shown in the tests: evaluations of the heart tables and of the irises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from components.reporting.summary import summarise
from tests.components.evaluations import evaluate, iris_table

if TYPE_CHECKING:
    import pandas as pd

    from components.learning.evaluation import Evaluation
    from components.reporting.summary import TableSummary
    from contract.schema import Contract


@pytest.fixture(scope="session")
def evaluation(heart: Contract, cleveland: pd.DataFrame, sites: dict[str, pd.DataFrame]) -> Evaluation:
    return evaluate(heart, cleveland, sites)


@pytest.fixture(scope="session")
def iris() -> Contract:
    return iris_table()[0]


@pytest.fixture(scope="session")
def flowers() -> pd.DataFrame:
    """The iris table, typed; tests must not change it."""
    return iris_table()[1]


@pytest.fixture(scope="session")
def species(iris: Contract, flowers: pd.DataFrame) -> Evaluation:
    """An evaluation with three classes."""
    return evaluate(iris, flowers)


@pytest.fixture(scope="session")
def summary(heart: Contract, cleveland: pd.DataFrame) -> TableSummary:
    return summarise(heart, cleveland)


@pytest.fixture(scope="session")
def flower_summary(iris: Contract, flowers: pd.DataFrame) -> TableSummary:
    return summarise(iris, flowers)
