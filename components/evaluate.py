"""Evaluate: the held-out rows, used once, and the external sites; beside what cross-validation found before."""

from kfp import dsl

from components.image import component


@component
def evaluate(
    effort: str,
    data_sha256: str,
    made: bool,
    contract: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Dataset],
    held_out: dsl.Input[dsl.Dataset],
    external: dsl.Input[dsl.Dataset],
    models: dsl.Input[list[dsl.Model]],
    resampled: dsl.Input[list[dsl.Artifact]],
    evaluation: dsl.Output[dsl.Artifact],
):
    """Measures every candidate on the held-out rows and on the external sites, with bootstrap intervals.

    Args:
        effort: `quick`, `standard` or `thorough`: how many bootstrap resamples.
        data_sha256: The digest of the training table's source.
        made: Whether nobody observed its rows.
        contract: The contract.
        training: The training rows.
        held_out: The held-out rows; no other stage before this one sees them.
        external: The external sites' tables.
        models: The fitted candidates.
        resampled: What cross-validation found of each.
        evaluation: All numbers of all candidates.
    """
    from components.evaluate import run

    run(effort, data_sha256, made, contract, training, held_out, external, models, resampled, evaluation)


def run(
    effort: str,
    data_sha256: str,
    made: bool,
    contract: dsl.Artifact,
    training: dsl.Artifact,
    held_out: dsl.Artifact,
    external: dsl.Artifact,
    models: list[dsl.Artifact],
    resampled: list[dsl.Artifact],
    evaluation: dsl.Artifact,
) -> None:
    """What the component does."""
    from pathlib import Path

    from components.learning.effort import effort_named
    from components.learning.evaluation import Evaluation
    from components.learning.judgement import Judge
    from components.learning.model import read_model, read_validated
    from components.learning.rows import rows_of
    from components.table import read
    from contract.document import load_contract

    rules = load_contract(contract.path)
    sites = {path.stem: rows_of(rules, read(path)) for path in sorted(Path(external.path).glob("*.parquet"))}
    for site in [name for name, rows in sites.items() if not len(rows.labels)]:
        print(f"warning: {site} has no row with a known {rules.target.column}, so nothing is measured there")
        del sites[site]
    judge = Judge(
        contract=rules,
        training=rows_of(rules, read(training.path)),
        held_out=rows_of(rules, read(held_out.path)),
        external=sites,
        resamples=effort_named(effort).resamples,
    )
    validated = [read_validated(item.path) for item in resampled]
    by_name = {item.name: (item, out_of_fold) for item, out_of_fold in validated}
    found = []
    for item in models:
        estimator, facts = read_model(item.path)
        print(f"::progress {facts.name}", flush=True)
        found.append(judge.evaluate(estimator, facts, *by_name[facts.name]))
    result = Evaluation(
        format=1,
        contract_digest=rules.digest,
        data_sha256=data_sha256,
        made=made,
        effort=effort,
        training_rows=len(judge.training.labels),
        held_out_rows=len(judge.held_out.labels),
        candidates=tuple(sorted(found, key=lambda candidate: candidate.complexity)),
    )
    Path(evaluation.path).write_text(result.model_dump_json(indent=2), encoding="utf-8")
