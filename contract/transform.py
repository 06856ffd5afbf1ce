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
        parts = [encoded[:, self.numbers], encoded[:, self.booleans]]
        for item in self.indicators:
            column = encoded[:, item.feature, None]
            part = (column == np.arange(float(item.drop_first), item.categories)).astype(np.float64)
            part[np.isnan(column[:, 0])] = np.nan
            parts.append(part)
        return np.concatenate(parts, axis=1)


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
    """A `Transform` ready to run. It never changes, so threads may share it."""

    def __init__(self, transform: Transform) -> None:
        self._layout = transform.layout
        self._numbers = slice(0, len(transform.layout.numbers))
        self._mean = np.array(transform.standardize_numbers.mean)
        self._scale = np.array(transform.standardize_numbers.scale)
        self._initial = np.array(transform.impute.initial)
        self._steps = [(step.column, np.array(step.coefficients), step.intercept) for step in transform.impute.steps]
        last = transform.standardize_all
        self._last = (np.array(last.mean), np.array(last.scale)) if last else None

    def __call__(self, encoded: Matrix) -> npt.NDArray[np.float32]:
        """Transform encoded rows, float64 (rows, features), to float32 (rows, columns) without NaN."""
        rows = self._layout.expand(encoded)
        rows[:, self._numbers] = (rows[:, self._numbers] - self._mean) / self._scale
        incomplete = np.flatnonzero(np.isnan(rows).any(axis=1))
        if len(incomplete):
            rows[incomplete] = self._imputed(rows[incomplete])
        if self._last:
            mean, scale = self._last
            rows = (rows - mean) / scale
        return rows.astype(np.float32)

    def _imputed(self, rows: Matrix) -> Matrix:
        missing = np.isnan(rows)
        rows = np.where(missing, self._initial, rows)
        for column, coefficients, intercept in self._steps:
            where = missing[:, column]
            if where.any():
                # A product by BLAS would differ in its last bits with the number of rows.
                rows[where, column] = np.ascontiguousarray(rows[where] * coefficients).sum(axis=1) + intercept
        return rows
