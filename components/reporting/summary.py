"""A training table seen through its contract: the counts, the gaps and the correlations that the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from components import table
from components.errors import InvalidTable
from contract.features import CategoricalFeature, IntegerFeature, NumericFeature

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.features import Feature
    from contract.schema import Contract


@dataclass(frozen=True, eq=False)
class TableSummary:
    """A table in the contract's own numbers.

    `values` has float64 columns in contract order: numbers as they are, booleans as 0 or 1, categories as their
    position in the contract, NaN for missing. `target`, int64 of shape (rows,), is 1 for the positive class.
    """

    contract: Contract
    values: pd.DataFrame
    target: npt.NDArray[np.int64]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    @property
    def class_counts(self) -> tuple[int, int]:
        """Rows of the negative and of the positive class."""
        positives = int(self.target.sum())
        return self.rows - positives, positives

    @cached_property
    def missing(self) -> dict[str, int]:
        """Missing cells by feature, in contract order; features without any are in it, with 0."""
        return {str(name): int(count) for name, count in self.values.isna().sum().items()}

    @cached_property
    def rows_with_missing(self) -> int:
        """Rows in which at least one feature is missing: at most the number of missing cells."""
        return int(self.values.isna().any(axis=1).sum())

    @property
    def measured(self) -> list[NumericFeature | IntegerFeature]:
        """The features that are numbers."""
        return [item for item in self.contract.features if isinstance(item, NumericFeature | IntegerFeature)]

    @property
    def counted(self) -> list[Feature]:
        """The features that are one of a few values: boolean or categorical."""
        return [item for item in self.contract.features if not isinstance(item, NumericFeature | IntegerFeature)]

    def present(self, name: str, class_index: int) -> npt.NDArray[np.float64]:
        """The values of a feature in the rows of one class (0 or 1), without the missing ones."""
        column: npt.NDArray[np.float64] = self.values[name].to_numpy()[self.target == class_index]
        return column[~np.isnan(column)]

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """Pearson's r between all features and the binary target, which stands last under its column's name.

        Missing values are filled with the column's median; categories count by their code, so text categories are left
        out, and so are columns that don't vary: they have no correlation.
        """
        columns: dict[str, pd.Series[float]] = {}
        for feature in self.contract.features:
            column = self.values[feature.name]
            if isinstance(feature, CategoricalFeature):
                if not all(isinstance(value, int) for value in feature.values):
                    continue
                column = column.map(dict(enumerate(float(value) for value in feature.values)))
            if column.nunique() > 1:
                columns[feature.name] = column.fillna(column.median())
        return pd.DataFrame({**columns, self.contract.target.column: self.target}).corr()

    @cached_property
    def ranking(self) -> list[tuple[str, float]]:
        """Each correlated feature and its r with the positive class, strongest first whatever the sign."""
        target = self.contract.target.column
        column = self.correlations[target].drop(target)
        return sorted(((str(name), float(r)) for name, r in column.items()), key=lambda item: -abs(item[1]))


def summarise(contract: Contract, frame: pd.DataFrame) -> TableSummary:
    """Read a validated training table, raw codes as the contract lists them.

    A missing value is allowed in training, whether or not a request may leave it out. Raises `InvalidTable` for any
    other value that the contract doesn't allow, so that it can't be counted as missing.
    """
    encoded = table.encode(contract, frame)
    broken = [violation for violation in encoded.violations if violation.rule != "missing-value"]
    if broken:
        raise InvalidTable(f"the table to describe breaks its contract ({len(broken)} values), first in {broken[0]}")
    values = pd.DataFrame(encoded.matrix, columns=contract.feature_names)
    return TableSummary(contract, values, table.target(contract, frame))
