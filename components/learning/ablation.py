"""What a model is worth without the features that may know the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.learning.candidates import candidate_named
from components.learning.effort import SEED
from components.learning.evaluation import Ablation
from components.learning.fitting import fit
from components.learning.judgement import Judge
from components.learning.resampling import cross_validate
from components.learning.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from components.learning.effort import Effort
    from contract.schema import Contract


def ablation(
    candidate: str,
    contract: Contract,
    training: pd.DataFrame,
    held_out: pd.DataFrame,
    effort: Effort,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Ablation:
    """Fit and judge a candidate, search and all, on validated tables without the contract's suspect features.

    `progress` is told in words how far it has come. Raises `UnsplittableTable` if a fold would lack a class.
    """
    reduced = contract.without(contract.suspects)
    known, unseen = rows_of(reduced, training), rows_of(reduced, held_out)
    chosen = candidate_named(candidate)
    resampled, _ = cross_validate(chosen, reduced, known, effort, SEED, progress=progress)
    fitted = fit(chosen, reduced, known, effort, SEED)
    judge = Judge(reduced, known, unseen, {}, effort.resamples)
    return Ablation(
        features=contract.suspects,
        candidate=candidate,
        resampled=resampled,
        held_out=judge.predicted(fitted.estimator, unseen),
    )
