"""The search for a candidate's setting.

Settings are compared by how well they rank unseen rows: ROC-AUC, or PR-AUC where the contract selects on it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import ParameterSampler

from components.learning.budget import FURTHER, ROUNDS, Fit, seconds_of
from components.learning.folds import folds_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.learning.budget import Budget
    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from components.learning.rows import Rows
    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """A setting; its fits so far, on more rows each; and how well the last ranked unseen rows, 1 being perfect."""

    setting: dict[str, Any]
    fits: tuple[Fit, ...] = ()
    score: float = -np.inf


@dataclass(frozen=True)
class Search:
    """Of one candidate for one table.

    Where the table isn't large, every setting is tried on all rows. Where it is, settings are tried on few rows and the
    best of them on more, each round in its part of the budget's seconds; and of the folds the first alone is predicted,
    as more rows tell more of a setting than more folds. Settings too slow for what comes after are left out.
    """

    candidate: Candidate
    contract: Contract
    effort: Effort
    seed: int
    budget: Budget

    def best(self, rows: Rows) -> Trial:
        """The setting that ranks best on the most rows. Raises `UnsplittableTable` if a fold would lack a class."""
        classes, timed = len(self.contract.target.labels), self.budget.timed
        space = self.candidate.space(classes)
        count = self.effort.settings_of(self.candidate.cost, self.candidate.grid_size(classes), timed=timed)
        trials = [Trial(setting) for setting in ParameterSampler(space, count, random_state=self.seed)]
        most = len(rows.labels)
        if timed:
            most = min(most, self.candidate.largest or most)
        size = min(self.effort.sample, most) if timed else most
        for number in range(1, ROUNDS + 1):
            tried = self._round(trials, rows.sample(size, self.seed), number)
            if tried:
                bearable = [trial for trial in tried if self.budget.bears(trial.fits[0], self.effort.calibration_folds)]
                best_first = sorted(bearable or tried[:1], key=lambda trial: trial.score, reverse=True)
                trials = best_first[: math.ceil(len(best_first) / FURTHER)]
            if not tried or size == most:
                break
            size = min(FURTHER * size, most)
        return trials[0]

    def _round(self, trials: list[Trial], rows: Rows, number: int) -> list[Trial]:
        """Those of the trials for which there was time, ranked anew on folds of these rows.

        scikit-learn's searches do the same, but fit the preprocessing, which has nothing to tune, once a setting
        instead of once a fold: two thirds of a logistic regression's search.
        """
        pipeline = self.candidate.pipeline(self.contract.features, self.seed, len(self.contract.target.labels))
        folds, began = [], time.monotonic()
        cuts = folds_of(self.contract, rows, self.effort.inner_folds, self.seed)
        for training, test in cuts[:1] if self.budget.timed else cuts:
            known, unseen = rows.take(training), rows.take(test)
            prepare = clone(pipeline.named_steps["prepare"])
            prepared = prepare.fit_transform(known.matrix, known.labels)
            folds.append((prepared, known.labels, prepare.transform(unseen.matrix), unseen.labels))
        size, preparing = len(folds[0][1]), time.monotonic() - began
        tried: list[Trial] = []
        for trial in trials:
            left = self.budget.left_to_search(number)
            if trial.fits:
                expected = seconds_of(size, trial.fits, self.candidate.growth)
            else:
                expected = max((other.fits[-1].seconds for other in tried), default=0.0)
            if left < len(folds) * expected and (tried or trial.fits):
                continue
            started = time.monotonic()
            model = clone(pipeline).set_params(**trial.setting).named_steps["model"]
            score = np.mean([self._ranking(clone(model).fit(x, y), after, labels) for x, y, after, labels in folds])
            fit = Fit(size, (preparing + time.monotonic() - started) / len(folds))
            tried.append(Trial(trial.setting, (*trial.fits, fit), float(score)))
        return tried

    def _ranking(self, model: Any, rows: Floats, labels: Labels) -> float:
        """How well a model ranks rows; with more than two classes, each class against the rest, on average."""
        scores = model.decision_function(rows) if hasattr(model, "decision_function") else model.predict_proba(rows)
        truth: Any = labels
        if not self.contract.target.is_binary:
            truth = np.eye(len(self.contract.target.labels))[labels]
        elif scores.ndim > 1:
            scores = scores[:, 1]
        score = average_precision_score if self.contract.decision.metric == "pr_auc" else roc_auc_score
        return float(score(truth, scores))
