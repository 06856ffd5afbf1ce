"""The served preprocessing: what the reference estimator does before its last step, as float64 numpy.

It is kept apart from the ONNX model on purpose. Scaling in float32 moves values across the split points of trees, which
on integer data lie exactly on values; doing it in float64 and casting last is what scikit-learn's trees do themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt, StrictBool, model_validator

from contract.features import Strict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]


_FEW = 6  # rows that are imputed sooner one after the other than together
_BLOCK = 2**17  # values, of as many rows as it takes, that stay in the cache together


class Standardization(Strict):
    """`(x - mean) / scale`, one entry a column (scikit-learn's StandardScaler)."""

    mean: tuple[FiniteFloat, ...]
    scale: tuple[FiniteFloat, ...]


class Regression(Strict):
    """One step of the imputation: a missing value of `column` becomes `intercept + others · coefficients`.

    `coefficients` has one entry a column; its own is 0.
    """

    column: NonNegativeInt
    coefficients: tuple[FiniteFloat, ...]
    intercept: FiniteFloat


class Imputation(Strict):
    """Missing values start at `initial` and are then refined by the `steps`, in order.

    Regression imputation goes back to Buck (1960), "A method of estimation of missing values in multivariate data
    suitable for use with an electronic computer", J. R. Stat. Soc. B 22, 302-306.
    """

    initial: tuple[FiniteFloat, ...]
    steps: tuple[Regression, ...]


class Indicators(Strict):
    """A categorical feature as 0/1 columns; the first is left out where the last says as much (two categories).

    With `missing`, one column more says that the category is missing, and the others are 0 then.
    """

    feature: NonNegativeInt
    categories: NonNegativeInt
    drop_first: StrictBool
    missing: StrictBool = False


class Codes(Strict):
    """A categorical feature as one column of positions, for trees that split on sets of categories."""

    feature: NonNegativeInt
    categories: PositiveInt


class Encoding(Strict):
    """A categorical feature as one number a category: how often the target's class goes with it.

    After Micci-Barreca (2001), "A preprocessing scheme for high-cardinality categorical attributes in classification
    and prediction problems", SIGKDD Explorations 3, 27-32.
    """

    feature: NonNegativeInt
    categories: PositiveInt
    columns: PositiveInt = Field(description="1 between two classes, of the positive one; of more, one a class")


class Layout(Strict):
    """Which columns the features become, in the order of these fields.

    `numbers` and `booleans` keep their values; `gaps` are 0/1 and say whether a feature is missing.
    """

    columns: tuple[str, ...] = Field(description="names of the columns, such as `cp=4`")
    numbers: tuple[NonNegativeInt, ...]
    booleans: tuple[NonNegativeInt, ...]
    indicators: tuple[Indicators, ...]
    codes: tuple[Codes, ...] = ()
    encodings: tuple[Encoding, ...] = ()
    gaps: tuple[NonNegativeInt, ...] = ()

    @property
    def code_columns(self) -> list[int]:
        """The columns that hold positions of categories."""
        end = len(self.columns) - len(self.gaps) - sum(item.columns for item in self.encodings)
        return list(range(end - len(self.codes), end))

    @property
    def imputable(self) -> list[int]:
        """The columns that are NaN where a value is missing, and may be predicted from others then."""
        kept = len(self.numbers) + len(self.booleans)
        widths = [item.categories - item.drop_first + item.missing for item in self.indicators]
        said = [item.missing for item in self.indicators]
        return [*range(kept), *(kept + np.flatnonzero(np.repeat(said, widths) == 0)).tolist()]

    def expand(self, encoded: Matrix, tables: Sequence[Sequence[float]] = ()) -> Matrix:
        """Encoded rows, float64 (rows, features), to float64 (rows, columns), with the `Transform`'s tables.

        A missing category is NaN in all of its columns, unless one of them says so: unlike a zero, that can be imputed.
        """
        rows, missing = _Expansion(self, tables)(encoded)
        rows[missing] = np.nan
        return rows


class Transform(Strict):
    """Encoded rows in, the estimator's input out: expand, standardise the numbers, impute, standardise all.

    `tables` has one value a category for each column of the layout's encodings, and one more for a missing category.
    Without `impute` what is missing stays NaN, for models that know what to do with it.
    """

    format: Literal[1]
    layout: Layout
    tables: tuple[tuple[FiniteFloat, ...], ...] = ()
    standardize_numbers: Standardization
    impute: Imputation | None
    standardize_all: Standardization | None

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        expected = [item.categories + 1 for item in self.layout.encodings for _ in range(item.columns)]
        if [len(table) for table in self.tables] != expected:
            raise ValueError(
                "tables must have one entry for each column of the encodings, with a value a category and one for none"
            )
        return self

    def compile(self) -> CompiledTransform:
        """The same, with its tables as arrays."""
        return CompiledTransform(self)


class _Expansion:
    """A `Layout` with its tables, as arrays: encoded rows to columns.

    `varying` are the columns that hold more than 0 and 1. `features` is the feature behind each column.
    """

    def __init__(self, layout: Layout, tables: Sequence[Sequence[float]]) -> None:
        features = [*layout.numbers, *layout.booleans]
        first_indicator = len(features)
        categories: list[float] = []
        told: list[int] = []
        certain: list[int] = []
        for item in layout.indicators:
            own = [*map(float, range(item.drop_first, item.categories)), *[np.nan] * item.missing]
            end = len(features) + len(own)
            told += [end - 1] * item.missing
            certain += range(len(features), end) if item.missing else ()
            categories += own
            features += [item.feature] * len(own)
        self._indicators = slice(first_indicator, len(features))
        self._categories = np.array(categories)
        codes = range(len(features), len(features) + len(layout.codes))
        features += [item.feature for item in layout.codes]
        encoded = range(len(features), len(features) + sum(item.columns for item in layout.encodings))
        features += [item.feature for item in layout.encodings for _ in range(item.columns)]
        told += range(len(features), len(features) + len(layout.gaps))
        self.features = np.array([*features, *layout.gaps], dtype=np.intp)
        self.varying = [*range(len(layout.numbers)), *codes, *encoded]
        self._tables = [(column, np.array(table)) for column, table in zip(encoded, tables, strict=True)]
        self._told = np.array(told, dtype=np.intp)
        self._certain = np.array([*certain, *range(encoded.start, len(self.features))], dtype=np.intp)
        self._is_told = bool(certain) or encoded.start < len(self.features)

    def __call__(self, encoded: Matrix) -> tuple[Matrix, npt.NDArray[np.bool_]]:
        """Columns, float64 (rows, columns), and which of them are missing there; a missing indicator is 0."""
        rows = encoded.take(self.features, axis=1)
        missing = np.isnan(rows)
        indicators = rows[:, self._indicators]
        np.equal(indicators, self._categories, out=indicators)
        if self._is_told:
            rows[:, self._told] = missing[:, self._told]
            for column, table in self._tables:
                category = np.where(missing[:, column], len(table) - 1, rows[:, column])
                rows[:, column] = table.take(category.astype(np.intp))
            missing[:, self._certain] = False
        return rows, missing


class CompiledTransform:
    """A `Transform` ready to run. It never changes, so threads may share it.

    `flags`, float32 (2, columns), is what 0 and 1 become in a column that holds nothing else, unless it was missing and
    imputed; in all other columns it is NaN.
    """

    def __init__(self, transform: Transform) -> None:
        first, impute, last = transform.standardize_numbers, transform.impute, transform.standardize_all
        self._expand = _Expansion(transform.layout, transform.tables)
        columns = len(self._expand.features)
        others = columns - len(transform.layout.numbers)
        self._mean = np.array([*first.mean, *[0.0] * others])
        self._scale = np.array([*first.scale, *[1.0] * others])
        self._initial = np.array(impute.initial) if impute else None
        self._steps = [
            (step.column, np.array(step.coefficients), step.intercept) for step in (impute.steps if impute else ())
        ]
        self._last = (np.array(last.mean), np.array(last.scale)) if last else None
        self._block = max(_BLOCK // columns, 1)
        both = np.repeat([[0.0], [1.0]], columns, axis=1)
        both[:, self._expand.varying] = np.nan
        self.flags = self._standardized(both)

    def __call__(self, encoded: Matrix) -> npt.NDArray[np.float32]:
        """Transform encoded rows, float64 (rows, features), to float32 (rows, columns).

        NaN is in it only where the transform doesn't impute.
        """
        if len(encoded) > self._block:
            return np.concatenate([self(encoded[at : at + self._block]) for at in range(0, len(encoded), self._block)])
        rows, missing = self._expand(encoded)
        rows -= self._mean
        rows /= self._scale
        if self._initial is not None and np.count_nonzero(missing):
            incomplete = np.flatnonzero(missing.any(axis=1))
            rows[incomplete] = self._imputed(rows[incomplete], missing[incomplete], self._initial)
        return self._standardized(rows)

    def _standardized(self, rows: Matrix) -> npt.NDArray[np.float32]:
        if self._last:
            mean, scale = self._last
            rows -= mean
            rows /= scale
        return rows.astype(np.float32)

    def _imputed(self, rows: Matrix, missing: npt.NDArray[np.bool_], initial: Matrix) -> Matrix:
        rows = np.where(missing, initial, rows)
        # Products by BLAS would differ in their last bits with the number of rows, and with the machine.
        if len(rows) <= _FEW:
            for row, gaps in zip(rows, missing.tolist(), strict=True):
                for column, coefficients, intercept in self._steps:
                    if gaps[column]:
                        row[column] = np.add.reduce(row * coefficients) + intercept
            return rows
        places = {int(column): np.flatnonzero(missing[:, column]) for column in np.flatnonzero(missing.any(axis=0))}
        for column, coefficients, intercept in self._steps:
            if column in places:
                where = places[column]
                rows[where, column] = np.add.reduce(rows[where] * coefficients, axis=1) + intercept
        return rows
