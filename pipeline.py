"""From a table to a published model: the pipeline, top to bottom, and its commands (`python pipeline.py --help`)."""

from kfp import dsl

from components.cross_validate import cross_validate
from components.evaluate import evaluate
from components.explore import explore
from components.ingest import ingest
from components.package import package
from components.publish import publish
from components.register import check_tracking, register
from components.report import report
from components.select import select
from components.split import split
from components.train import train
from components.validate import validate

CANDIDATES = [
    "logistic-regression",
    "decision-tree",
    "svm",
    "extra-trees",
    "random-forest",
    "gradient-boosting",
    "hist-gradient-boosting",
    "soft-vote",
]


def sized(task: dsl.PipelineTask, title: str, cpu: str = "500m", memory: str = "1Gi") -> dsl.PipelineTask:
    """Give a task its display name and what it asks of a cluster."""
    return task.set_display_name(title).set_cpu_request(cpu).set_memory_request(memory).set_memory_limit(memory)


@dsl.pipeline(
    name="concord", display_name="Concord", description="Trains candidates on a table and publishes the best."
)
def concord(
    contract_path: str = "datasets/heart/contract.yaml",
    experiment: str = "heart",
    effort: str = "standard",
    candidates: list[str] = CANDIDATES,
    code_revision: str = "unknown",
):
    """Everything from the contract's source to the champion.

    Args:
        contract_path: The contract of the table, relative to the project.
        experiment: The MLflow experiment to log to.
        effort: `quick`, `standard` or `thorough`.
        candidates: Which kinds of model compete.
        code_revision: The revision of the code, for provenance.
    """
    run_id = f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}/{dsl.PIPELINE_JOB_ID_PLACEHOLDER}"

    tracker = sized(check_tracking(experiment=experiment), "Check MLflow")
    tracker.set_caching_options(enable_caching=False).set_retry(1, backoff_duration="5s")

    ingested = sized(ingest(contract_path=contract_path), "Ingest")
    ingested.set_caching_options(enable_caching=False).set_retry(1)
    contract, table, external = (ingested.outputs[name] for name in ("contract", "table", "external"))
    digest = ingested.outputs["Output"]

    validated = sized(validate(contract=contract, table=table, external=external), "Validate")
    explored = sized(explore(contract=contract, table=table).after(validated), "Explore")
    halves = sized(split(contract=contract, table=table).after(validated, tracker), "Split")
    training, held_out = halves.outputs["training"], halves.outputs["held_out"]

    with dsl.ParallelFor(candidates) as candidate:
        trained = sized(
            train(candidate=candidate, effort=effort, contract=contract, training=training), "Train", "1", "2Gi"
        )
        judged = sized(
            cross_validate(candidate=candidate, effort=effort, contract=contract, training=training),
            "Cross-validate",
            "1",
            "2Gi",
        )

    evaluated = sized(
        evaluate(
            effort=effort,
            data_sha256=digest,
            contract=contract,
            training=training,
            held_out=held_out,
            external=external,
            models=dsl.Collected(trained.outputs["model"]),
            resampled=dsl.Collected(judged.outputs["resampled"]),
        ),
        "Evaluate",
        "1",
        "2Gi",
    )
    chosen = sized(select(contract=contract, evaluation=evaluated.outputs["evaluation"]), "Select")
    selected = chosen.outputs["selected"]

    packaged = sized(
        package(
            winner=chosen.outputs["Output"],
            data_sha256=digest,
            code_revision=code_revision,
            run_id=run_id,
            contract=contract,
            training=training,
            table=table,
            external=external,
            models=dsl.Collected(trained.outputs["model"]),
            selected=selected,
        ),
        "Package",
        "1",
        "2Gi",
    )
    bundle, parity = packaged.outputs["bundle"], packaged.outputs["parity"]
    reported = sized(
        report(
            run_id=run_id,
            data_sha256=digest,
            code_revision=code_revision,
            contract=contract,
            table=table,
            selected=selected,
            parity=parity,
        ),
        "Report",
    )

    registered = sized(
        register(
            experiment=experiment,
            run_id=run_id,
            code_revision=code_revision,
            contract=contract,
            selected=selected,
            parity=parity,
            exploration=explored.outputs["page"],
            report=reported.outputs["page"],
            bundle=bundle,
        ),
        "Register",
    )
    registered.set_caching_options(enable_caching=False)
    published = sized(
        publish(version=registered.outputs["version"], held_out=held_out, bundle=bundle), "Publish", "1", "2Gi"
    )
    published.set_caching_options(enable_caching=False)


if __name__ == "__main__":
    from local.command import command_line

    command_line(concord, CANDIDATES)()
