"""The reference profile: how each feature and the predictions were distributed in training, and how good these were.

Serving counts live traffic into the same bins, so that drift compares like with like.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, FiniteFloat, NonNegativeInt, PositiveInt

from contract.features import BooleanFeature, CategoricalFeature, Strict, plain
from contract.quality import WATCHED, Interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from contract.features import Feature

BINS = 10
MOST_BINS = 50
"""Of a feature with more categories, the commonest have a bin each and the last bin holds all others."""

_MISSING = "missing"


class Distribution(Strict):
    """Counts of one feature or of the predictions.

    Bin `i` holds values from `edges[i-1]` (inclusive) to `edges[i]` (exclusive), open at both ends, so there is one bin
    more than edges. For categories and booleans the bins are their positions, and the edges lie between them. Where a
    feature has more than `MOST_BINS` categories, `categories` has the positions of those with a bin, in its order.
    """

    name: str
    edges: tuple[FiniteFloat, ...]
    labels: tuple[str, ...]
    counts: tuple[NonNegativeInt, ...]
    missing: NonNegativeInt
    categories: tuple[NonNegativeInt, ...] = ()

    def table(self) -> npt.NDArray[np.intp]:
        """The bin of each category by its position, at the end that of all others; empty where every one has a bin."""
        if not self.categories:
            return np.empty(0, dtype=np.intp)
        table = np.full(max(self.categories) + 2, len(self.categories), dtype=np.intp)
        table[list(self.categories)] = range(len(self.categories))
        return table

    def bins(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """The bin of each value, from 0; NaN falls in the bin after the last."""
        missing = np.isnan(values)
        table = self.table()
        if len(table):
            found = table[np.minimum(np.where(missing, 0, values), len(table) - 1).astype(np.intp)]
        else:
            found = np.searchsorted(self.edges, values, side="right")
        return np.where(missing, len(self.counts), found)


class Profile(Strict):
    """`profile.json` of a bundle: one distribution a feature, in contract order, and one a probability.

    Those of probabilities bear the label of their class: the positive one, or with more than two classes each.
    Bundles from before `quality` have none.
    """

    format: Literal[1]
    rows: PositiveInt
    features: tuple[Distribution, ...]
    probabilities: tuple[Distribution, ...]
    quality: dict[str, Interval] = Field(
        default_factory=dict, description="how good the predictions were on rows that the model never saw"
    )


def profile_of(
    features: Sequence[Feature],
    encoded: npt.NDArray[np.float64],
    probability: npt.NDArray[np.float64],
    labels: Sequence[str],
    quality: Mapping[str, Interval] | None = None,
) -> Profile:
    """Describe training rows, float64 (rows, features), and out-of-fold probabilities.

    These are float64 (rows,) of the last of two `labels`, or (rows, labels). Of `quality`, measures on held-out rows by
    name, those of `contract.quality.WATCHED` are kept.
    """
    measured = quality or {}
    return Profile(
        format=1,
        rows=len(encoded),
        features=tuple(_of_feature(feature, encoded[:, position]) for position, feature in enumerate(features)),
        probabilities=tuple(
            _distribution(label, column, *_between([i / BINS for i in range(1, BINS)]))
            for label, column in zip(
                labels if probability.ndim > 1 else labels[-1:], np.atleast_2d(probability.T), strict=True
            )
        ),
        quality={
            name: Interval(value=measured[name].value, low=measured[name].low, high=measured[name].high)
            for name in WATCHED
            if name in measured
        },
    )


def _of_feature(feature: Feature, values: npt.NDArray[np.float64]) -> Distribution:
    if isinstance(feature, CategoricalFeature) and len(feature.categories) > MOST_BINS:
        return _of_many_categories(feature, values)
    return _distribution(feature.name, values, *_bins(feature, values))


def _distribution(
    name: str, values: npt.NDArray[np.float64], edges: tuple[float, ...], labels: tuple[str, ...]
) -> Distribution:
    present = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, present, side="right"), minlength=len(labels))
    return Distribution(
        name=name,
        edges=edges,
        labels=labels,
        counts=tuple(counts.tolist()),
        missing=len(values) - len(present),
    )


def _of_many_categories(feature: CategoricalFeature, values: npt.NDArray[np.float64]) -> Distribution:
    present = values[~np.isnan(values)].astype(np.intp)
    counts = np.bincount(present, minlength=len(feature.categories))
    commonest = np.sort(np.argsort(-counts, kind="stable")[: MOST_BINS - 1])
    own = counts[commonest].tolist()
    names = _names(feature)
    return Distribution(
        name=feature.name,
        edges=tuple(position + 0.5 for position in range(len(own))),
        labels=(*(names[position] for position in commonest), f"{len(names) - len(own)} others"),
        counts=(*own, len(present) - sum(own)),
        missing=len(values) - len(present),
        categories=tuple(commonest.tolist()),
    )


def _names(feature: CategoricalFeature) -> tuple[str, ...]:
    """The values as labels of bins; one that reads like the bin of missing values is told apart by quotes."""
    return tuple(repr(value) if value == _MISSING else str(value) for value in feature.values)


def _bins(feature: Feature, values: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    if isinstance(feature, CategoricalFeature):
        names = _names(feature)
    elif isinstance(feature, BooleanFeature):
        names = ("0", "1")
    else:
        present = values[~np.isnan(values)]
        if not len(present):
            return _between([])
        inner = np.quantile(present, np.arange(1, BINS) / BINS, method="inverted_cdf")
        return _between(sorted(set(inner.tolist())))
    return tuple(position + 0.5 for position in range(len(names) - 1)), names


def _between(edges: Sequence[float]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    if not edges:
        return (), ("any",)
    inner = [f"{plain(low)} to {plain(high)}" for low, high in pairwise(edges)]
    return tuple(edges), (f"below {plain(edges[0])}", *inner, f"{plain(edges[-1])} and above")
