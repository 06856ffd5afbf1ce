"""Cross-validate: one candidate's whole procedure, judged by repeated nested cross-validation on the training rows."""

from kfp import dsl

from components.image import component


@component
def cross_validate(
    candidate: str,
    effort: str,
    contract: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Dataset],
    resampled: dsl.Output[dsl.Artifact],
):
    """Estimates how well a candidate does on rows it never saw, without touching the held-out rows.

    Args:
        candidate: Which kind of model.
        effort: `quick`, `standard` or `thorough`: how often the folds are drawn anew.
        contract: The contract.
        training: The training rows.
        resampled: A directory: every metric with its standard error, fold by fold, and the out-of-fold predictions.
    """
    from components.cross_validate import run

    run(candidate, effort, contract, training, resampled)


def run(candidate: str, effort: str, contract: dsl.Artifact, training: dsl.Artifact, resampled: dsl.Artifact) -> None:
    """What the component does."""
    from components.learning import resampling
    from components.learning.candidates import candidate_named
    from components.learning.effort import SEED, effort_named
    from components.learning.model import CrossValidated, write_validated
    from components.learning.rows import rows_of
    from components.table import read
    from contract.document import load_contract

    rules = load_contract(contract.path)
    result, out_of_fold = resampling.cross_validate(
        candidate_named(candidate),
        rules,
        rows_of(rules, read(training.path)),
        effort_named(effort),
        SEED,
        progress=lambda text: print(f"::progress {text}", flush=True),
    )
    write_validated(resampled.path, CrossValidated(name=candidate, resampled=result), out_of_fold)
