"""KServe's v1 `:explain`: how much each feature moves a row's prediction away from that of a typical row.

The contributions are Shapley values of a game: its players are the features in which the row differs from the
baseline, and a coalition is worth the log-odds of the served probability of the baseline row with the coalition's
features set to the row's values. Missing is a value like any other. The contributions add up to the prediction, and a
feature that is as in the baseline has none. The probability is that of the positive of two classes; of more it is that
of the class decided on against all others, or of the one that the request names as `class`.

Shapley (1953), "A value for n-person games"; Štrumbelj and Kononenko (2014), "Explaining prediction models and
individual predictions with feature contributions", Knowl. Inf. Syst. 41, 647-665.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from contract.encoding import shown
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature
from predictor import v1
from predictor.errors import MalformedRequest
from predictor.json_body import load_object

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from contract.encoding import Encoded
    from contract.features import Feature
    from contract.profile import Profile
    from predictor.served import Served

    Floats = npt.NDArray[np.float64]
    Worth = Callable[[Floats], Floats]

ROWS = 100
"""Rows that one request may ask to explain."""

EVALUATIONS = 2**13
"""Predictions that the explanation of one row may take."""

CLIPPED = 1e-9
"""Probabilities closer to 0 or 1 count as this far from it, so that log-odds stay within ±20.7."""

_SEED = 0


class Attribution(NamedTuple):
    """A row's prediction, divided among its features: `prediction` is `baseline` plus all `contributions`.

    `contributions` is float64 of shape (features,). `standard_error` is the largest that one of them has from sampling,
    0 where nothing was sampled.
    """

    baseline: float
    prediction: float
    contributions: Floats
    standard_error: float


def answer(served: Served, body: bytes) -> bytes:
    """Explain the rows of one request, all or nothing.

    Raises `MalformedRequest` for what isn't v1, has more than `ROWS` rows or asks for a class that there isn't, and
    `RequestRefused` for values that break the contract.
    """
    content = load_object(body, v1.EXAMPLE)
    instances = v1.instances_of(content)
    if len(instances) > ROWS:
        raise MalformedRequest(
            f"the request holds {len(instances)} rows, at most {ROWS} can be explained at once; send it in parts"
        )
    return _rendered(served, v1.encode(served, instances), _class_of(served, content.get("class")))


def typical_row(profile: Profile, features: tuple[Feature, ...]) -> Floats:
    """The baseline, float64 (features,) as encoded: the median of each number, the commonest category or boolean.

    The median (of an even count the lower one) is exact, because it is among the edges of the profile's bins: the
    highest below which lies less than half of the values. A feature that was never recorded is missing, NaN.
    """
    row = np.full(len(features), np.nan)
    for position, (feature, distribution) in enumerate(zip(features, profile.features, strict=True)):
        counts = np.array(distribution.counts)
        if not counts.any():
            continue
        if distribution.categories:
            row[position] = distribution.categories[counts[:-1].argmax()]
        elif isinstance(feature, BooleanFeature | CategoricalFeature):
            row[position] = counts.argmax()
        else:
            below = np.cumsum(counts[:-1])
            row[position] = distribution.edges[np.flatnonzero(2 * below < counts.sum())[-1]]
    return row


def attribute(worth: Worth, baseline: Floats, row: Floats, evaluations: int = EVALUATIONS) -> Attribution:
    """Divide `worth(row) - worth(baseline)` among the features, both rows being float64 (features,).

    `worth` takes rows, float64 (n, features), and returns float64 (n,). It is called once, with at most `evaluations`
    rows (four orders of the features if that is more). If every coalition of the differing features fits in, the result
    is exact. Otherwise it is the mean over random orders in which the features change from the baseline to the row,
    each followed by its reverse: exact where features interact in pairs at most, hence for models additive in log-odds;
    the same for the same row. Castro et al. (2009), "Polynomial calculation of the Shapley value based on sampling",
    Comput. Oper. Res. 36, 1726-1730; Mitchell et al. (2022), "Sampling permutations for Shapley value estimation",
    J. Mach. Learn. Res. 23(43).
    """
    players = np.flatnonzero((row != baseline) & ~(np.isnan(row) & np.isnan(baseline)))
    exact = 2 ** len(players) <= evaluations
    orders = np.empty((0, len(players)), dtype=np.intp) if exact else _orders(len(players), evaluations)
    coalitions = _every_coalition(len(players)) if exact else _growing_coalitions(orders)
    rows = np.tile(baseline, (len(coalitions), 1))
    rows[:, players] = np.where(coalitions, row[players], baseline[players])
    values = worth(rows)
    contributions = np.zeros(len(row))
    error = 0.0
    if exact:
        contributions[players] = values @ _weights(coalitions)
    else:
        by_pair = _by_pair(values, orders)
        contributions[players] = by_pair.mean(axis=0)
        error = float(by_pair.std(axis=0, ddof=1).max() / math.sqrt(len(by_pair)))
    return Attribution(float(values[0]), float(values[-1]), contributions, error)


def log_odds(probability: Floats) -> Floats:
    """`log(p / (1 - p))`, of `p` between `CLIPPED` and `1 - CLIPPED`."""
    clipped = np.clip(probability, CLIPPED, 1.0 - CLIPPED)
    found: Floats = np.log(clipped) - np.log1p(-clipped)
    return found


def _every_coalition(players: int) -> npt.NDArray[np.bool_]:
    """All subsets, bool (2^players, players): the empty one first, the whole one last."""
    coalitions: npt.NDArray[np.bool_] = (np.arange(2**players)[:, None] >> np.arange(players)) % 2 == 1
    return coalitions


def _weights(coalitions: npt.NDArray[np.bool_]) -> Floats:
    """What the worth of each coalition counts for each player, (2^players, players): Shapley's formula.

    A player who makes a coalition of `size` others larger is paid the gain, weighted by the share of all orders in
    which exactly these others come first.
    """
    players = coalitions.shape[1]
    joining = np.array([1.0 / (players * math.comb(players - 1, size)) for size in range(players)] + [0.0])
    sizes = coalitions.sum(axis=1, keepdims=True)
    weights: Floats = np.where(coalitions, joining[sizes - 1], -joining[sizes])
    return weights


def _orders(players: int, evaluations: int) -> npt.NDArray[np.intp]:
    """Random orders of the players, (orders, players): the second half is the first reversed."""
    pairs = max(2, evaluations // (2 * (players + 1)))
    orders = np.random.default_rng(_SEED).permuted(np.tile(np.arange(players), (pairs, 1)), axis=1)
    return np.concatenate([orders, orders[:, ::-1]])


def _growing_coalitions(orders: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """For each order its first 0, 1, … players, bool (orders · (players + 1), players)."""
    players = orders.shape[1]
    places = orders.argsort(axis=1)
    return (places[:, None, :] < np.arange(players + 1)[:, None]).reshape(-1, players)


def _by_pair(values: Floats, orders: npt.NDArray[np.intp]) -> Floats:
    """The players' gains, (pairs, players), each the mean of an order and its reverse."""
    gains = np.diff(values.reshape(len(orders), -1), axis=1)
    by_player = np.take_along_axis(gains, orders.argsort(axis=1), axis=1)
    by_pair: Floats = by_player.reshape(2, -1, orders.shape[1]).mean(axis=0)
    return by_pair


