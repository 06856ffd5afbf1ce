"""What columns are taken for."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from contract.features import Code
from contract.guessing import Exclusion, FeatureGuess, codes_of, guesses, hard_range, named
from contract.tally import Column


def column(name: str, cells: Iterable[object], position: int = 0) -> Column:
    counted = Column(name, position)
    counted.add([str(cell) for cell in cells])
    if counted.counts is None:
        counted.sample = tuple(float(str(cell)) for cell in cells)
    return counted


def guess(name: str, cells: Iterable[object], *others: Column) -> FeatureGuess | Exclusion:
    counted = column(name, list(cells))
    target = column("y", ["0", "1"], 1)
    return guesses([counted, target, *others], target)[0]


def feature(name: str, cells: Iterable[object], *others: Column) -> FeatureGuess:
    found = guess(name, cells, *others)
    assert isinstance(found, FeatureGuess), found
    return found


def excluded(name: str, cells: Iterable[object]) -> Exclusion:
    found = guess(name, cells)
    assert isinstance(found, Exclusion), found
    return found


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([0.5, 1.25, 2] * 10, "numeric"),
        (list(range(20, 90)) * 2, "integer"),
        ([0, 1, 1] * 10, "boolean"),
        (["0.0", "1.0", ""] * 10, "boolean"),
        (["true", "False", "TRUE"] * 10, "boolean"),
        ([1, 2] * 10, "categorical"),
        (["1.0", "4.0", "?"] * 10, "categorical"),
        (["yes", "no"] * 10, "categorical"),
        (["01", "02", "10"] * 10, "categorical"),
        (["1", "2A", "2B"] * 10, "categorical"),
        ([0.5, 1.5, "unknown"] * 10, "numeric"),
    ],
)
def test_kinds(cells: list[object], kind: str) -> None:
    assert feature("a", cells).kind == kind


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        ([3, 7, 3, "6.0"] * 3, ((3, 6), (6, 3), (7, 3))),
        (["b", "a", "b"] * 3, (("a", 3), ("b", 6))),
        (["01", "10"] * 3, (("01", 3), ("10", 3))),
        ([1, 2, "x"] * 3, (("1", 3), ("2", 3), ("x", 3))),
        ([10**16, 10**16 + 2] * 3, ((str(10**16), 3), (str(10**16 + 2), 3))),
    ],
)
def test_codes_are_whole_numbers_or_text_never_both(cells: list[object], codes: tuple[tuple[Code, int], ...]) -> None:
    assert codes_of(column("a", cells)) == codes


def test_few_whole_numbers_are_codes_and_many_are_amounts_and_the_reason_says_so() -> None:
    codes = feature("a", list(range(1, 11)) * 5)
    assert (codes.kind, len(codes.codes)) == ("categorical", 10)
    assert codes.seen == "10 different whole numbers, so taken for codes; if they are amounts: integer"
    amounts = feature("a", list(range(1, 12)) * 5)
    assert (amounts.kind, amounts.low, amounts.high) == ("integer", 1, 11)
    assert amounts.seen == "11 different whole numbers; if they are codes: categorical"


def test_a_name_that_says_category_allows_more_codes() -> None:
    assert feature("car_cat", list(range(104)) * 6).kind == "categorical"
    assert feature("car", list(range(104)) * 6).kind == "integer"
    assert feature("car_cat", list(range(300)) * 6).kind == "integer"


@pytest.mark.parametrize(
    ("cells", "markers"),
    [
        ([-1, 0, 3, 17.5], (-1,)),
        ([-9, -8, 0, 3, 17], (-9, -8)),
        ([20, 35, 90, 999], (999,)),
        ([1, 2, 3, 4, 99], (99,)),
        ([-1, 3, 4, 999], (-1, 999)),
        ([5, 6.5, "unknown", "*"], ("unknown", "*")),
        ([-1, 0, 1], ()),
        ([-2, -1, 5, 7], ()),
        ([-1.5, -1, 5, 7], ()),
        ([50, 70, 99], ()),
        ([100, 500, 999], ()),
        ([-1, -9], ()),
    ],
)
def test_sentinels_are_missing_where_they_plainly_are(cells: list[object], markers: tuple[Code, ...]) -> None:
    found = guess("a", cells * 10)
    assert (found.markers if isinstance(found, FeatureGuess) else ()) == markers


def test_minus_one_beside_zero_and_one_is_missing_if_it_is_so_elsewhere_in_the_table() -> None:
    assert feature("a", [-1, 0, 1] * 10).kind == "categorical"
    with_evidence = feature("a", [-1, 0, 1] * 10, column("b", [-1, 0.5, 2.5] * 10, 2))
    assert (with_evidence.kind, with_evidence.markers, with_evidence.missing) == ("boolean", (-1,), 10)


def test_missing_rows_are_those_of_markers_and_of_empty_cells() -> None:
    found = feature("a", [-1, "", "?", "unknown", 5, 7.5])
    assert found.missing == 4
    assert (found.low, found.high) == (5, 7.5)


def test_a_zero_far_below_the_rest_is_noted_but_stays_a_number() -> None:
    found = feature("chol", [0, *range(120, 400)])
    assert found.markers == ()
    assert found.low == 0
    assert found.notes == ("0 stands in 1 row, and nothing else below 120: does it mean missing?",)
    assert feature("count", [*range(100), 0]).notes == ()


def test_an_outlier_is_noted_but_stays_within_the_range() -> None:
    found = feature("speed", [*([30, 50, 70, 80, 90, 110, 130, 20, 25, 35, 45] * 100), 901])
    assert found.high == 901
    assert found.notes == ("99 % of the rows have at most 130: is 901 right?",)
    assert feature("many", [*(i / 10 for i in range(2000)), 5000.5]).notes == (
        "99 % of the rows have at most 198: is 5000.5 right?",
    )


@pytest.mark.parametrize(
    ("name", "cells", "reason"),
    [
        ("a", ["", "?", "NA"], "no row has a value"),
        ("a", [5, 5, 5], "constant: no row has anything but 5"),
        ("a", ["x", "x", ""], "constant: no row has anything but 'x'"),
        ("a", [-1, 7, -1], None),
        ("day", ["2021-03-01", "2021-03-02", "2021-03-01"], "dates, which no model reads as they are"),
        ("day", ["1.3.2021", "2.3.2021", "1.3.2021"], "dates, which no model reads as they are"),
        ("a", ["1,5", "2,5", "1,5"], "numbers with a decimal comma; write them with a point to use them"),
        ("a", [10**16 + i for i in range(0, 60, 2)], "whole numbers of more than 15 digits"),
        ("a", ["x" * 101, "y"] * 3, "text of more than 100 characters, which is no category"),
        ("a", [f"w{i % 250}" for i in range(5000)], "too many categories: 250 in 5,000 rows"),
        ("a", [f"w{i % 90}" for i in range(100)], "too many categories: 90 in 100 rows"),
        ("a", [*range(300), *range(300), "<5", "<6"], "too many categories: 302 in 602 rows, with numbers among them"),
        ("patient_id", [i % 40 for i in range(100)], "names something that stands in several rows"),
    ],
)
def test_what_no_model_can_use_is_left_out_with_its_reason(name: str, cells: list[object], reason: str | None) -> None:
    found = guess(name, cells)
    if reason is None:
        assert isinstance(found, FeatureGuess)
    else:
        assert isinstance(found, Exclusion)
        assert found.reason.startswith(reason)
        assert not found.identifies


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("id", [7, 9, 13]),
        ("PassengerId", [7, 9, 13]),
        ("customerID", [7, 9, 13]),
        ("Unnamed: 0", [7, 9, 13]),
        ("", list(range(50))),
        ("row", list(range(1, 51))),
        ("a", [f"k{i}" for i in range(50)]),
    ],
)
def test_what_names_rows_identifies_them(name: str, cells: list[object]) -> None:
    assert excluded(name, cells).identifies


def test_amounts_that_never_repeat_name_no_rows() -> None:
    assert feature("income", [1000 + 7 * i for i in range(50)]).kind == "integer"
    assert feature("width", [i / 7 for i in range(50)]).kind == "numeric"
    assert feature("heat_index", [i % 40 for i in range(100)]).kind == "integer"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sepal length (cm)", "sepal_length_cm"),
        ("SepalLengthCm", "sepal_length_cm"),
        ("customerID", "customer_id"),
        ("BMI", "bmi"),
        ("Größe", "grosse"),
        ("Âge", "age"),
        ("2nd floor", "column_2nd_floor"),
        ("年", "column_4"),
        ("%", "column_4"),
        ("Taken", "taken_2"),
        ("a" * 80, "a" * 63),
    ],
)
def test_names(text: str, name: str) -> None:
    assert named(Column(text, 3), {"taken"}) == name


def test_names_stay_different_from_each_other_and_from_every_column() -> None:
    columns = [column(text, [1.5, 2], at) for at, text in enumerate(["A b", "a_b", "a-b", "y"])]
    found = guesses(columns, columns[-1])
    assert [guess.name for guess in found if isinstance(guess, FeatureGuess)] == ["a_b_2", "a_b", "a_b_3"]


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (29, 77, True, (0, 125)),
        (126, 564, True, (0, 1050)),
        (-5, -1, True, (-9, 0)),
        (0.05263, 0.1634, False, (0, 0.3)),
        (-23.4, 51.06, False, (-100, 130)),
        (1e-12, 3e-12, False, (0, 5.5e-12)),
        (-1.7e308, 1.7e308, False, (-1.7e308, 1.7e308)),
        (5e-324, 1e-323, False, (5e-324, 1e-323)),
    ],
)
def test_hard_ranges_reach_as_far_again_beyond_what_was_seen(
    low: float, high: float, whole: bool, expected: tuple[float, float]
) -> None:
    assert hard_range(low, high, whole=whole) == pytest.approx(expected)


@pytest.mark.parametrize("low", [1.6e9, -3e15, 0.1, 1 / 3])
@pytest.mark.parametrize("span", [1e-3, 1, 7.3, 1e6])
def test_a_hard_range_never_leaves_out_what_was_seen(low: float, span: float) -> None:
    least, most = hard_range(low, low + span, whole=False)
    assert least <= low
    assert low + span <= most
