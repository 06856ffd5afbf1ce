"""Score: a whole file answered by a bundle, in shards that run side by side."""

from kfp import dsl

from components.image import component


@component
def shards(shard_megabytes: int, rows: dsl.Input[dsl.Dataset]) -> list[int]:
    """Counts the shards of a file.

    Args:
        shard_megabytes: How large a shard is, about.
        rows: The CSV or Parquet file.

    Returns:
        A number for each shard, from 0.
    """
    from components.score import numbers

    return numbers(shard_megabytes, rows)


def numbers(shard_megabytes: int, rows: dsl.Artifact) -> list[int]:
    """What the component does."""
    return list(range(_count(shard_megabytes, rows)))


@component
def score_shard(
    shard: int,
    shard_megabytes: int,
    bundle: dsl.Input[dsl.Model],
    rows: dsl.Input[dsl.Dataset],
    scored: dsl.Output[dsl.Dataset],
):
    """Answers the rows of one shard as the endpoint would, and lists those that it would refuse.

    Args:
        shard: Which shard.
        shard_megabytes: How large a shard is, about.
        bundle: The published model.
        rows: The whole file.
        scored: A directory with the answers, the refused rows, and their counts.
    """
    from components.score import run_shard

    run_shard(shard, shard_megabytes, bundle, rows, scored)


def run_shard(shard: int, shard_megabytes: int, bundle: dsl.Artifact, rows: dsl.Artifact, scored: dsl.Artifact) -> None:
    """What the component does. Raises `UnreadableTable` if the file isn't one of the bundle's table."""
    from pathlib import Path

    from components.scoring.job import score_shard
    from contract.bundle import load_bundle

    counts = score_shard(
        load_bundle(bundle.path),
        Path(rows.path),
        Path(scored.path),
        shard,
        _count(shard_megabytes, rows),
        lambda share, counts: print(f"::progress {share:.0%}, {counts.rows:,} rows", flush=True),
    )
    scored.metadata.update(rows=counts.rows, answered=counts.answered, refused=counts.refused)


@component
def gather(
    kind: str,
    scored: dsl.Input[list[dsl.Dataset]],
    answers: dsl.Output[dsl.Dataset],
    refused: dsl.Output[dsl.Dataset],
) -> int:
    """Joins the shards in order.

    Args:
        kind: `csv` or `parquet`.
        scored: What each shard gave, in order.
        answers: One file with the answer to every row that has one.
        refused: One file with every reason why a row has none.

    Returns:
        How many rows were refused.
    """
    from components.score import join

    return join(kind, scored, answers, refused)


def join(kind: str, scored: list[dsl.Artifact], answers: dsl.Artifact, refused: dsl.Artifact) -> int:
    """What the component does. Raises `UnwritableFile` for another kind, `UnreadableTable` if there was no row."""
    from pathlib import Path

    from components.scoring.job import join_shards

    counts = join_shards(
        [Path(item.path) for item in scored], Path(answers.path), Path(refused.path), suffix=f".{kind}"
    )
    answers.metadata.update(rows=counts.answered, kind=kind, labels=counts.by_label, unusual=counts.unusual)
    refused.metadata.update(rows=counts.refused, kind=kind, rules=counts.by_rule)
    for line in counts.in_words():
        print(line)
    return counts.refused


def _count(shard_megabytes: int, rows: dsl.Artifact) -> int:
    from components.errors import StageError
    from components.scoring.reading import shards_of

    if shard_megabytes < 1:
        raise StageError(f"shard_megabytes is {shard_megabytes}; a shard has at least one megabyte")
    return shards_of(rows.path, shard_megabytes * 10**6)