def _class_of(served: Served, wanted: object) -> int | None:
    """The position of the class to explain, `None` for that decided on. Raises `MalformedRequest`."""
    if served.is_binary:
        positive = served.labels[-1]
        if wanted is not None and wanted != positive:
            raise MalformedRequest(f'"class": of two classes it is always {positive!r} that is explained; leave it out')
        return len(served.labels) - 1
    if wanted is None:
        return None
    if not isinstance(wanted, str) or wanted not in served.labels:
        raise MalformedRequest(
            f'"class": {shown(wanted)} is no class; send one of {", ".join(map(repr, served.labels))}, or leave it out'
            " to have the class decided on explained"
        )
    return served.labels.index(wanted)


def _rendered(served: Served, encoded: Encoded, position: int | None) -> bytes:
    """An explanation per row, and once what all are relative to."""
    baseline = typical_row(served.bundle.profile, served.features)
    values = {feature.name: _value(feature, value) for feature, value in zip(served.features, baseline, strict=True)}
    content = {
        "explanations": [_explanation(served, baseline, row, position) for row in encoded.matrix],
        "baseline": {"values": values, **_typical(served, served.bundle.scorer(baseline[None]).probability[0])},
        "method": {
            "name": "Shapley values",
            "scale": "log-odds",
            **({"positive": served.labels[-1]} if served.is_binary else {}),
            "baseline": "median or commonest value of each feature in training",
            "evaluations": EVALUATIONS,
        },
        "model_name": served.name,
        "model_version": served.version,
    }
    return orjson.dumps(content)


def _typical(served: Served, probability: Floats) -> dict[str, Any]:
    """The typical row's probability and log-odds: numbers for the positive of two classes, else by class."""
    odds = log_odds(probability)
    if served.is_binary:
        return {"probability": probability.item(), "log_odds": odds.item()}
    return {
        "probabilities": dict(zip(served.labels, probability.tolist(), strict=True)),
        "log_odds": dict(zip(served.labels, odds.tolist(), strict=True)),
    }


def _explanation(served: Served, baseline: Floats, row: Floats, position: int | None) -> dict[str, Any]:
    """The decision, the probability of the class explained, its log-odds and the contributions to them.

    Every row is scored by itself: a model's last bits may depend on the rows beside it.
    """
    scorer = served.bundle.scorer
    scored = scorer(row[None])
    decided = int(scored.decided.item())
    explained = decided if position is None else position

    def probability(rows: Floats) -> Floats:
        found = scorer(rows).probability
        return found if served.is_binary else found[:, explained]

    found = attribute(lambda rows: log_odds(probability(rows)), baseline, row)
    names = (feature.name for feature in served.features)
    return {
        "label": served.labels[decided],
        **({} if served.is_binary else {"class": served.labels[explained]}),
        "probability": probability(row[None]).item(),
        "log_odds": found.prediction,
        "contributions": dict(zip(names, found.contributions.tolist(), strict=True)),
        "standard_error": found.standard_error,
    }


def _value(feature: Feature, encoded: float) -> Any:
    """An encoded value as a request would have it."""
    if math.isnan(encoded):
        return None
    match feature:
        case BooleanFeature():
            return bool(encoded)
        case CategoricalFeature():
            return feature.values[int(encoded)]
        case IntegerFeature():
            return int(encoded)
        case _:
            return float(encoded)
