"""A training table seen through its contract: the counts, the gaps and the correlations that the report shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats.contingency import association

from components import table
from components.errors import InvalidTable
from components.reporting.rows import Drawn, Moments
from contract.features import CategoricalFeature, IntegerFeature, NumericFeature

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.errors import Violation
    from contract.features import Feature
    from contract.schema import Contract

    Counts = npt.NDArray[np.int64]

Table = pd.DataFrame | Iterable[pd.DataFrame]
"""A whole table, or the pieces of one, in order: a large table is never in memory at once."""

MOST_CLASSES = 7
"""So many colours can be told apart: of more classes, the most frequent are drawn."""

MOST_PANELS = 60
"""So many features of a kind are drawn; of more, those that say most about the class."""


@dataclass(frozen=True)
class Spread:
    """Where the values of a numeric feature lie, in its unit. The median of a large table is that of the rows drawn."""

    median: float
    mean: float
    deviation: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class TableSummary:
    """A table in the contract's own numbers.

    What is counted is counted on all `rows`: `class_counts`, in the order of the labels; `missing` cells by feature, in
    contract order, those without any too; `rows_with_missing`, in which at least one feature is missing; `spreads` of
    the numeric features that have values; `categories`, for each boolean and categorical feature the rows by value and
    class, (values, classes).

    What is drawn is drawn from `values`: all rows of the table, or of a large one `reporting.rows.MOST_DRAWN` at
    random. Its float64 columns are in contract order: numbers as they are, booleans as 0 or 1, categories as their
    position in the contract, NaN for missing. `target`, int64 of as many rows, is the position of the class.
    """

    contract: Contract
    rows: int
    class_counts: tuple[int, ...]
    missing: dict[str, int]
    rows_with_missing: int
    spreads: dict[str, Spread]
    categories: dict[str, Counts]
    values: pd.DataFrame
    target: npt.NDArray[np.int64]

    @property
    def is_sampled(self) -> bool:
        """Whether the rows drawn are fewer than those of the table."""
        return len(self.target) < self.rows

    @property
    def measured(self) -> list[NumericFeature | IntegerFeature]:
        """The features that are numbers."""
        return [item for item in self.contract.features if isinstance(item, NumericFeature | IntegerFeature)]

    @property
    def counted(self) -> list[Feature]:
        """The features that are one of a few values: boolean or categorical."""
        return [item for item in self.contract.features if not isinstance(item, NumericFeature | IntegerFeature)]

    @cached_property
    def measured_drawn(self) -> list[NumericFeature | IntegerFeature]:
        """The numbers that are drawn: all, or of many those with the strongest correlations, in contract order."""
        kept = _strongest([item.name for item in self.measured], {name: abs(r) for name, r in self.ranking})
        return [item for item in self.measured if item.name in kept]

    @cached_property
    def counted_drawn(self) -> list[Feature]:
        """The boolean and categorical features that are drawn: all, or of many those with the largest Cramér's V."""
        kept = _strongest(list(self.categories), {name: _cramers_v(counts) for name, counts in self.categories.items()})
        return [item for item in self.counted if item.name in kept]

    @cached_property
    def classes_drawn(self) -> tuple[int, ...]:
        """The positions of the classes that are drawn: all, or the most frequent of many, in the labels' order."""
        return tuple(sorted(np.argsort(-np.array(self.class_counts), kind="stable")[:MOST_CLASSES].tolist()))

    def present(self, name: str, class_index: int) -> npt.NDArray[np.float64]:
        """The values of a feature in the rows drawn of one class, without the missing ones."""
        column: npt.NDArray[np.float64] = self.values[name].to_numpy()[self.target == class_index]
        return column[~np.isnan(column)]

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """Pearson's r of each feature (row) with all features and then with the classes, under their labels.

        Of two classes the positive stands alone; of more, each that is drawn is one against the rest. Missing values
        are filled with the column's median; categories count by their code, so text categories are left out, and so are
        columns that don't vary: they have no correlation. Two columns may have the same name, so use positions.
        """
        columns: dict[str, pd.Series[float]] = {}
        for feature in self.contract.features:
            column = self.values[feature.name]
            if isinstance(feature, CategoricalFeature):
                if not all(isinstance(value, int) for value in feature.values):
                    continue
                codes = np.array([*map(float, feature.values), np.nan])
                column = pd.Series(codes[column.fillna(len(feature.values)).to_numpy(dtype=np.intp)])
            if column.nunique() > 1:
                columns[feature.name] = column.fillna(column.median())
        features = pd.DataFrame(columns)
        labels = self.contract.target.labels
        positions = (1,) if self.contract.target.is_binary else self.classes_drawn
        classes = pd.DataFrame({labels[index]: (self.target == index).astype(np.int64) for index in positions})
        return pd.concat([features, classes], axis=1).corr().iloc[: len(columns)]

    @cached_property
    def with_classes(self) -> pd.DataFrame:
        """Pearson's r of each feature (row) with each class (column), the strongest feature first whatever the sign."""
        matrix = self.correlations
        found = matrix.iloc[:, len(matrix) :].dropna(axis="columns", how="all")
        return found.loc[found.abs().max(axis=1).sort_values(ascending=False, kind="stable").index]

    @cached_property
    def ranking(self) -> list[tuple[str, float]]:
        """Each correlated feature and its r with the class that it tells most of, strongest first whatever the sign."""
        rows = ((str(name), row.dropna()) for name, row in self.with_classes.iterrows())
        return [(name, max(map(float, known), key=abs)) for name, known in rows if len(known)]


