"""Challenger against champion, on the same held-out rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from components.learning.evaluation import METRIC_TITLES
from components.learning.metrics import affordable, better
from components.table import encode, target
from contract.features import Strict
from contract.quality import bootstrap, measure, percentiles

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from contract.bundle import Bundle

RESAMPLES = 2000


class Duel(Strict):
    """The champion's and the challenger's metric on the same rows, and the 95 % interval of their paired difference.

    `difference` is challenger minus champion; `worse` says whether that is a loss, however small, whichever way the
    metric points. `same_origin` is false where the champion learnt from another table or split: it may have seen these
    rows, which flatters it.
    """

    metric: str
    rows: int
    challenger: float
    champion: float
    difference: float
    low: float
    high: float
    worse: bool
    same_origin: bool

    def __str__(self) -> str:
        caveat = "" if self.same_origin else "; the champion learnt from another table or split, and may know them"
        return (
            f"{METRIC_TITLES[self.metric]} {self.challenger:.4f} against the champion's {self.champion:.4f} on the same"
            f" {self.rows} held-out rows"
            f" (difference {self.difference:+.4f} [{self.low:+.4f}, {self.high:+.4f}]){caveat}"
        )


def obstacle(challenger: Bundle, champion: Bundle, held_out: pd.DataFrame) -> str | None:
    """Why the two can't be compared on these rows, or `None` if they can."""
    if len(np.unique(target(challenger.contract, held_out))) < len(challenger.contract.target.labels):
        return "the held-out rows don't have all classes"
    if champion.contract.target != challenger.contract.target:
        return "it predicts another target"
    unknown = [name for name in champion.contract.feature_names if name not in held_out]
    if unknown:
        return f"it needs {', '.join(unknown)}, which the table doesn't have"
    violations = encode(champion.contract, held_out).violations
    if violations:
        return f"its contract refuses {len({item.row for item in violations})} held-out rows ({violations[0]})"
    return None


def is_made(bundle: Bundle) -> bool:
    """Whether the model learnt from rows that nobody observed."""
    evaluation = json.loads((bundle.directory / "evaluation.json").read_bytes())
    return bool(evaluation.get("made"))


def duel(challenger: Bundle, champion: Bundle, held_out: pd.DataFrame) -> Duel:
    """Score both bundles, as they are served, on the held-out rows, and compare the challenger's metric.

    There must be no `obstacle`. The interval is a percentile bootstrap of rows, each class drawn to its own size.
    """
    metric = challenger.contract.decision.metric
    labels = target(challenger.contract, held_out)
    first = _scores(challenger, held_out, labels, metric)
    second = _scores(champion, held_out, labels, metric)
    low, high = percentiles(first[1:] - second[1:])
    return Duel(
        metric=metric,
        rows=len(labels),
        challenger=float(first[0]),
        champion=float(second[0]),
        difference=float(first[0] - second[0]),
        low=float(low),
        high=float(high),
        worse=better(metric, float(second[0]), float(first[0])),
        same_origin=_origin(challenger) == _origin(champion),
    )


def _origin(bundle: Bundle) -> tuple[object, ...]:
    return bundle.manifest.data_sha256, bundle.contract.split


def _scores(
    bundle: Bundle,
    held_out: pd.DataFrame,
    labels: npt.NDArray[np.int64],
    metric: str,
) -> npt.NDArray[np.float64]:
    """The metric on the rows, then on resamples of them, which are the same for every bundle."""
    answer = bundle.scorer(encode(bundle.contract, held_out).matrix)
    given = (labels, answer.probability, answer.decided)
    drawn = bootstrap(*given, affordable(RESAMPLES, len(labels)))
    return np.concatenate([measure(*given)[metric], drawn[metric]])
