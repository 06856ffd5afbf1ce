from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401  (makes IterativeImputer importable)
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler, TargetEncoder

from components.learning import preprocessing as preprocessing_module
from components.learning.preprocessing import LARGEST_IMPUTATION, RIDGE, ROUNDS, Preprocessing, layout_of
from components.table import encode
from contract.features import BooleanFeature, CategoricalFeature
from contract.transform import Layout
from tests.components.tables import TOWNS, Table, made

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def encoded(heart: Contract, cleveland: pd.DataFrame) -> Matrix:
    return encode(heart, cleveland).matrix


@pytest.fixture(scope="module")
def unseen(heart: Contract, sites: dict[str, pd.DataFrame]) -> Matrix:
    """All external sites: 617 rows, most of them with missing values."""
    return np.vstack([encode(heart, site).matrix for site in sites.values()])


def preprocessing(contract: Contract, *, scaled: bool) -> Preprocessing:
    return Preprocessing(layout_of(contract.features).model_dump_json(), scaled=scaled)


def indicators(contract: Contract, encoded: Matrix) -> tuple[list[str], Matrix]:
    """Column by column, by hand: numbers, booleans, then one column a category (of two categories the second)."""
    names, columns = [], []
    for kind in ("number", BooleanFeature):
        for position, feature in enumerate(contract.features):
            if isinstance(feature, BooleanFeature) == (kind is BooleanFeature) and not isinstance(
                feature, CategoricalFeature
            ):
                names.append(feature.name)
                columns.append(encoded[:, position])
    for position, feature in enumerate(contract.features):
        if isinstance(feature, CategoricalFeature):
            values = encoded[:, position]
            for index, value in enumerate(feature.values):
                if len(feature.values) > 2 or index == 1:
                    names.append(f"{feature.name}={value}")
                    columns.append(np.where(np.isnan(values), np.nan, values == index))
    return names, np.column_stack(columns)


