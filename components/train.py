"""Train: one candidate is searched, calibrated and given its threshold on the training rows."""

from kfp import dsl

from components.image import component


@component
def train(
    candidate: str,
    effort: str,
    contract: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Model],
):
    """Fits one candidate on the training rows.

    Args:
        candidate: Which kind of model, such as `logistic-regression`.
        effort: `quick`, `standard` or `thorough`: how many settings the search may try.
        contract: The contract.
        training: The training rows.
        model: A directory: the reference estimator (skops) and how it was fitted.
    """
    from components.train import run

    run(candidate, effort, contract, training, model)


def run(candidate: str, effort: str, contract: dsl.Artifact, training: dsl.Artifact, model: dsl.Artifact) -> None:
    """What the component does."""
    import time

    from components.learning.candidates import candidate_named
    from components.learning.effort import SEED, effort_named
    from components.learning.fitting import fit
    from components.learning.model import FittedCandidate, write_model
    from components.learning.rows import rows_of
    from components.table import read
    from contract.document import load_contract

    started = time.monotonic()
    rules = load_contract(contract.path)
    rows = rows_of(rules, read(training.path))
    fitted = fit(candidate_named(candidate), rules, rows, effort_named(effort), SEED)
    if fitted.rows < len(rows.labels):
        print(f"fitted on {fitted.rows:,} of {len(rows.labels):,} rows, for which its budget of seconds suffices")
    facts = FittedCandidate(
        name=candidate,
        parameters=fitted.parameters,
        threshold=fitted.threshold,
        rows=fitted.rows,
        seconds=time.monotonic() - started,
    )
    write_model(model.path, fitted.estimator, facts, fitted.out_of_fold)
    model.metadata.update(candidate=candidate, framework="scikit-learn", rows=fitted.rows)
