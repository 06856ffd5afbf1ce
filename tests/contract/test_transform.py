"""The served preprocessing against a hand computation; against scikit-learn it is tested with what builds it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.transform import (
    Codes,
    Encoding,
    Imputation,
    Indicators,
    Layout,
    Regression,
    Standardization,
    Transform,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]

NAN = float("nan")

# Encoded parcels: weight and stops, whether fragile, positions of service and zone; any of them may be missing.
ENCODED = st.lists(
    st.tuples(
        st.floats(0.1, 30) | st.just(NAN),
        st.integers(0, 9).map(float) | st.just(NAN),
        st.sampled_from([0.0, 1.0, NAN]),
        st.sampled_from([0.0, 1.0, 2.0, NAN]),
        st.sampled_from([0.0, 1.0, NAN]),
    ),
    min_size=1,
    max_size=40,
).map(np.array)


def test_a_whole_row_is_expanded_and_standardised(transform: Transform) -> None:
    rows = np.array([[3.0, 2.0, 1.0, 2.0, 0.0], [2.0, 4.0, 0.0, 0.0, 1.0]])
    by_hand = [  # weight and stops standardised, fragile centred, three services, zone 3
        [2.0, -1.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 1.0],
    ]
    np.testing.assert_array_equal(transform.compile()(rows), np.array(by_hand, dtype=np.float32))


def test_missing_values_follow_from_the_others_in_the_order_of_the_steps(transform: Transform) -> None:
    (row,) = transform.compile()(np.array([[3.0, NAN, NAN, NAN, 1.0]]))
    weight = 2.0
    fragile = 0.3  # still the initial value when stops is imputed
    service = (0.4, 0.5, 0.6)
    zone = 1.0
    stops = 0.5 * weight + 1.0 * fragile + 0.1 * service[0] + 0.2 * service[1] + 0.3 * service[2] + 0.4 * zone - 0.25
    fragile = 2.0 * stops + 1.0
    by_hand = np.array([weight, stops, (fragile - 0.5) / 0.5, *service, zone])
    np.testing.assert_allclose(row, by_hand, rtol=1e-7)


def test_a_value_that_is_there_is_never_imputed(transform: Transform) -> None:
    compiled = transform.compile()
    (whole,) = compiled(np.array([[3.0, 2.0, 1.0, 2.0, 0.0]]))
    (partial,) = compiled(np.array([[3.0, 2.0, NAN, 2.0, 0.0]]))
    assert whole[[0, 1, 3, 4, 5, 6]].tolist() == partial[[0, 1, 3, 4, 5, 6]].tolist()
    assert whole[2] != partial[2]


def test_a_missing_category_is_missing_in_all_of_its_columns(transform: Transform) -> None:
    (row,) = transform.layout.expand(np.array([[3.0, 2.0, 1.0, NAN, NAN]]))
    np.testing.assert_array_equal(row, [3.0, 2.0, 1.0, NAN, NAN, NAN, NAN])


def test_a_layout_may_lack_numbers_or_booleans() -> None:
    layout = Layout(columns=("b",), numbers=(), booleans=(0,), indicators=())
    np.testing.assert_array_equal(layout.expand(np.array([[1.0], [0.0]])), [[1.0], [0.0]])
    layout = Layout(columns=("n",), numbers=(0,), booleans=(), indicators=())
    np.testing.assert_array_equal(layout.expand(np.array([[7.5], [0.0]])), [[7.5], [0.0]])


def test_the_last_standardisation_may_be_left_out(transform: Transform) -> None:
    plain = transform.model_copy(update={"standardize_all": None})
    (row,) = plain.compile()(np.array([[3.0, 2.0, 1.0, 2.0, 0.0]]))
    assert row.tolist() == [2.0, -1.0, 1.0, 0.0, 0.0, 1.0, 0.0]


@settings(deadline=None)
@given(rows=ENCODED)
def test_no_nan_comes_out_and_nothing_that_goes_in_is_changed(transform: Transform, rows: Matrix) -> None:
    before = rows.copy()
    columns = transform.compile()(rows)
    assert columns.dtype == np.float32
    assert columns.shape == (len(rows), len(transform.layout.columns))
    assert np.isfinite(columns).all()
    np.testing.assert_array_equal(rows, before)


@settings(deadline=None)
@given(rows=ENCODED, data=st.data())
def test_a_row_does_not_depend_on_its_batch(transform: Transform, rows: Matrix, data: st.DataObject) -> None:
    compiled = transform.compile()
    whole = compiled(rows)
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=10))
    np.testing.assert_array_equal(compiled(rows[chosen]), whole[chosen])
    np.testing.assert_array_equal(compiled(np.asfortranarray(rows)), whole)


def test_an_imputed_value_does_not_depend_on_its_batch_in_any_bit() -> None:
    """Rounding to float32 would hide a last bit that differs, so the common part is taken off before it."""
    columns = 30
    random = np.random.default_rng(7)
    coefficients = random.normal(size=columns)
    coefficients[0] = 0.0
    common = random.normal(size=columns)
    ones = (1.0,) * columns
    transform = Transform(
        format=1,
        layout=Layout(columns=("x",) * columns, numbers=tuple(range(columns)), booleans=(), indicators=()),
        standardize_numbers=Standardization(mean=(0.0,) * columns, scale=ones),
        impute=Imputation(
            initial=(0.0,) * columns,
            steps=(Regression(column=0, coefficients=tuple(coefficients.tolist()), intercept=0.0),),
        ),
        standardize_all=Standardization(mean=(float(common @ coefficients), *common[1:].tolist()), scale=ones),
    ).compile()
    rows = common + 1e-12 * random.normal(size=(500, columns))
    rows[:, 0] = np.nan
    whole = transform(rows)
    assert np.abs(whole[:, 0]).max() < 1e-9, "what is left is so small that float32 keeps every bit of it"
    np.testing.assert_array_equal(np.concatenate([transform(rows[row : row + 1]) for row in range(500)]), whole)
    np.testing.assert_array_equal(transform(rows[100:107]), whole[100:107])


def test_flags_are_what_0_and_1_become_where_nothing_is_missing(transform: Transform) -> None:
    for used in (transform, transform.model_copy(update={"standardize_all": None})):
        compiled = used.compile()
        assert compiled.flags.dtype == np.float32
        assert np.isnan(compiled.flags[:, :2]).all()
        off, on = compiled.flags[:, 2:]
        whole = itertools.product([2.5], [3.0], [0.0, 1.0], [0.0, 1.0, 2.0], [0.0, 1.0])
        found = compiled(np.array(list(whole)))[:, 2:]
        assert ((found == off) | (found == on)).all()
        assert ((found == off).any(axis=0) & (found == on).any(axis=0)).all()


def test_a_few_rows_are_imputed_as_many_are(transform: Transform) -> None:
    random = np.random.default_rng(5)
    rows = np.column_stack(
        [random.uniform(0.1, 30, 300), *(random.integers(0, 2, 300).astype(float) for _ in range(4))]
    )
    rows[random.random(rows.shape) < 0.4] = NAN
    compiled = transform.compile()
    whole = compiled(rows)
    for size in range(1, 20):
        parts = [compiled(rows[start : start + size]) for start in range(0, len(rows), size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_no_rows_give_no_rows(transform: Transform) -> None:
    assert transform.compile()(np.empty((0, 5))).shape == (0, 7)


def test_a_transform_survives_json(transform: Transform) -> None:
    assert Transform.model_validate_json(transform.model_dump_json()) == transform


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format":1', '"format":2'),
        ('"scale":[0.5', '"scale":["0.5"'),
        ('"numbers":[0', '"numbers":[-1'),
        ("mean", "m"),
    ],
)
def test_a_transform_that_is_none_is_refused(transform: Transform, old: str, new: str) -> None:
    text = transform.model_dump_json()
    assert old in text
    with pytest.raises(ValidationError):
        Transform.model_validate_json(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def every_kind() -> Transform:
    """Weight, fragile, service (3), zone (2; its gaps say something), the post code as frequencies, gaps of weight."""
    layout = Layout(
        columns=("weight", "fragile", "service=a", "service=b", "service=c", "zone=2", "zone?", "code~0", "weight?"),
        numbers=(0,),
        booleans=(1,),
        indicators=(
            Indicators(feature=2, categories=3, drop_first=False),
            Indicators(feature=3, categories=2, drop_first=True, missing=True),
        ),
        encodings=(Encoding(feature=4, categories=4, columns=1),),
        gaps=(0,),
    )
    return Transform(
        format=1,
        layout=layout,
        tables=((0.1, 0.2, 0.3, 0.4, 0.25),),
        standardize_numbers=Standardization(mean=(2.0,), scale=(0.5,)),
        impute=Imputation(initial=(7.0, 0.5, 0.1, 0.2, 0.7, 0.0, 0.0, 0.0, 0.0), steps=()),
        standardize_all=None,
    )


@pytest.mark.parametrize(
    ("row", "by_hand"),
    [
        ([3.0, 1.0, 2.0, 1.0, 3.0], [2.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.4, 0.0]),
        ([3.0, 1.0, 2.0, 0.0, 0.0], [2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.1, 0.0]),
        ([NAN, NAN, NAN, NAN, NAN], [7.0, 0.5, 0.1, 0.2, 0.7, 0.0, 1.0, 0.25, 1.0]),
    ],
)
def test_a_gap_is_said_in_its_own_column_and_frequencies_have_a_value_for_it(
    every_kind: Transform, row: list[float], by_hand: list[float]
) -> None:
    assert every_kind.compile()(np.array([row])).tolist() == [np.array(by_hand, dtype=np.float32).tolist()]


def test_only_what_may_be_missing_is_imputed(every_kind: Transform) -> None:
    columns = every_kind.layout.columns
    assert [columns[column] for column in every_kind.layout.imputable] == list(columns[:5])
    expanded = every_kind.layout.expand(np.full((1, 5), NAN), every_kind.tables)
    np.testing.assert_array_equal(np.isnan(expanded)[0], [True] * 5 + [False] * 4)


def test_flags_of_a_gap_are_known_and_those_of_frequencies_and_codes_are_not(every_kind: Transform) -> None:
    assert np.isnan(every_kind.compile().flags[0]).tolist() == [True, *[False] * 6, True, False]
    native = _native().compile()
    assert np.isnan(native.flags[0]).tolist() == [True, False, True]


def _native() -> Transform:
    return Transform(
        format=1,
        layout=Layout(
            columns=("weight", "fragile", "service"),
            numbers=(1,),
            booleans=(2,),
            indicators=(),
            codes=(Codes(feature=0, categories=200),),
        ),
        standardize_numbers=Standardization(mean=(0.0,), scale=(1.0,)),
        impute=None,
        standardize_all=None,
    )


def test_without_imputation_numbers_codes_and_gaps_stay_as_they_are() -> None:
    rows = np.array([[150.0, 1 / 3, 1.0], [NAN, NAN, NAN], [0.0, 1e9 + 1, 0.0]])
    native = _native()
    found = native.compile()(rows)
    np.testing.assert_array_equal(found, rows[:, [1, 2, 0]].astype(np.float32))
    assert native.layout.code_columns == [2]
    assert Transform.model_validate_json(native.model_dump_json()) == native


def test_a_transform_written_before_there_were_such_columns_is_read(transform: Transform) -> None:
    written = json.loads(transform.model_dump_json())
    del written["tables"]
    for name in ("codes", "encodings", "gaps"):
        del written["layout"][name]
    for item in written["layout"]["indicators"]:
        del item["missing"]
    assert Transform.model_validate_json(json.dumps(written)) == transform


@pytest.mark.parametrize("tables", [(), ((0.1,) * 5,) * 2, ((0.1,) * 4,)], ids=["none", "two", "one value short"])
def test_tables_that_do_not_fit_the_encodings_are_refused(every_kind: Transform, tables: Any) -> None:
    text = every_kind.model_copy(update={"tables": tables}).model_dump_json()
    with pytest.raises(ValidationError, match="tables must have one entry for each column of the encodings"):
        Transform.model_validate_json(text)
