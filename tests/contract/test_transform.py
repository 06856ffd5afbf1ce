"""The served preprocessing against a hand computation; against scikit-learn it is tested with what builds it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.transform import Imputation, Layout, Regression, Standardization, Transform

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
