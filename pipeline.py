"""From a table to a published model: the pipeline, top to bottom, and its commands (`python pipeline.py --help`)."""

from kfp import dsl

from components.ablate import ablate
from components.cross_validate import cross_validate
from components.evaluate import evaluate
from components.explore import explore
from components.ingest import ingest
from components.package import package
from components.publish import publish
from components.register import check_tracking, register
from components.report import report
from components.score import gather, score_shard, shards
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

BOOSTING = ["lightgbm", "catboost"]
"""Further candidates, whose libraries are an extra: `make boosting` installs them."""

AS_THE_CONTRACT_SAYS: dict[str, str] = {}


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
    source: dict[str, str] = AS_THE_CONTRACT_SAYS,
    code_revision: str = "unknown",
):
    """Everything from the contract's source to the champion.

    Args:
        contract_path: The contract of the table, relative to the project.
        experiment: The MLflow experiment to log to.
        effort: `quick`, `standard` or `thorough`.
        candidates: Which kinds of model compete.
        source: Where the training table is, if not where the contract says: a location under the name of each of its
            files, or under "" that of its only one.
        code_revision: The revision of the code, for provenance.
    """
    run_id = f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}/{dsl.PIPELINE_JOB_ID_PLACEHOLDER}"

    tracker = sized(check_tracking(experiment=experiment), "Check MLflow")
    tracker.set_caching_options(enable_caching=False).set_retry(1, backoff_duration="5s")

    ingested = sized(ingest(contract_path=contract_path, source=source), "Ingest")
    ingested.set_caching_options(enable_caching=False).set_retry(1)
    contract, table, external = (ingested.outputs[name] for name in ("contract", "table", "external"))
    digest = ingested.outputs["sha256"]

    validated = sized(validate(contract=contract, table=table, external=external), "Validate")
    explored = sized(
        explore(contract=contract, table=table, made=ingested.outputs["made"]).after(validated), "Explore", memory="2Gi"
    )
    halves = sized(split(contract=contract, table=table).after(validated, tracker), "Split", memory="2Gi")
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
            made=ingested.outputs["made"],
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
    completed = sized(
        ablate(
            effort=effort,
            contract=contract,
            training=training,
            held_out=held_out,
            selected=chosen.outputs["selected"],
        ),
        "Ablate",
        "1",
        "2Gi",
    ).outputs["completed"]

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
            selected=completed,
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
            selected=completed,
            parity=parity,
        ),
        "Report",
        memory="2Gi",
    )

    registered = sized(
        register(
            experiment=experiment,
            run_id=run_id,
            code_revision=code_revision,
            contract=contract,
            selected=completed,
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


@dsl.pipeline(
    name="concord-score", display_name="Concord: score", description="Answers every row of a file, in shards."
)
def score(bundle: str, rows: str, kind: str = "csv", shard_megabytes: int = 100):
    """Every row of a file answered as the endpoint would answer it, and a list of those that it would refuse.

    Args:
        bundle: Where the published model is: a directory, or its address in the object store.
        rows: Where the CSV or Parquet file is.
        kind: `csv` or `parquet`, for the answers and the list.
        shard_megabytes: How much of the file one task reads, about.
    """
    model = dsl.importer(artifact_uri=bundle, artifact_class=dsl.Model, reimport=False)
    table = dsl.importer(artifact_uri=rows, artifact_class=dsl.Dataset, reimport=False)
    counted = sized(shards(shard_megabytes=shard_megabytes, rows=table.output), "Count shards")
    counted.set_caching_options(enable_caching=False)

    with dsl.ParallelFor(counted.output) as shard:
        scored = sized(
            score_shard(shard=shard, shard_megabytes=shard_megabytes, bundle=model.output, rows=table.output),
            "Score",
            "1",
        )
        scored.set_caching_options(enable_caching=False)

    gathered = sized(gather(kind=kind, scored=dsl.Collected(scored.outputs["scored"])), "Gather")
    gathered.set_caching_options(enable_caching=False)


if __name__ == "__main__":
    from local.command import command_line

    command_line(concord, CANDIDATES, BOOSTING, score)()
