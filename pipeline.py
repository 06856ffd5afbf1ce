"""From a table to a published model: the pipeline, top to bottom, and its commands (`python pipeline.py --help`)."""

from kfp import dsl

from compilation.placement import placed
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


@dsl.pipeline(
    name="concord", display_name="Concord", description="Trains candidates on a table and publishes the best."
)
def concord(
    contract_path: str = "datasets/heart/contract.yaml",
    experiment: str = "heart",
    effort: str = "standard",
    candidates: list[str] = CANDIDATES,
    source: dict[str, str] = AS_THE_CONTRACT_SAYS,
    publish_mode: str = "champion",
    code_revision: str = "unknown",
):
    """Everything from the contract's source to the champion.

    Args:
        contract_path: The contract of the table: datasets/NAME/contract.yaml, as the image has it.
        experiment: The MLflow experiment to log to.
        effort: quick (half a minute on a small table), standard (minutes) or thorough (for numbers to publish).
        candidates: Which kinds of model compete, such as ["logistic-regression", "random-forest"].
        source: Where the training table is, if not where the contract says: {"": "s3://bucket/table.csv"}; of a table
            of several files, each under its name in the contract.
        publish_mode: champion (a winner that isn't worse takes its place) or check (it remains the challenger).
        code_revision: The revision of the code, which the model and its report will name.
    """
    run_id = f"{dsl.PIPELINE_JOB_NAME_PLACEHOLDER}/{dsl.PIPELINE_JOB_ID_PLACEHOLDER}"

    tracker = placed(check_tracking(experiment=experiment), "Check MLflow")
    ingested = placed(ingest(contract_path=contract_path, source=source), "Ingest")
    contract, table, external = (ingested.outputs[name] for name in ("contract", "table", "external"))
    digest, made = ingested.outputs["sha256"], ingested.outputs["made"]

    validated = placed(validate(contract=contract, table=table, external=external), "Validate")
    explored = placed(explore(contract=contract, table=table, made=made).after(validated), "Explore")
    halves = placed(split(contract=contract, table=table).after(validated, tracker), "Split")
    training, held_out = halves.outputs["training"], halves.outputs["held_out"]

    with dsl.ParallelFor(candidates) as candidate:
        trained = placed(train(candidate=candidate, effort=effort, contract=contract, training=training), "Train")
        judged = placed(
            cross_validate(candidate=candidate, effort=effort, contract=contract, training=training), "Cross-validate"
        )

    evaluated = placed(
        evaluate(
            effort=effort,
            data_sha256=digest,
            made=made,
            contract=contract,
            training=training,
            held_out=held_out,
            external=external,
            models=dsl.Collected(trained.outputs["model"]),
            resampled=dsl.Collected(judged.outputs["resampled"]),
        ),
        "Evaluate",
    )
    chosen = placed(select(contract=contract, evaluation=evaluated.outputs["evaluation"]), "Select")
    completed = placed(
        ablate(
            effort=effort,
            contract=contract,
            training=training,
            held_out=held_out,
            selected=chosen.outputs["selected"],
        ),
        "Ablate",
    ).outputs["completed"]

    packaged = placed(
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
    )
    bundle, parity = packaged.outputs["bundle"], packaged.outputs["parity"]
    reported = placed(
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
    )

    registered = placed(
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
    placed(
        publish(version=registered.outputs["version"], mode=publish_mode, held_out=held_out, bundle=bundle), "Publish"
    )


@dsl.pipeline(
    name="concord-score", display_name="Concord: score", description="Answers every row of a file, in shards."
)
def score(bundle: str, rows: str, kind: str = "csv", shard_megabytes: int = 100):
    """Every row of a file answered as the endpoint would answer it, and a list of those that it would refuse.

    Args:
        bundle: Where the published model is: a directory, or its address in the object store (s3://…/bundle).
        rows: Where the file is: CSV with a header, or Parquet.
        kind: csv or parquet, for the answers and the list.
        shard_megabytes: How much of the file one task reads, about.
    """
    model = dsl.importer(artifact_uri=bundle, artifact_class=dsl.Model, reimport=False).set_display_name("Model")
    table = dsl.importer(artifact_uri=rows, artifact_class=dsl.Dataset, reimport=False).set_display_name("Rows")
    counted = placed(shards(shard_megabytes=shard_megabytes, rows=table.output), "Count shards")

    with dsl.ParallelFor(counted.output) as shard:
        scored = placed(
            score_shard(shard=shard, shard_megabytes=shard_megabytes, bundle=model.output, rows=table.output), "Score"
        )

    placed(gather(kind=kind, scored=dsl.Collected(scored.outputs["scored"])), "Gather")


if __name__ == "__main__":
    from commands.line import command_line

    command_line({"train": concord, "score": score}, CANDIDATES, BOOSTING)()
