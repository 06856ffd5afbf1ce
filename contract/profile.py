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


class Distribution(Strict):
    """Counts of one feature or of the predictions.

    Bin `i` holds values from `edges[i-1]` (inclusive) to `edges[i]` (exclusive), open at both ends, so there is one bin
    more than edges. For categories and booleans the bins are their positions, and the edges lie between them.
    """

    name: str
    edges: tuple[FiniteFloat, ...]
    labels: tuple[str, ...]
    counts: tuple[NonNegativeInt, ...]
    missing: NonNegativeInt

    def bins(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """The bin of each value, from 0; NaN falls in the bin after the last."""
        found = np.searchsorted(self.edges, values, side="right")
        return np.where(np.isnan(values), len(self.counts), found)


class Profile(Strict):
    """`profile.json` of a bundle: one distribution a feature, in contract order, and that of the probabilities.

    Bundles from before `quality` have none.
    """

    format: Literal[1]
    rows: PositiveInt
    features: tuple[Distribution, ...]
    probability: Distribution
    quality: dict[str, Interval] = Field(
        default_factory=dict, description="how good the predictions were on rows that the model never saw"
    )


def profile_of(
    features: Sequence[Feature],
    encoded: npt.NDArray[np.float64],
    probability: npt.NDArray[np.float64],
    quality: Mapping[str, Interval] | None = None,
) -> Profile:
    """Describe training rows, float64 (rows, features), and out-of-fold probabilities, float64 (rows,).

    Of `quality`, measures on held-out rows by name, those of `contract.quality.WATCHED` are kept.
    """
    measured = quality or {}
    return Profile(
        format=1,
        rows=len(encoded),
        features=tuple(
            _distribution(feature.name, encoded[:, position], *_bins(feature, encoded[:, position]))
            for position, feature in enumerate(features)
        ),
        probability=_distribution("probability", probability, *_between([i / BINS for i in range(1, BINS)])),
        quality={
            name: Interval(value=measured[name].value, low=measured[name].low, high=measured[name].high)
            for name in WATCHED
            if name in measured
        },
    )


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


def _bins(feature: Feature, values: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    if isinstance(feature, CategoricalFeature):
        names = tuple(str(value) for value in feature.values)
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
