"""What a feature may hold, in words and by rule; the rules' place in a file is in test_document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from contract.features import (
    CategoricalFeature,
    Category,
    Code,
    IntegerFeature,
    Missing,
    NumericFeature,
    Range,
    allowed_values,
    plain,
    repeated,
)

if TYPE_CHECKING:
    from contract.schema import Contract


def test_allowed_values_say_what_may_be_sent(parcels: Contract) -> None:
    assert [allowed_values(feature) for feature in parcels.features] == [
        "a number from 0.1 to 30",
        "a whole number from 0 to 9, or null",
        "true, false, 1 or 0, or null",
        "one of 'std' (standard), 'exp' (express), 'nite' (overnight), or null",
        "one of 1 (city), 3 (abroad)",
    ]


def test_allowed_values_have_every_digit_of_a_limit() -> None:
    feature = IntegerFeature(kind="integer", name="salary", description="Salary", range=Range(min=-0.5, max=1234567))
    assert allowed_values(feature) == "a whole number from -0.5 to 1234567"


@pytest.mark.parametrize(
    ("value", "text"), [(18.0, "18"), (6.2, "6.2"), (0.1 + 0.2, "0.3"), (1e6, "1000000"), (-5, "-5"), (1e-9, "1e-09")]
)
def test_plain_writes_a_number_as_a_person_would(value: float, text: str) -> None:
    assert plain(value) == text


def test_repeated_tells_the_later_positions_and_text_from_numbers() -> None:
    assert repeated([1, "1", 2, 1, "1", 1]) == [3, 4, 5]
    assert repeated([]) == []


def test_the_values_of_a_category_keep_their_order(parcels: Contract) -> None:
    service = parcels.features[3]
    assert isinstance(service, CategoricalFeature)
    assert service.values == ("std", "exp", "nite")


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0)])
def test_a_range_has_room(low: float, high: float) -> None:
    with pytest.raises(ValidationError, match="must be below max"):
        Range(min=low, max=high)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), "1", True, None])
def test_a_limit_is_a_finite_number(limit: Any) -> None:
    with pytest.raises(ValidationError):
        Range(min=limit, max=100)


@pytest.mark.parametrize(("low", "high", "fits"), [(0, 10, True), (2, 5, True), (-1, 5, False), (5, 11, False)])
def test_the_usual_range_lies_within_the_hard_one(low: float, high: float, fits: bool) -> None:
    def build() -> NumericFeature:
        usual = Range(min=low, max=high)
        return NumericFeature(kind="numeric", name="x", description="X", range=Range(min=0, max=10), usual=usual)

    if fits:
        assert build().usual == Range(min=low, max=high)
    else:
        with pytest.raises(ValidationError, match="usual: must lie within range"):
            build()


def test_several_contradictions_of_a_category_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        CategoricalFeature(
            kind="categorical",
            name="x",
            description="X",
            categories=(Category(value=1, label="one"), Category(value=1, label="one")),
            missing=Missing(markers=(1,)),
        )
    text = str(refused.value)
    assert "categories.1.value: 1 stands more than once" in text
    assert "categories.1.label: 'one' stands more than once" in text
    assert "missing.markers.0: 1 is a category" in text


@pytest.mark.parametrize("value", [0, -3, 10**15 - 1, "", "0", "n/a"])
def test_a_code_stays_what_it_is(value: int | str) -> None:
    read = TypeAdapter(Code).validate_python(value)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("value", [True, False, 1.0, 1.5, None, [], {}, 10**15, -(10**15)])
def test_nothing_else_is_a_code(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Code).validate_python(value)


@pytest.mark.parametrize("name", ["Age", "1st", "", "a b", "é", "a-b", "a" * 64, "age\n"])
def test_a_name_is_lower_case_without_spaces(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        NumericFeature(kind="numeric", name=name, description="X", range=Range(min=0, max=1))


def test_a_feature_never_changes(parcels: Contract) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        parcels.features[0].name = "mass"
    assert parcels.features[0].name == "weight"
