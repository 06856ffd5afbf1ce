"""What is known about each candidate: the numbers, their intervals, and where each comes from.

`Evaluation` is written by *evaluate*, completed by *select*, and travels in the bundle as `evaluation.json`.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import JsonValue

from contract.features import Strict
from contract.quality import Interval, Number

METRICS = (
    "roc_auc",
    "pr_auc",
    "brier",
    "log_loss",
    "accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "f1",
    "specificity_at_sensitivity",
    "gini",
)
"""In the order of tables. Those from `accuracy` to `f1` depend on the candidate's own threshold;
`specificity_at_sensitivity` is read off the ROC curve at the contract's sensitivity, for two classes alone; `gini` is
the ROC-AUC as claims insurers write it, 2 · AUC - 1."""

MOST_DRAWN = 20_000
"""Rows of a sample that are kept one by one, to draw curves from; what is measured is measured on all."""

METRIC_TITLES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier",
    "log_loss": "log-loss",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "specificity_at_sensitivity": "specificity at the wanted sensitivity",
    "gini": "normalised Gini",
}

MACRO = "macro-average"
"""What a metric is called that is taken of each of several classes against the rest, and averaged over them."""

MACRO_AVERAGED = ("roc_auc", "gini", "pr_auc", "sensitivity", "specificity", "precision", "f1")
"""The metrics that are, where there are more than two classes."""


class Estimate(Interval):
    """A metric with its 95 % interval; `standard_error` is `None` where the interval comes from a bootstrap."""

    standard_error: float | None = None

    def __str__(self) -> str:
        return "undefined" if math.isnan(self.value) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Confusion(Strict):
    """Counts of rows: `counts[i][j]` are of class `i` and were answered `j`, classes as in `Target.labels`.

    The names of its four cells are for two classes.
    """

    counts: tuple[tuple[int, ...], ...]

    @property
    def true_negative(self) -> int:
        """Rows of the negative class that were answered so."""
        return self.counts[0][0]

    @property
    def false_positive(self) -> int:
        """Rows of the negative class that were answered positive."""
        return self.counts[0][1]

    @property
    def false_negative(self) -> int:
        """Rows of the positive class that were missed."""
        return self.counts[1][0]

    @property
    def true_positive(self) -> int:
        """Rows of the positive class that were found."""
        return self.counts[1][1]


class Resampled(Strict):
    """Repeated nested cross-validation on the training rows.

    `scores` has the value of each outer fold, in the same order of folds for every candidate, so they can be paired.
    """

    repeats: int
    folds: int
    estimates: dict[str, Estimate]
    scores: dict[str, tuple[float, ...]]


class Sample(Strict):
    """One candidate's answers on rows that it never saw, and what follows from them.

    `labels` (positions of classes) and `probabilities` (of the positive class, or with more than two classes of each)
    are there to draw from: of all rows, or of `MOST_DRAWN` drawn at random.
    """

    rows: int
    class_counts: tuple[int, ...]
    estimates: dict[str, Estimate]
    confusion: Confusion
    labels: tuple[int, ...]
    probabilities: tuple[float, ...] | tuple[tuple[float, ...], ...]

    @property
    def positives(self) -> int:
        """Rows of the positive class, of two."""
        return self.class_counts[1]


class Slice(Strict):
    """A part of the training rows, judged on out-of-fold predictions: who is served worse than others?"""

    feature: str
    label: str
    rows: int
    class_counts: tuple[int, ...]
    estimates: dict[str, Estimate]


class Importance(Strict):
    """How much a column matters to a candidate.

    `coefficient` is the weight of a standardised column in log-odds; `permutation` the loss in ROC-AUC when the feature
    is shuffled among the training rows, of a large table among equally many of each class.
    """

    name: str
    kind: Literal["coefficient", "permutation"]
    value: float


class CandidateEvaluation(Strict):
    """All that is known of one candidate. `complexity` ranks candidates from the simplest (1) upwards.

    With more than two classes there is no `threshold`. `fitted_rows` are fewer than the training rows where the
    effort's seconds don't reach further.
    """

    name: str
    title: str
    complexity: int
    parameters: dict[str, JsonValue]
    threshold: float | None
    fitted_rows: int
    resampled: Resampled
    out_of_fold: Sample
    held_out: Sample
    external: dict[str, Sample]
    slices: tuple[Slice, ...]
    importances: tuple[Importance, ...]
    seconds: float


class Refusal(Strict):
    """A floor of the contract that a candidate didn't reach."""

    candidate: str
    metric: str
    floor: float
    value: Number


class Selection(Strict):
    """The winner and why."""

    winner: str
    best: str
    metric: str
    reason: str
    refused: tuple[Refusal, ...]


class Ablation(Strict):
    """The winner's kind of model, fitted and judged in the same way without the features that may know the answer."""

    features: tuple[str, ...]
    candidate: str
    resampled: Resampled
    held_out: Sample


class Evaluation(Strict):
    """`evaluation.json` of a bundle. `made`: nobody observed the rows, so the numbers say nothing of the world."""

    format: Literal[1]
    contract_digest: str
    data_sha256: str
    effort: str
    training_rows: int
    held_out_rows: int
    candidates: tuple[CandidateEvaluation, ...]
    selection: Selection | None = None
    ablation: Ablation | None = None
    made: bool = False

    def candidate(self, name: str) -> CandidateEvaluation:
        """The candidate of that name (`KeyError` if there is none)."""
        for item in self.candidates:
            if item.name == name:
                return item
        raise KeyError(name)
