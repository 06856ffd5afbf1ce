"""Select: floors first, then the contract's metric, then the simpler model within one standard error."""

from kfp import dsl

from components.image import component


@component
def select(
    contract: dsl.Input[dsl.Artifact],
    evaluation: dsl.Input[dsl.Artifact],
    selected: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
    curve: dsl.Output[dsl.ClassificationMetrics],
) -> str:
    """Chooses the winner by its cross-validated numbers.

    Args:
        contract: The contract, with the floors and the metric.
        evaluation: All numbers of all candidates.
        selected: The same, with the selection.
        metrics: The winner's cross-validated metrics, for the run's page.
        curve: The winner's ROC curve and confusion matrix on the held-out rows.

    Returns:
        The winner's name.
    """
    from components.select import run

    return run(contract, evaluation, selected, metrics, curve)


def run(
    contract: dsl.Artifact,
    evaluation: dsl.Artifact,
    selected: dsl.Artifact,
    metrics: dsl.Metrics,
    curve: dsl.ClassificationMetrics,
) -> str:
    """What the component does."""
    from pathlib import Path

    from sklearn.metrics import roc_curve

    from components.learning.evaluation import METRICS, Evaluation
    from components.learning.selection import select_candidate
    from contract.document import load_contract

    rules = load_contract(contract.path)
    found = Evaluation.model_validate_json(Path(evaluation.path).read_bytes())
    selection = select_candidate(found.candidates, rules.decision)
    print(selection.reason)
    result = found.model_copy(update={"selection": selection})
    Path(selected.path).write_text(result.model_dump_json(indent=2), encoding="utf-8")
    winner = found.candidate(selection.winner)
    for metric in METRICS:
        if metric in winner.resampled.estimates:
            metrics.log_metric(metric, winner.resampled.estimates[metric].value)
    if rules.target.is_binary:
        false, true, thresholds = roc_curve(winner.held_out.labels, winner.held_out.probabilities)
        # scikit-learn starts at an infinite threshold, which no artifact store can hold.
        curve.log_roc_curve(false.tolist(), true.tolist(), thresholds.clip(max=1.0).tolist())
    curve.log_confusion_matrix(list(rules.target.labels), [list(row) for row in winner.held_out.confusion.counts])
    return selection.winner
