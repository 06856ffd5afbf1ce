"""The few shapes that all queries have. Quantiles are over sums of buckets, ratios are empty where nothing happened."""

from __future__ import annotations

from monitoring.objectives import DATA_ROUTES, OBJECTIVES

NAMESPACE = 'namespace=~"$namespace"'
"""Also true of series without a namespace while "All" is chosen, which stands for `.*`."""

MODEL = f'model=~"$model", {NAMESPACE}'
DATA = f'{MODEL}, route=~"{DATA_ROUTES}"'
PREDICTOR = f'job="predictor", {NAMESPACE}'
PERIOD = f"{OBJECTIVES.period_days}d"


def rate(metric: str, matchers: str = MODEL) -> str:
    """What a counter grows by in a second."""
    return f"rate({metric}{{{matchers}}}[$__rate_interval])"


def increase(metric: str, matchers: str = MODEL, window: str = "$__range") -> str:
    """What a counter has grown by over the time that is looked at."""
    return f"increase({metric}{{{matchers}}}[{window}])"


def total(of: str, *labels: str) -> str:
    """The sum by labels, over all instances."""
    return _aggregated("sum", of, labels)


def highest(of: str, *labels: str) -> str:
    """The highest by labels: for gauges that each instance has of its own."""
    return _aggregated("max", of, labels)


def lowest(of: str, *labels: str) -> str:
    """The lowest by labels."""
    return _aggregated("min", of, labels)


def mean(of: str, *labels: str) -> str:
    """The mean by labels."""
    return _aggregated("avg", of, labels)


def _aggregated(operator: str, of: str, labels: tuple[str, ...]) -> str:
    by = f" by ({', '.join(labels)}) " if labels else ""
    return f"{operator}{by}({of})"


def ratio(part: str, whole: str, *labels: str) -> str:
    """Part of a whole, each summed by labels; nothing where the whole is 0, rather than NaN."""
    return f"{total(part, *labels)} / ({total(whole, *labels)} > 0)"


def average(histogram: str, matchers: str = MODEL, *labels: str) -> str:
    """The mean of what a histogram has observed."""
    return ratio(rate(f"{histogram}_sum", matchers), rate(f"{histogram}_count", matchers), *labels)


def buckets(histogram: str, matchers: str = MODEL) -> str:
    """The buckets of a histogram, for a heatmap."""
    return total(rate(f"{histogram}_bucket", matchers), "le")


def quantile(share: float, histogram: str, matchers: str = MODEL, *labels: str) -> str:
    """The value below which a share of what a histogram has observed lies, over all instances together."""
    return f"histogram_quantile({share}, {total(rate(f'{histogram}_bucket', matchers), 'le', *labels)})"


def of_version(series: str, *labels: str) -> str:
    """Series of a model with labels of the bundle that their instance serves; `version` unless others are named."""
    named = ", ".join(labels or ("version",))
    return f"{series} * on (instance, model) group_left ({named}) predictor_model_info{{{MODEL}}}"
