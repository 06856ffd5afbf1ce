"""Requests and tables become the same numbers, and whatever a contract doesn't allow is named."""

from __future__ import annotations

import copy
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.encoding import RULES, Encoder, shown
from contract.errors import SHOWN_VIOLATIONS, RequestRefused, Violation
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, allowed_values

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.features import Feature
    from contract.schema import Contract

GOOD = {"weight": 2.5, "stops": 3, "fragile": False, "service": "std", "zone": 1}


@pytest.fixture(scope="session")
def encoder(parcels: Contract) -> Encoder:
    return Encoder(parcels.features)


def values_of(feature: Feature) -> st.SearchStrategy[Any]:
    """Everything that the contract allows for a feature."""
    allowed: list[st.SearchStrategy[Any]] = []
    match feature:
        case CategoricalFeature():
            allowed.append(st.sampled_from(feature.values))
        case BooleanFeature():
            allowed += [st.booleans(), st.sampled_from([0, 1])]
        case IntegerFeature():
            whole = st.integers(int(feature.range.min), int(feature.range.max))
            allowed += [whole, whole.map(float)]
        case _:
            allowed.append(st.floats(feature.range.min, feature.range.max))
    if feature.missing.allowed:
        allowed += [st.none(), *map(st.just, feature.missing.markers)]
    return st.one_of(allowed)


def rows_of(contract: Contract) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(
        st.fixed_dictionaries({feature.name: values_of(feature) for feature in contract.features}),
        min_size=1,
        max_size=8,
    )


def expected(feature: Feature, value: Any) -> float:
    """The encoding by the book: one value, no vectorisation."""
    if value is None or value in feature.missing.markers:
        return float("nan")
    return float(feature.values.index(value)) if isinstance(feature, CategoricalFeature) else float(value)


def same(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    return np.array_equal(first, second, equal_nan=True)


def as_array(values: list[Any]) -> npt.NDArray[Any]:
    """The narrowest array of the values: bool, whole, float with NaN for None, or objects."""
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.bool_)
    if any(isinstance(value, str | bool) for value in values):
        return np.array(values, dtype=object)
    if all(isinstance(value, int) for value in values):
        return np.array(values, dtype=np.int32)
    return np.array(values, dtype=np.float64)


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("table", ["heart", "parcels"])
def test_every_way_to_send_a_row_gives_the_same_numbers(
    heart: Contract, parcels: Contract, table: str, data: st.DataObject
) -> None:
    contract = {"heart": heart, "parcels": parcels}[table]
    encoder = Encoder(contract.features)
    records = data.draw(rows_of(contract))
    before = copy.deepcopy(records)
    by_record = encoder.from_records(records)
    columns = {name: [record[name] for record in records] for name in contract.feature_names}
    others = [
        encoder.from_arrays([[record[name] for name in contract.feature_names] for record in records]),
        encoder.from_arrays([tuple(record[name] for name in contract.feature_names) for record in records]),
        encoder.from_records([dict(reversed(record.items())) for record in records]),
        encoder.from_columns(columns),
        encoder.from_columns({name: as_array(values) for name, values in columns.items()}),
        encoder.from_columns({name: np.array(values, dtype=object) for name, values in columns.items()}),
    ]
    by_hand = [[expected(feature, record[feature.name]) for feature in contract.features] for record in records]
    assert by_record.violations == ()
    assert by_record.matrix.dtype == np.float64
    assert same(by_record.matrix, np.array(by_hand))
    for other in others:
        assert other.violations == ()
        assert same(other.matrix, by_record.matrix)
        assert same(other.unusual, by_record.unusual)
    assert records == before


@settings(deadline=None)
@given(data=st.data())
def test_a_row_is_encoded_alike_in_every_batch(heart: Contract, data: st.DataObject) -> None:
    encoder = Encoder(heart.features)
    records = data.draw(rows_of(heart))
    whole = encoder.from_records(records)
    for row, record in enumerate(records):
        alone = encoder.from_records([record])
        assert same(alone.matrix[0], whole.matrix[row])
        assert same(alone.unusual[0], whole.unusual[row])


class Bad(NamedTuple):
    """A feature and a value that it may not have, the rule that this breaks, and how the value is shown."""

    name: str
    value: Any
    rule: str
    shown: str


