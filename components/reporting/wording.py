"""How pages, cards and the terminal word what an evaluation means, so that they all say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.learning.evaluation import MACRO, MACRO_AVERAGED, METRIC_TITLES, METRICS
from contract.features import CategoricalFeature, allowed_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from components.learning.evaluation import CandidateEvaluation, Confusion, Evaluation, Sample, Slice
    from contract.decision import Threshold
    from contract.features import Feature
    from contract.schema import Contract

MADE = (
    "Made data: nobody observed these rows. The numbers show that the pipeline works, and say nothing about the world."
)

SMALL_CLASS = 20
"""Fewer rows of a class than this, and its sensitivity or specificity moves by more than .05 with each of them."""

MOST_CATEGORIES = 12
"""Of more categories, the rest are added up or counted."""

_RARE = "gini"  # says the same as the ROC-AUC, so it is shown where the contract asks for it alone
_MOST_CLASSES = 8


def shown_metrics(contract: Contract, metrics: Sequence[str] = METRICS) -> tuple[str, ...]:
    """The metrics of a table or figure: these, with the one that the contract selects on among them."""
    selected = contract.decision.metric
    kept = tuple(name for name in metrics if name != _RARE)
    return kept if selected in kept else (selected, *kept)


def is_macro(contract: Contract, metric: str) -> bool:
    """Whether the metric is an average over the classes, each counting the same."""
    return not contract.target.is_binary and metric in MACRO_AVERAGED


def metric_title(contract: Contract, metric: str) -> str:
    """What the metric is called, with the sensitivity that the contract wants."""
    threshold = contract.decision.threshold
    if metric == "specificity_at_sensitivity" and threshold and threshold.rule == "sensitivity_at_least":
        return f"specificity at {100 * (threshold.value or 0):g} % sensitivity"
    return METRIC_TITLES.get(metric, metric)


def full_metric_title(contract: Contract, metric: str) -> str:
    """The same, with a word on averages, where there is one line for it."""
    title = metric_title(contract, metric)
    return f"{title}, {MACRO}" if is_macro(contract, metric) else title


def threshold_rule(threshold: Threshold, labels: Sequence[str]) -> str:
    """How the threshold is chosen; `labels` are negative, positive."""
    negative, positive = labels
    share = f"{100 * (threshold.value or 0):g} %"
    match threshold.rule:
        case "sensitivity_at_least":
            return f"the highest that still finds {share} of {positive} out of fold"
        case "specificity_at_least":
            return f"the lowest that clears {share} of {negative} out of fold"
        case "highest_f1":
            return "the one with the highest F1 out of fold"
        case "highest_accuracy":
            return "the one with the highest accuracy out of fold"
        case "fixed":
            return f"fixed at {threshold.value:g} by the contract"


def class_counts(contract: Contract, counts: Sequence[int]) -> str:
    """How many rows of each class, after "rows,": of two, those of the positive class."""
    labels = contract.target.labels
    if contract.target.is_binary:
        return f"{counts[1]:,} with {labels[1]}"
    if len(labels) > _MOST_CLASSES:
        return f"{min(counts):,} to {max(counts):,} of each of {len(labels)} classes"
    return joined([f"{count:,} {label}" for label, count in zip(labels, counts, strict=True)])


def alternatives(labels: Sequence[str]) -> str:
    """The classes, as what an answer may be."""
    if len(labels) > _MOST_CLASSES:
        return f"{', '.join(labels[:_MOST_CLASSES])} and {len(labels) - _MOST_CLASSES} more"
    return f"{', '.join(labels[:-1])} or {labels[-1]}"


def right(contract: Contract, confusion: Confusion) -> str:
    """How many rows were answered right, and of which classes."""
    counts, labels = confusion.counts, contract.target.labels
    whole = f"{sum(row[place] for place, row in enumerate(counts)):,} of {sum(map(sum, counts)):,}"
    if len(labels) > _MOST_CLASSES:
        return whole
    each = [f"{row[place]:,} of {sum(row):,} {labels[place]}" for place, row in enumerate(counts)]
    return f"{whole}: {joined(each)}"


def without_suspects(contract: Contract, evaluation: Evaluation) -> str:
    """What the winner is worth without the features that may know the answer."""
    if evaluation.selection is None or evaluation.ablation is None:
        raise ValueError("nothing was measured without the suspect features")
    metric, found = evaluation.selection.metric, evaluation.ablation
    winner = evaluation.candidate(evaluation.selection.winner)
    title = full_metric_title(contract, metric)
    return (
        f"{joined(found.features)} may know the answer. Without {'it' if len(found.features) == 1 else 'them'},"
        f" {title} is {found.resampled.estimates[metric].value:.3f} instead of"
        f" {winner.resampled.estimates[metric].value:.3f} cross-validated, and"
        f" {found.held_out.estimates[metric].value:.3f} instead of {winner.held_out.estimates[metric].value:.3f}"
        " held out."
    )


def small_class(sample: Sample | Slice, labels: Sequence[str]) -> str | None:
    """A warning if a sample has fewer than `SMALL_CLASS` rows of a class; `labels` are in the contract's order."""
    rare = [(count, label) for label, count in zip(labels, sample.class_counts, strict=True) if count < SMALL_CLASS]
    if not rare:
        return None
    few = joined([f"{count} of class “{label}”" for count, label in rare])
    if len(rare) > _MOST_CLASSES:
        few = f"{min(rare)[0]} to {max(rare)[0]} of each of {len(rare)} classes"
    return f"Only {few} among {sample.rows:,} rows: hardly determined."


def within_budget(candidate: CandidateEvaluation, evaluation: Evaluation) -> str | None:
    """That a candidate was fitted on fewer rows than there were, if it was."""
    if candidate.fitted_rows >= evaluation.training_rows:
        return None
    return f"fitted on {candidate.fitted_rows:,} of {evaluation.training_rows:,} rows (budget)"


def values_of(feature: Feature) -> str:
    """What a cell of the training table may hold; of many categories, some."""
    if isinstance(feature, CategoricalFeature):
        shown = [f"{item.value} {item.label}" for item in feature.categories[:MOST_CATEGORIES]]
        hidden = len(feature.categories) - len(shown)
        return ", ".join([*shown, f"and {hidden:,} more"] if hidden else shown)
    return allowed_values(feature.model_copy(update={"missing": type(feature.missing)()}))


def part(total: int, shown: int, things: str, which: str) -> str:
    """That not all of them are shown, if so: "Of 57 features, the 30 most correlated."."""
    return f"Of {total:,} {things}, the {shown:,} {which}." if total > shown else ""


def joined(parts: Iterable[str]) -> str:
    """Parts of a sentence: "a, b and c"."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
