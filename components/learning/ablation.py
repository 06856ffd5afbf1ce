"""What a model is worth without the features that may know the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.learning.candidates import candidate_named
from components.learning.effort import SEED
from components.learning.evaluation import Ablation
from components.learning.fitting import fit
from components.learning.judgement import Judge
from components.learning.resampling import cross_validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from components.learning.effort import Effort
    from components.learning.rows import Rows
    from contract.schema import Contract


def ablation(
    candidate: str,
    contract: Contract,
    training: Rows,
    held_out: Rows,
    effort: Effort,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Ablation:
    """Fit and judge a candidate, search and all, without the contract's suspect features, which the rows lack already.

    `progress` is told in words how far it has come.
    """
    reduced = contract.without(contract.suspects)
    chosen = candidate_named(candidate)
    resampled, _ = cross_validate(chosen, reduced, training, effort, SEED, progress=progress)
    fitted = fit(chosen, reduced, training, effort, SEED)
    judge = Judge(reduced, training, held_out, {}, effort.resamples)
    return Ablation(
        features=contract.suspects,
        candidate=candidate,
        resampled=resampled,
        held_out=judge.predicted(fitted.estimator, held_out),
    )