BAD_VALUES = [
    Bad("weight", "2.5", "wrong-type", "'2.5'"),
    Bad("weight", True, "wrong-type", "True"),
    Bad("weight", [], "wrong-type", "[]"),
    Bad("weight", {}, "wrong-type", "{}"),
    Bad("weight", {"a": [1]}, "wrong-type", "{'a': [1]}"),
    Bad("weight", 2 + 1j, "wrong-type", "(2+1j)"),
    Bad("weight", Decimal("2.5"), "wrong-type", "Decimal('2.5')"),
    Bad("weight", np.bool_(True), "wrong-type", "True"),
    Bad("weight", np.str_("2.5"), "wrong-type", "'2.5'"),
    Bad("weight", float("inf"), "not-finite", "inf"),
    Bad("weight", float("-inf"), "not-finite", "-inf"),
    Bad("weight", np.float32("inf"), "not-finite", "inf"),
    Bad("weight", 10**400, "not-finite", "1" + 38 * "0" + "…"),
    Bad("weight", -(10**5000), "not-finite", "(int too large to show)"),
    Bad("weight", None, "missing-value", "null"),
    Bad("weight", float("nan"), "missing-value", "nan"),
    Bad("weight", 0.0999, "out-of-range", "0.0999"),
    Bad("weight", 30.0001, "out-of-range", "30.0001"),
    Bad("stops", 3.5, "not-whole", "3.5"),
    Bad("stops", 1e300, "out-of-range", "1e+300"),
    Bad("stops", 10, "out-of-range", "10"),
    Bad("stops", np.int64(-2), "out-of-range", "-2"),
    Bad("stops", True, "wrong-type", "True"),
    Bad("stops", "3", "wrong-type", "'3'"),
    Bad("stops", "", "wrong-type", "''"),
    Bad("fragile", 2, "wrong-type", "2"),
    Bad("fragile", 0.5, "wrong-type", "0.5"),
    Bad("fragile", "true", "wrong-type", "'true'"),
    Bad("fragile", float("inf"), "not-finite", "inf"),
    Bad("fragile", [True], "wrong-type", "[True]"),
    Bad("service", "Std", "unknown-category", "'Std'"),
    Bad("service", "", "unknown-category", "''"),
    Bad("service", 0, "wrong-type", "0"),
    Bad("service", True, "wrong-type", "True"),
    Bad("service", ["std"], "wrong-type", "['std']"),
    Bad("service", {}, "wrong-type", "{}"),
    Bad("service", "x\n" * 50, "unknown-category", "'" + "x\\n" * 12 + "x\\…"),
    Bad("zone", 2, "unknown-category", "2"),
    Bad("zone", 1.5, "unknown-category", "1.5"),
    Bad("zone", -(10**400), "not-finite", "-1" + 37 * "0" + "…"),
    Bad("zone", "3", "wrong-type", "'3'"),
    Bad("zone", True, "wrong-type", "True"),
    Bad("zone", [], "wrong-type", "[]"),
    Bad("zone", None, "missing-value", "null"),
]


@pytest.mark.parametrize("case", BAD_VALUES, ids=[f"{case.name} {case.shown}" for case in BAD_VALUES])
def test_a_value_that_breaks_a_rule_is_named(encoder: Encoder, parcels: Contract, case: Bad) -> None:
    bad = {**GOOD, case.name: case.value}
    position = parcels.feature_names.index(case.name)
    violation = Violation(1, case.name, case.shown, case.rule, allowed_values(parcels.features[position]))
    objects = {name: np.array([value, None, value], dtype=object) for name, value in GOOD.items()}
    for name, column in objects.items():
        column[1] = bad[name]
    for encoded in (
        encoder.from_records([GOOD, bad, GOOD]),
        encoder.from_arrays([list(GOOD.values()), list(bad.values()), list(GOOD.values())]),
        encoder.from_columns({name: [value, bad[name], value] for name, value in GOOD.items()}),
        encoder.from_columns(objects),
    ):
        assert encoded.violations == (violation,)
        assert np.argwhere(np.isnan(encoded.matrix)).tolist() == [[1, position]], "refused, and nothing else"
        assert not encoded.unusual[1, position]
    assert len(violation.value) <= 40


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("stops", 3.0, 3),
        ("stops", np.float32(3), 3),
        ("stops", np.int8(3), 3),
        ("stops", 0, 0),
        ("stops", 9, 9),
        ("weight", 0.1, 0.1),
        ("weight", 30, 30),
        ("fragile", True, 1),
        ("fragile", 0, 0),
        ("fragile", 1.0, 1),
        ("fragile", np.bool_(True), 1),
        ("fragile", np.int64(0), 0),
        ("service", "nite", 2),
        ("service", np.str_("exp"), 1),
        ("zone", 3, 1),
        ("zone", 3.0, 1),
        ("zone", np.int16(1), 0),
    ],
)
def test_the_same_number_may_be_written_differently(encoder: Encoder, name: str, value: Any, number: float) -> None:
    encoded = encoder.from_records([{**GOOD, name: value}])
    assert encoded.violations == ()
    assert encoded.matrix[0, list(GOOD).index(name)] == number


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stops", None),
        ("stops", -1),
        ("stops", -1.0),
        ("stops", float("nan")),
        ("fragile", None),
        ("fragile", "unknown"),
        ("service", None),
        ("service", "n/a"),
        ("service", float("nan")),
        ("service", np.float32("nan")),
    ],
)
def test_a_marker_is_a_missing_value(encoder: Encoder, name: str, value: Any) -> None:
    encoded = encoder.from_records([{**GOOD, name: value}])
    assert encoded.violations == ()
    assert np.isnan(encoded.matrix[0, list(GOOD).index(name)])
    assert np.count_nonzero(np.isnan(encoded.matrix)) == 1