class Peer:
    """The same with scikit-learn's own parts."""

    def __init__(self, contract: Contract, encoded: Matrix, *, scaled: bool) -> None:
        self._contract = contract
        _, rows = indicators(contract, encoded)
        self._numbers = sum(feature.kind in {"numeric", "integer"} for feature in contract.features)
        self._first = StandardScaler().fit(rows[:, : self._numbers])
        self._impute = IterativeImputer(
            Ridge(RIDGE), max_iter=ROUNDS, tol=1e-12, imputation_order="roman", keep_empty_features=True
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            complete = self._impute.fit_transform(self._standardised(rows))
        self._last = StandardScaler().fit(complete) if scaled else None

    def _standardised(self, rows: Matrix) -> Matrix:
        return np.hstack([self._first.transform(rows[:, : self._numbers]), rows[:, self._numbers :]])

    def __call__(self, encoded: Matrix) -> Matrix:
        complete = self._impute.transform(self._standardised(indicators(self._contract, encoded)[1]))
        return np.asarray(self._last.transform(complete) if self._last else complete, dtype=np.float64)


def test_the_layout_names_a_column_for_each_category(heart: Contract, encoded: Matrix) -> None:
    layout = layout_of(heart.features)
    assert list(layout.columns) == indicators(heart, encoded)[0]
    assert layout.columns[:7] == ("age", "trestbps", "chol", "thalach", "oldpeak", "fbs", "exang")
    assert layout.columns[7:12] == ("sex=1", "cp=1", "cp=2", "cp=3", "cp=4")
    np.testing.assert_array_equal(layout.expand(encoded), indicators(heart, encoded)[1])


@pytest.mark.parametrize("scaled", [True, False])
def test_it_equals_scikit_learn_on_every_site(heart: Contract, encoded: Matrix, unseen: Matrix, scaled: bool) -> None:
    ours = preprocessing(heart, scaled=scaled).fit(encoded)
    peer = Peer(heart, encoded, scaled=scaled)
    for rows in (encoded, unseen):
        np.testing.assert_allclose(ours.transform(rows), peer(rows), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("scaled", [True, False])
def test_it_equals_scikit_learn_where_most_of_the_training_rows_have_gaps(
    heart: Contract, encoded: Matrix, unseen: Matrix, scaled: bool
) -> None:
    pooled = np.vstack([encoded, unseen])
    ours, peer = preprocessing(heart, scaled=scaled).fit(pooled), Peer(heart, pooled, scaled=scaled)
    np.testing.assert_allclose(ours.transform(pooled), peer(pooled), rtol=1e-5, atol=1e-6)


def test_every_value_is_one_that_float32_has_and_none_is_missing(
    heart: Contract, encoded: Matrix, unseen: Matrix
) -> None:
    found = preprocessing(heart, scaled=True).fit(encoded).transform(unseen)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, found.astype(np.float32))


def test_a_row_is_transformed_alike_whatever_stands_beside_it(heart: Contract, encoded: Matrix, unseen: Matrix) -> None:
    fitted = preprocessing(heart, scaled=True).fit(encoded)
    together = fitted.transform(unseen)
    alone = np.vstack([fitted.transform(unseen[[row]]) for row in range(0, len(unseen), 25)])
    np.testing.assert_allclose(alone, together[::25], rtol=1e-6, atol=1e-6)


def test_neither_fitting_nor_transforming_changes_its_input(heart: Contract, encoded: Matrix) -> None:
    rows = encoded.copy()
    preprocessing(heart, scaled=True).fit(rows).transform(rows)
    np.testing.assert_array_equal(rows, encoded)


def test_a_column_without_any_value_becomes_a_constant(heart: Contract, encoded: Matrix, unseen: Matrix) -> None:
    gone = encoded.copy()
    for name in ("chol", "thal", "fbs"):
        gone[:, heart.feature_names.index(name)] = np.nan
    fitted = preprocessing(heart, scaled=True).fit(gone)
    columns = list(fitted.fitted.layout.columns)
    found = fitted.transform(gone)
    assert np.isfinite(fitted.transform(unseen)).all()
    for name in ("chol", "fbs", "thal=3", "thal=6", "thal=7"):
        assert set(found[:, columns.index(name)]) == {0.0}


def test_a_column_that_never_varies_is_left_at_its_scale(heart: Contract, encoded: Matrix) -> None:
    constant = encoded.copy()
    position = heart.feature_names.index("age")
    constant[:, position] = 0.1  # its mean over 303 rows is off by rounding
    fitted = preprocessing(heart, scaled=False).fit(constant)
    assert fitted.fitted.standardize_numbers.scale[0] == 1.0
    constant[:, position] = 1.1
    assert fitted.transform(constant)[:, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_the_unit_of_a_number_does_not_matter(heart: Contract, encoded: Matrix, unit: float) -> None:
    position = heart.feature_names.index("chol")
    other = encoded.copy()
    other[:, position] *= unit
    expected = preprocessing(heart, scaled=True).fit(encoded).transform(encoded)
    np.testing.assert_allclose(preprocessing(heart, scaled=True).fit(other).transform(other), expected, atol=1e-5)


def test_large_constants_do_not_pass_for_variation(heart: Contract, encoded: Matrix) -> None:
    constant = encoded.copy()
    constant[:, heart.feature_names.index("age")] = 1e9 + 0.1
    assert preprocessing(heart, scaled=False).fit(constant).fitted.standardize_numbers.scale[0] == 1.0


def test_a_category_that_training_never_saw_is_answered(heart: Contract, encoded: Matrix) -> None:
    position = heart.feature_names.index("cp")
    seen = encoded[encoded[:, position] != 0]
    fitted = preprocessing(heart, scaled=True).fit(seen)
    found = fitted.transform(encoded[encoded[:, position] == 0])
    column = list(fitted.fitted.layout.columns).index("cp=1")
    assert set(found[:, column]) == {1.0}
    assert np.isfinite(found).all()


def test_it_can_be_cloned_and_configured(heart: Contract, encoded: Matrix) -> None:
    first = preprocessing(heart, scaled=True).fit(encoded)
    again = clone(first)
    assert again.get_params() == {"layout": first.layout, "scaled": True, "native": False}
    assert not hasattr(again, "transform_")
    again.set_params(scaled=False).fit(encoded)
    assert again.fitted.standardize_all is None


def test_it_comes_back_from_a_file_as_it_was(heart: Contract, encoded: Matrix, unseen: Matrix) -> None:
    first = preprocessing(heart, scaled=True).fit(encoded)
    again = skops.io.loads(skops.io.dumps(first), trusted=["components.learning.preprocessing.Preprocessing"])
    np.testing.assert_array_equal(again.transform(unseen), first.transform(unseen))
    assert again.fitted == first.fitted


def learner(classes: int = 2, *, scaled: bool = False, native: bool = False) -> tuple[Preprocessing, Table]:
    table = made(classes)
    layout = layout_of(table.contract.features, classes, native=native)
    return Preprocessing(layout.model_dump_json(), scaled=scaled, native=native), table


def test_a_gap_that_says_something_has_a_column_and_its_category_needs_no_imputation() -> None:
    layout = layout_of(made().contract.features)
    assert [name for name in layout.columns if name.endswith("missing")] == [
        "blood is missing",
        "side is missing",
        "visits is missing",
        "insured is missing",
    ]
    prepare, table = learner()
    matrix, labels = table.rows.matrix, table.rows.labels
    found = prepare.fit(matrix, labels).transform(matrix)
    column = dict(zip(layout.columns, found.T, strict=True))
    names = table.contract.feature_names
    for name in ("visits", "insured", "blood", "side"):
        np.testing.assert_array_equal(column[f"{name} is missing"], np.isnan(matrix[:, names.index(name)]))
    blood = np.column_stack([column[f"blood={value}"] for value in range(4)])
    np.testing.assert_array_equal(blood.sum(axis=1), 1 - column["blood is missing"])
    assert np.isfinite(found).all()
    impute = prepare.fitted.impute
    assert impute
    imputed = {layout.columns[step.column] for step in impute.steps}
    assert {"visits", "dose", "ward=3"} <= imputed
    assert not any(name.startswith(("blood", "side", "town")) or name.endswith("missing") for name in imputed)


def test_native_columns_are_the_values_themselves_with_their_gaps() -> None:
    prepare, table = learner(native=True)
    matrix = table.rows.matrix
    found = prepare.fit(matrix, table.rows.labels).transform(matrix)
    layout = prepare.fitted.layout
    assert layout.columns == (
        *("dose", "visits", "height", "smoker", "insured"),
        *("ward", "blood", "side", "maker", "town~1"),
    )
    kept = [table.contract.feature_names.index(name) for name in layout.columns[:-1]]
    np.testing.assert_array_equal(found[:, :-1], matrix[:, kept].astype(np.float32))
    assert np.isnan(found[:, :-1]).any(axis=0).sum() == 8
    assert [layout.columns[column] for column in layout.code_columns] == ["ward", "blood", "side", "maker"]
    assert prepare.fitted.impute is None
    assert prepare.fitted.standardize_all is None


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
def test_towns_become_frequencies_as_scikit_learn_has_them(classes: int, native: bool) -> None:
    prepare, table = learner(classes, native=native)
    town = table.contract.feature_names.index("town")
    matrix, labels = table.rows.matrix, table.rows.labels
    peer = TargetEncoder(cv=StratifiedKFold(5, shuffle=True, random_state=0))
    own = peer.fit_transform(matrix[:, [town]], labels)
    learnt = prepare.fit_transform(matrix, labels)
    columns = [place for place, name in enumerate(prepare.fitted.layout.columns) if name.startswith("town~")]
    assert len(columns) == (1 if classes == 2 else 3)
    np.testing.assert_allclose(learnt[:, columns], own, rtol=1e-6)
    np.testing.assert_allclose(
        prepare.transform(table.tested)[:, columns], peer.transform(table.tested[:, [town]]), rtol=1e-6
    )
    unseen = matrix[:1].copy()
    unseen[0, town] = TOWNS - 1
    np.testing.assert_allclose(prepare.transform(unseen)[0, columns], peer.target_mean_, rtol=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_rows_that_were_learnt_from_differ_from_later_ones_in_their_towns_alone(scaled: bool) -> None:
    prepare, table = learner(scaled=scaled)
    matrix = np.nan_to_num(table.rows.matrix)  # what is imputed follows from the towns too
    learnt, later = prepare.fit_transform(matrix, table.rows.labels), prepare.transform(matrix)
    differs = np.abs(learnt - later).max(axis=0) > 1e-6
    assert np.array(prepare.fitted.layout.columns)[differs].tolist() == ["town~1"]
    np.testing.assert_array_equal(learnt, learnt.astype(np.float32))


def test_a_town_of_noise_does_not_tell_a_model_the_class_of_its_row() -> None:
    """With a town for each row or two, a table learnt from the row itself would be its class."""
    prepare, table = learner()
    random = np.random.default_rng(0)
    matrix, labels = table.rows.matrix.copy(), random.integers(0, 2, len(table.rows.labels))
    matrix[:, table.contract.feature_names.index("town")] = random.integers(0, TOWNS, len(labels))
    column = list(Layout.model_validate_json(prepare.layout).columns).index("town~1")
    learnt = prepare.fit_transform(matrix, labels)[:, column]
    cheating = prepare.transform(matrix)[:, column]
    assert abs(roc_auc_score(labels, learnt) - 0.5) < 0.1
    assert roc_auc_score(labels, cheating) > 0.8


def test_encodings_need_classes() -> None:
    prepare, table = learner()
    with pytest.raises(TypeError, match="learnt from the rows' classes"):
        prepare.fit(table.rows.matrix)


def test_a_class_of_two_rows_is_enough_to_encode() -> None:
    prepare, table = learner()
    labels = np.zeros(len(table.rows.labels), dtype=np.int64)
    labels[:2] = 1
    assert np.isfinite(prepare.fit_transform(table.rows.matrix, labels)).all()


def test_large_tables_are_imputed_by_means_alone(heart: Contract, encoded: Matrix, monkeypatch: Any) -> None:
    monkeypatch.setattr(preprocessing_module, "LARGEST_IMPUTATION", 1e6)
    prepare = preprocessing(heart, scaled=False).fit(encoded)
    impute = prepare.fitted.impute
    assert impute
    assert impute.steps == ()
    rows = encoded[:1].copy()
    rows[0, 0] = np.nan
    assert prepare.transform(rows)[0, 0] == pytest.approx(0.0, abs=1e-6)
    assert len(encoded) * 6 * 25**3 < LARGEST_IMPUTATION / 100, "heart is far from it"
