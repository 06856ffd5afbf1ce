"""The served preprocessing: what the reference estimator does before its last step, as float64 numpy.

It is kept apart from the ONNX model on purpose. Scaling in float32 moves values across the split points of trees, which
on integer data lie exactly on values; doing it in float64 and casting last is what scikit-learn's trees do themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeInt, StrictBool

from contract.features import Strict

if TYPE_CHECKING:
    import numpy.typing as npt

    Matrix = npt.NDArray[np.float64]


_FEW = 6  # rows that are imputed sooner one after the other than together


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
    """A categorical feature as 0/1 columns; the first is left out where the last says as much (two categories)."""

    feature: NonNegativeInt
    categories: NonNegativeInt
    drop_first: StrictBool


class Layout(Strict):
    """Which columns the features become: the `numbers`, the `booleans`, then the indicators of each category."""

    columns: tuple[str, ...] = Field(description="names of the columns, such as `cp=4`")
    numbers: tuple[NonNegativeInt, ...]
    booleans: tuple[NonNegativeInt, ...]
    indicators: tuple[Indicators, ...]

    def expand(self, encoded: Matrix) -> Matrix:
        """Encoded rows, float64 (rows, features), to float64 (rows, columns).

        A missing category is NaN in all of its columns: unlike a zero, that can be imputed.
        """
        features, categories = self.sources()
        rows = encoded.take(features, axis=1)
        kept = rows.shape[1] - len(categories)
        is_category = np.where(np.isnan(rows[:, kept:]), np.nan, rows[:, kept:] == categories)
        return np.concatenate([rows[:, :kept], is_category], axis=1)

    def sources(self) -> tuple[npt.NDArray[np.intp], Matrix]:
        """The feature behind each column, and the category that each indicator stands for (in the last columns)."""
        features = [*self.numbers, *self.booleans]
        categories: list[float] = []
        for item in self.indicators:
            own = np.arange(float(item.drop_first), item.categories).tolist()
            categories += own
            features += [item.feature] * len(own)
        return np.array(features, dtype=np.intp), np.array(categories, dtype=np.float64)


class Transform(Strict):
    """Encoded rows in, the estimator's input out: expand, standardise the numbers, impute, standardise all."""

    format: Literal[1]
    layout: Layout
    standardize_numbers: Standardization
    impute: Imputation
    standardize_all: Standardization | None

    def compile(self) -> CompiledTransform:
        """The same, with its tables as arrays."""
        return CompiledTransform(self)


class CompiledTransform:
    """A `Transform` ready to run. It never changes, so threads may share it.

    `flags`, float32 (2, columns), is what 0 and 1 become in a column that holds nothing else, unless it was missing and
    imputed; in columns of numbers it is NaN.
    """

    def __init__(self, transform: Transform) -> None:
        layout, first = transform.layout, transform.standardize_numbers
        numbers = len(layout.numbers)
        self._features, self._categories = layout.sources()
        self._indicators = slice(len(self._features) - len(self._categories), None)
        others = len(self._features) - numbers
        self._mean = np.array([*first.mean, *[0.0] * others])
        self._scale = np.array([*first.scale, *[1.0] * others])
        self._initial = np.array(transform.impute.initial)
        self._steps = [(step.column, np.array(step.coefficients), step.intercept) for step in transform.impute.steps]
        last = transform.standardize_all
        self._last = (np.array(last.mean), np.array(last.scale)) if last else None
        both = np.repeat([[0.0], [1.0]], len(self._features), axis=1)
        both[:, :numbers] = np.nan
        self.flags = self._standardized(both)

    def __call__(self, encoded: Matrix) -> npt.NDArray[np.float32]:
        """Transform encoded rows, float64 (rows, features), to float32 (rows, columns) without NaN."""
        rows = encoded.take(self._features, axis=1)
        missing = np.isnan(rows)
        np.equal(rows[:, self._indicators], self._categories, out=rows[:, self._indicators])
        rows -= self._mean
        rows /= self._scale
        if missing.any():
            incomplete = np.flatnonzero(missing.any(axis=1))
            rows[incomplete] = self._imputed(rows[incomplete], missing[incomplete])
        return self._standardized(rows)

    def _standardized(self, rows: Matrix) -> npt.NDArray[np.float32]:
        if self._last:
            mean, scale = self._last
            rows -= mean
            rows /= scale
        return rows.astype(np.float32)

    def _imputed(self, rows: Matrix, missing: npt.NDArray[np.bool_]) -> Matrix:
        rows = np.where(missing, self._initial, rows)
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