def test_the_tables_own_markers_are_no_markers_of_a_request(heart: Contract) -> None:
    assert "?" in heart.missing_markers
    encoded = Encoder(heart.features).from_records([{**heart.examples[0].instance, "thal": "?"}])
    assert [(violation.column, violation.rule) for violation in encoded.violations] == [("thal", "wrong-type")]


def test_no_cholesterol_is_a_missing_value_but_no_age_is_not(heart: Contract) -> None:
    encoded = Encoder(heart.features).from_records([{**heart.examples[0].instance, "chol": 0, "age": 0}])
    assert [violation.column for violation in encoded.violations] == ["age"]
    assert np.isnan(encoded.matrix[0, heart.feature_names.index("chol")])


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        (np.array([1.0, np.inf]), "not-finite"),
        (np.array([1, 7], dtype=np.uint8), "unknown-category"),
        (np.array([1.0, np.nan]), "missing-value"),
        (np.array([True, True]), "wrong-type"),
        (np.array(["1", "3"]), "wrong-type"),
        (np.array(["2026-01-01", "2026-01-01"], dtype="datetime64[D]"), "wrong-type"),
    ],
)
def test_arrays_of_every_type_are_checked(encoder: Encoder, column: npt.NDArray[Any], rule: str) -> None:
    columns: dict[str, Any] = {name: [value, value] for name, value in GOOD.items()}
    encoded = encoder.from_columns({**columns, "zone": column})
    assert {violation.rule for violation in encoded.violations} == {rule}
    assert encoded.violations[-1].row == 1
    assert encoded.violations[-1].value == shown(column[1])


def test_an_absent_and_an_unknown_feature_are_named_once(encoder: Encoder) -> None:
    record = {"weight": 2.5, "stops": 3, "service": "std", "Zone": 1, "fragile ": False}
    names = "weight, stops, fragile, service, zone"
    assert encoder.from_records([GOOD, record]).violations == (
        Violation(1, "fragile", "(absent)", "missing-feature", "true, false, 1 or 0, or null"),
        Violation(1, "zone", "(absent)", "missing-feature", "one of 1 (city), 3 (abroad)"),
        Violation(1, "Zone", "1", "unknown-feature", names),
        Violation(1, "fragile ", "False", "unknown-feature", names),
    )


def test_an_unknown_feature_alone_is_refused(encoder: Encoder) -> None:
    encoded = encoder.from_records([{**GOOD, "weight\n\x1b[31m" + 50 * "t": 1}])
    (violation,) = encoded.violations
    assert violation.rule == "unknown-feature"
    assert violation.column == "weight\\n\\x1b[31m" + 23 * "t" + "…"
    assert len(violation.column) == 40
    assert not np.isnan(encoded.matrix).any()


@pytest.mark.parametrize("length", [0, 4, 6])
def test_a_row_of_another_length_is_named_once(encoder: Encoder, length: int) -> None:
    good = list(GOOD.values())
    encoded = encoder.from_arrays([good, (good * 2)[:length], good])
    allowed = "5 values: weight, stops, fragile, service, zone"
    assert encoded.violations == (Violation(1, "(row)", f"{length} values", "wrong-length", allowed),)
    assert np.isnan(encoded.matrix[1]).all()
    assert not np.isnan(encoded.matrix[[0, 2]]).any()


def test_violations_stand_by_row_then_in_contract_order(encoder: Encoder) -> None:
    records = [
        {**GOOD, "zone": 2, "weight": -1},
        GOOD,
        {"zone": "3", "other": 1, "service": "slow", "stops": 3.5, "weight": None},
    ]
    found = [
        (violation.row, violation.column, violation.rule) for violation in encoder.from_records(records).violations
    ]
    assert found == [
        (0, "weight", "out-of-range"),
        (0, "zone", "unknown-category"),
        (2, "weight", "missing-value"),
        (2, "stops", "not-whole"),
        (2, "fragile", "missing-feature"),
        (2, "service", "unknown-category"),
        (2, "zone", "wrong-type"),
        (2, "other", "unknown-feature"),
    ]


