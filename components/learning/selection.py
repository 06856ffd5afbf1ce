"""Choosing the winner from cross-validated numbers: floors first, then the metric, then simplicity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.errors import NoAcceptableCandidate
from components.learning.evaluation import MACRO, MACRO_AVERAGED, METRIC_TITLES, Refusal, Selection
from components.learning.metrics import better
from contract.decision import PAIR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.learning.evaluation import CandidateEvaluation
    from contract.decision import Decision


def select_candidate(candidates: Sequence[CandidateEvaluation], decision: Decision) -> Selection:
    """The simplest candidate within one standard error of the best, among those that reach every floor.

    Only cross-validated numbers count: a candidate is never chosen by the held-out rows, so their numbers stay honest.
    The one-standard-error rule is Breiman et al. (1984), "Classification and regression trees", section 3.4.3; the
    standard error is the corrected one of the best candidate's metric.

    An undefined value (NaN) reaches no floor. Raises `NoAcceptableCandidate`, naming what each candidate missed.
    """
    refused = tuple(refusal for candidate in candidates for refusal in _refusals(candidate, decision))
    out = {refusal.candidate for refusal in refused}
    acceptable = [candidate for candidate in candidates if candidate.name not in out]
    if not acceptable:
        missed = "; ".join(
            f"{r.candidate}: {_title(r.metric, candidates)} {r.value:.3f}, floor {r.floor:.3f}" for r in refused
        )
        raise NoAcceptableCandidate(
            f"no candidate reaches the contract's floors ({missed}). Bring better data or features, train with more"
            " effort, or, if the floors ask too much, lower them in the contract."
        )
    metric = decision.metric
    best = acceptable[0]
    for candidate in acceptable[1:]:
        if better(metric, _value(candidate, metric), _value(best, metric)):
            best = candidate
    error = best.resampled.estimates[metric].standard_error or 0.0
    near = [c for c in acceptable if abs(_value(c, metric) - _value(best, metric)) <= error]
    winner = min(near, key=lambda candidate: candidate.complexity)
    return Selection(
        winner=winner.name,
        best=best.name,
        metric=metric,
        reason=_reason(winner, best, metric, _title(metric, candidates), error),
        refused=refused,
    )


def _refusals(candidate: CandidateEvaluation, decision: Decision) -> list[Refusal]:
    found = []
    # No metric is below 0: that floor refuses only a candidate whose metric is undefined.
    floors = {decision.metric: 0.0, **decision.floors.model_dump(exclude_none=True)}
    for metric, floor in floors.items():
        value = _value(candidate, metric)
        if not value >= floor:
            found.append(Refusal(candidate=candidate.name, metric=metric, floor=floor, value=value))
    return found


def _value(candidate: CandidateEvaluation, metric: str) -> float:
    return candidate.resampled.estimates[metric].value


def _title(metric: str, candidates: Sequence[CandidateEvaluation]) -> str:
    averaged = metric in MACRO_AVERAGED and len(candidates[0].held_out.class_counts) > PAIR
    return f"{MACRO} {METRIC_TITLES[metric]}" if averaged else METRIC_TITLES[metric]


def _reason(winner: CandidateEvaluation, best: CandidateEvaluation, metric: str, title: str, error: float) -> str:
    leader = f"{best.title} has the best {title} ({_value(best, metric):.3f})"
    if winner.name == best.name:
        return f"{leader}; nothing simpler lies within one standard error ({error:.3f}) of it."
    name = f"{winner.title[:1].lower()}{winner.title[1:]} ({_value(winner, metric):.3f})"
    return f"{leader}; {name} lies within one standard error ({error:.3f}) of it and is simpler."
