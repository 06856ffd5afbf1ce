"""Ablate: the winner's kind of model once more, without the features that may know the answer."""

from kfp import dsl

from components.image import component


@component
def ablate(
    effort: str,
    contract: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Dataset],
    held_out: dsl.Input[dsl.Dataset],
    selected: dsl.Input[dsl.Artifact],
    completed: dsl.Output[dsl.Artifact],
):
    """Measures what the winner would be worth without the features that the contract calls suspect.

    Nothing is chosen by it: the winner stays. A contract without such features has nothing to measure.

    Args:
        effort: `quick`, `standard` or `thorough`.
        contract: The contract, which says what is suspect and why.
        training: The training rows.
        held_out: The held-out rows.
        selected: All numbers, with the selection.
        completed: The same, with the numbers of the winner without the suspect features.
    """
    from components.ablate import run

    run(effort, contract, training, held_out, selected, completed)


def run(
    effort: str,
    contract: dsl.Artifact,
    training: dsl.Artifact,
    held_out: dsl.Artifact,
    selected: dsl.Artifact,
    completed: dsl.Artifact,
) -> None:
    """What the component does."""
    import shutil
    from pathlib import Path

    from components.learning.evaluation import Evaluation
    from contract.document import load_contract

    rules = load_contract(contract.path)
    if not rules.suspects:
        shutil.copyfile(selected.path, completed.path)
        return
    from components.learning.ablation import ablation
    from components.learning.effort import effort_named
    from components.table import read

    found = Evaluation.model_validate_json(Path(selected.path).read_bytes())
    if found.selection is None:
        raise ValueError("the winner is judged again after the selection")
    result = ablation(
        found.selection.winner,
        rules,
        read(training.path),
        read(held_out.path),
        effort_named(effort),
        progress=lambda text: print(f"::progress {text}", flush=True),
    )
    complete = found.model_copy(update={"ablation": result})
    Path(completed.path).write_text(complete.model_dump_json(indent=2), encoding="utf-8")
