"""The counts and correlations that the report shows, against the published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from components.errors import InvalidTable
from components.reporting import rows
from components.reporting.summary import MOST_CLASSES, MOST_PANELS, TableSummary, summarise
from contract.decision import TargetClass

if TYPE_CHECKING:
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


def test_correlations_hold_the_positive_class_last(summary: TableSummary) -> None:
    assert list(summary.correlations.columns) == [*summary.contract.feature_names, "disease"]
    assert list(summary.correlations.index) == summary.contract.feature_names
    assert summary.correlations.loc["ca", "disease"] == pytest.approx(0.460, abs=5e-4)
    assert list(summary.with_classes.columns) == ["disease"]


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


def pieces(frame: pd.DataFrame, rows: int = 50) -> list[pd.DataFrame]:
    return [frame.iloc[start : start + rows] for start in range(0, len(frame), rows)]


def test_a_table_in_pieces_is_the_same_table(heart: Contract, cleveland: pd.DataFrame, summary: TableSummary) -> None:
    parts = summarise(heart, iter(pieces(cleveland)))
    assert (parts.rows, parts.class_counts, parts.missing) == (303, (164, 139), summary.missing)
    assert parts.rows_with_missing == 6
    assert not parts.is_sampled
    pd.testing.assert_frame_equal(parts.values, summary.values)
    np.testing.assert_array_equal(parts.target, summary.target)
    for name, counts in summary.categories.items():
        np.testing.assert_array_equal(parts.categories[name], counts)
    assert parts.ranking == summary.ranking
    assert parts.spreads.keys() == summary.spreads.keys() == {item.name for item in summary.measured}
    for name, spread in parts.spreads.items():
        column = summary.values[name]
        expected = [column.median(), column.mean(), column.std(), column.min(), column.max()]
        assert list(vars(spread).values()) == pytest.approx(expected, rel=1e-12)


def test_categories_are_counted_by_class(summary: TableSummary, cleveland: pd.DataFrame) -> None:
    diseased = cleveland["num"] > 0
    expected = [
        [((cleveland["cp"] == code) & (diseased == found)).sum() for found in (False, True)] for code in range(1, 5)
    ]
    assert summary.categories["cp"].tolist() == expected
    assert summary.categories["thal"].sum() == 301


def test_a_broken_value_is_found_in_a_later_piece_under_its_row(heart: Contract, cleveland: pd.DataFrame) -> None:
    frame = cleveland.copy()
    frame.loc[[170, 290], "age"] = 400.0
    with pytest.raises(InvalidTable, match=r"2 values\), first in row 170, age: 400"):
        summarise(heart, pieces(frame))


def test_of_a_large_table_counts_are_exact_and_what_is_drawn_is_a_sample(
    heart: Contract, cleveland: pd.DataFrame, summary: TableSummary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_DRAWN", 2000)
    times = 20
    large = summarise(heart, (cleveland for _ in range(times)))
    assert large.rows == times * 303
    assert large.class_counts == (times * 164, times * 139)
    assert large.missing["ca"] == times * 4
    assert large.is_sampled
    assert len(large.values) == len(large.target) == 2000
    assert large.categories["cp"].tolist() == (times * summary.categories["cp"]).tolist()
    assert large.spreads["age"].mean == pytest.approx(summary.spreads["age"].mean)
    assert dict(large.ranking)["thal"] == pytest.approx(PUBLISHED["thal"], abs=0.05)
    again = summarise(heart, pieces(pd.concat([cleveland] * times), 500))
    np.testing.assert_array_equal(again.target, large.target)


def test_with_more_classes_each_stands_against_the_rest(iris: Contract, flowers: pd.DataFrame) -> None:
    summary = summarise(iris, flowers)
    assert summary.class_counts == (50, 50, 50)
    assert summary.classes_drawn == (0, 1, 2)
    assert list(summary.correlations.columns[4:]) == ["setosa", "versicolor", "virginica"]
    for position, label in enumerate(iris.target.labels):
        expected = np.corrcoef(summary.values["petal_length"], summary.target == position)[0, 1]
        assert summary.with_classes.loc["petal_length", label] == pytest.approx(expected)
    name, r = summary.ranking[0]
    assert name == "petal_length"
    assert r == pytest.approx(-0.923, abs=5e-4)


def test_of_many_classes_the_most_frequent_are_drawn(iris: Contract, flowers: pd.DataFrame) -> None:
    labels = [f"species {index}" for index in range(12)]
    classes = tuple(TargetClass(label=label, values=(label,)) for label in labels)
    contract = iris.model_copy(update={"target": iris.target.model_copy(update={"classes": classes})})
    named = [labels[min(index // 6, 11)] for index in range(len(flowers))]  # the last has 84 of 150, all others 6
    summary = summarise(contract, flowers.assign(species=named))
    assert len(summary.classes_drawn) == MOST_CLASSES
    assert summary.classes_drawn == (0, 1, 2, 3, 4, 5, 11)
    assert sum(summary.class_counts) == 150


def test_of_many_features_those_that_tell_most_are_drawn(heart: Contract, cleveland: pd.DataFrame) -> None:
    age, sex = heart.features[0], heart.features[1]
    few = MOST_PANELS - 1
    copies = {f"a{index}": age for index in range(few)} | {f"s{index}": sex for index in range(few)}
    features = tuple(item.model_copy(update={"name": name}) for name, item in copies.items())
    contract = heart.model_copy(update={"features": (*features, *heart.features)})
    rng = np.random.default_rng(0)
    noise = {name: rng.permutation(cleveland["age" if name.startswith("a") else "sex"].to_numpy()) for name in copies}
    summary = summarise(contract, pd.concat([cleveland, pd.DataFrame(noise)], axis=1))
    for drawn, strong in ((summary.measured_drawn, {"age", "thalach", "oldpeak"}), (summary.counted_drawn, {"cp"})):
        assert len(drawn) == MOST_PANELS
        assert strong < {item.name for item in drawn}
        order = [contract.feature_names.index(item.name) for item in drawn]
        assert order == sorted(order)


def test_a_class_that_no_row_has_is_no_correlation(iris: Contract, flowers: pd.DataFrame) -> None:
    two = summarise(iris, flowers[flowers["species"] != "virginica"])
    assert list(two.with_classes.columns) == ["setosa", "versicolor"]
    one = summarise(iris, flowers[flowers["species"] == "setosa"])
    assert one.ranking == []
