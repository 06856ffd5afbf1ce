"""The counts and correlations that the report shows, against the published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from components.errors import InvalidTable
from components.reporting.summary import TableSummary, summarise

if TYPE_CHECKING:
    import pandas as pd

    from contract.schema import Contract

PUBLISHED = {
    "thal": 0.522,
    "ca": 0.460,
    "exang": 0.432,
    "oldpeak": 0.425,
    "thalach": -0.417,
    "cp": 0.414,
    "slope": 0.339,
    "sex": 0.277,
    "age": 0.223,
    "restecg": 0.169,
    "trestbps": 0.151,
    "chol": 0.085,
    "fbs": 0.025,
}


@pytest.fixture(name="summary", scope="module")
def _summary(heart: Contract, cleveland: pd.DataFrame) -> TableSummary:
    return summarise(heart, cleveland)


def test_classes(summary: TableSummary) -> None:
    assert summary.rows == 303
    assert summary.class_counts == (164, 139)


def test_missing_cells_are_not_missing_rows(heart: Contract, cleveland: pd.DataFrame, summary: TableSummary) -> None:
    assert {name: count for name, count in summary.missing.items() if count} == {"ca": 4, "thal": 2}
    assert summary.rows_with_missing == 6
    frame = cleveland.copy()
    frame.loc[frame["ca"].isna(), "thal"] = np.nan
    both = summarise(heart, frame)
    assert sum(both.missing.values()) == 10
    assert both.rows_with_missing == 6


def test_ranking_is_the_published_one(summary: TableSummary) -> None:
    assert [name for name, _ in summary.ranking] == list(PUBLISHED)
    assert {name: round(r, 3) for name, r in summary.ranking} == PUBLISHED


def test_correlations_hold_the_binary_target_last(summary: TableSummary) -> None:
    assert list(summary.correlations.columns) == [*summary.contract.feature_names, "num"]
    assert summary.correlations.loc["ca", "num"] == pytest.approx(0.460, abs=5e-4)


def test_columns_that_dont_vary_have_no_correlation(heart: Contract, cleveland: pd.DataFrame) -> None:
    changed = summarise(heart, cleveland.assign(fbs=1.0, ca=np.nan))
    assert {name for name, _ in changed.ranking} == set(PUBLISHED) - {"fbs", "ca"}
    assert all(np.isfinite(r) for _, r in changed.ranking)


def test_present_leaves_out_missing_values(summary: TableSummary) -> None:
    present = [summary.present("ca", index) for index in (0, 1)]
    assert sum(map(len, present)) == 299
    assert not np.isnan(np.concatenate(present)).any()


def test_codes_of_another_table_are_not_counted_as_missing(heart: Contract, cleveland: pd.DataFrame) -> None:
    with pytest.raises(InvalidTable, match=r"144 values.*row 1, cp: .*asymptomatic"):
        summarise(heart, cleveland.assign(cp=cleveland["cp"].replace(4, 0)))


def test_missing_values_that_a_request_may_not_have_are_counted(heart: Contract, cleveland: pd.DataFrame) -> None:
    frame = cleveland.copy()
    frame.loc[0, "age"] = np.nan
    assert summarise(heart, frame).missing["age"] == 1