def _strongest(names: list[str], strength: dict[str, float]) -> set[str]:
    return set(sorted(names, key=lambda name: -strength.get(name, 0.0))[:MOST_PANELS])


def _cramers_v(counts: Counts) -> float:
    """How much a category says about the class, 0 to 1."""
    found = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    return float(association(found, method="cramer")) if min(found.shape) > 1 else 0.0


def summarise(contract: Contract, rows: Table) -> TableSummary:
    """Read a validated training table, raw codes as the contract lists them, whole or in pieces.

    A missing value is allowed in training, whether or not a request may leave it out. Raises `InvalidTable` for any
    other value that the contract doesn't allow, so that it can't be counted as missing.
    """
    features, labels = contract.features, contract.target.labels
    numbers = [place for place, item in enumerate(features) if isinstance(item, NumericFeature | IntegerFeature)]
    sizes = {
        place: len(item.categories) if isinstance(item, CategoricalFeature) else 2
        for place, item in enumerate(features)
        if place not in numbers
    }
    moments, drawn, broken = Moments.of(len(numbers)), Drawn(), _Broken()
    class_counts = np.zeros(len(labels), dtype=np.int64)
    missing = np.zeros(len(features), dtype=np.int64)
    categories = {place: np.zeros((size, len(labels)), dtype=np.int64) for place, size in sizes.items()}
    with_missing = 0
    for frame in [rows] if isinstance(rows, pd.DataFrame) else rows:
        encoded = table.encode(contract, frame)
        broken.add(encoded.violations, int(class_counts.sum()))
        matrix, target = encoded.matrix, table.target(contract, frame)
        gaps = np.isnan(matrix)
        class_counts += np.bincount(target, minlength=len(labels))
        missing += gaps.sum(axis=0)
        with_missing += int(gaps.any(axis=1).sum())
        moments.add(matrix[:, numbers])
        for place, counts in categories.items():
            known = ~gaps[:, place]
            cells = matrix[known, place].astype(np.int64) * len(labels) + target[known]
            counts += np.bincount(cells, minlength=counts.size).reshape(counts.shape)  # noqa: PLW2901 (in place)
        drawn.add(matrix, target)
    broken.complain()
    matrix, target = drawn.rows
    values = pd.DataFrame(matrix, columns=contract.feature_names)
    return TableSummary(
        contract=contract,
        rows=int(class_counts.sum()),
        class_counts=tuple(class_counts.tolist()),
        missing=dict(zip(contract.feature_names, missing.tolist(), strict=True)),
        rows_with_missing=with_missing,
        spreads=_spreads(moments, values.iloc[:, numbers]),
        categories={features[place].name: counts for place, counts in categories.items()},
        values=values,
        target=target,
    )


def _spreads(moments: Moments, values: pd.DataFrame) -> dict[str, Spread]:
    found = {}
    columns = zip(
        values, moments.counts, moments.means, moments.deviations, moments.lowest, moments.highest, strict=True
    )
    for name, count, *facts in columns:
        if count:
            mean, deviation, low, high = map(float, facts)
            found[str(name)] = Spread(float(values[name].median()), mean, deviation, low, high)
    return found


class _Broken:
    """How many values break the contract, and the first."""

    def __init__(self) -> None:
        self.count = 0
        self.first: Violation | None = None

    def add(self, violations: Iterable[Violation], rows_before: int) -> None:
        for violation in violations:
            if violation.rule != "missing-value":
                self.count += 1
                self.first = self.first or replace(violation, row=violation.row + rows_before)

    def complain(self) -> None:
        if self.first:
            raise InvalidTable(
                f"the table to describe breaks its contract ({self.count} values), first in {self.first}"
            )