def test_every_rule_is_triggered_and_none_is_unknown(encoder: Encoder) -> None:
    triggered = {case.rule for case in BAD_VALUES}
    triggered |= {violation.rule for violation in encoder.from_records([{"x": 1}]).violations}
    triggered |= {violation.rule for violation in encoder.from_arrays([[]]).violations}
    assert triggered == set(RULES)
    assert len(RULES) == len(set(RULES))


def test_unusual_values_are_answered_and_marked(encoder: Encoder) -> None:
    weights = [0.1, 0.49, 0.5, 2.5, 10, 10.01, 30, 31]
    encoded = encoder.from_records([{**GOOD, "weight": weight} for weight in weights])
    assert encoded.unusual[:, 0].tolist() == [True, True, False, False, False, True, True, False]
    assert not encoded.unusual[:, 1:].any()
    assert [violation.value for violation in encoded.violations] == ["31"]


def test_a_missing_value_is_not_unusual(heart: Contract) -> None:
    missing = {feature.name: None for feature in heart.features if feature.missing.allowed}
    encoded = Encoder(heart.features).from_records([{**heart.examples[0].instance, **missing}])
    assert encoded.violations == ()
    assert not encoded.unusual.any()


def test_no_rows_are_no_violation(encoder: Encoder) -> None:
    empty: dict[str, Any] = {name: [] for name in GOOD}
    arrays = {name: np.array([]) for name in GOOD}
    for encoded in (
        encoder.from_records([]),
        encoder.from_arrays([]),
        encoder.from_columns(empty),
        encoder.from_columns(arrays),
    ):
        assert encoded.matrix.shape == encoded.unusual.shape == (0, 5)
        assert encoded.violations == ()


def test_columns_must_be_there_and_equally_long(encoder: Encoder) -> None:
    columns: dict[str, Any] = {name: [value, value] for name, value in GOOD.items()}
    with pytest.raises(KeyError, match="zone"):
        encoder.from_columns({name: column for name, column in columns.items() if name != "zone"})
    for short in ([1], np.array([1])):
        with pytest.raises(ValueError, match=re.escape("stops 2, fragile 2, service 2, zone 1")):
            encoder.from_columns({**columns, "zone": short})


def test_nothing_that_comes_in_is_changed(encoder: Encoder) -> None:
    columns: dict[str, npt.NDArray[Any]] = {
        "weight": np.array([2.5, np.inf, 99]),
        "stops": np.array([-1.0, 3.5, 3]),
        "fragile": np.array(["unknown", 2, True], dtype=object),
        "service": np.array(["n/a", "slow", "std"], dtype=object),
        "zone": np.array([3, 2, 1]),
    }
    before = copy.deepcopy(columns)
    assert len(encoder.from_columns(columns).violations) == 6
    for name, column in columns.items():
        np.testing.assert_array_equal(column, before[name])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (np.float64(0.1), "0.1"),
        (np.datetime64("2026-01-01"), "datetime.date(2026, 1, 1)"),
        ("a\nb", r"'a\nb'"),
        ("x" * 38, "'" + "x" * 38 + "'"),
        ("x" * 39, "'" + "x" * 38 + "…"),
        ("\ud800", r"'\ud800'"),
    ],
)
def test_shown_is_one_short_line(value: object, words: str) -> None:
    assert shown(value) == words
    assert len(shown(value)) <= 40


def test_a_value_nested_beyond_reason_is_shown_too(encoder: Encoder) -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    (violation,) = encoder.from_records([{**GOOD, "weight": nested}]).violations
    assert violation.rule == "wrong-type"
    assert violation.value == "(list too large to show)"


@pytest.mark.parametrize(("count", "tail"), [(1, ""), (SHOWN_VIOLATIONS, ""), (SHOWN_VIOLATIONS + 5, "; and 5 more")])
def test_a_refusal_lists_twenty_violations_and_counts_the_rest(encoder: Encoder, count: int, tail: str) -> None:
    violations = encoder.from_records([{**GOOD, "stops": 10 + row} for row in range(count)]).violations
    refused = RequestRefused(violations)
    assert refused.violations == violations
    assert len(violations) == count
    shown_part = str(refused).removesuffix(tail)
    allowed = "a whole number from 0 to 9, or null"
    assert shown_part.split("; row ")[0] == f"row 0, stops: 10 breaks 'out-of-range'; allowed: {allowed}"
    assert shown_part.count("breaks") == min(count, SHOWN_VIOLATIONS)
    assert str(refused).endswith(f"allowed: {allowed}{tail}")
