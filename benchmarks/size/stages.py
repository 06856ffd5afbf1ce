"""The stages that are measured, each in a process of its own: `python -m benchmarks.size.stages STAGE DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kfp import dsl

from components import PROJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DATASET = PROJECT / "datasets" / "porto_seguro"
ROWS = "rows.csv"
BUNDLE = "bundle"


def make_rows(path: Path, rows: int, seed: int = 0) -> None:
    """Make up a CSV file of the Porto Seguro table, a block at a time."""
    from pyarrow import csv

    from datasets.porto_seguro.generator import blocks

    made = blocks(rows, seed)
    first = next(made)
    with csv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for block in made:
            writer.write_table(block)


def _artifact(folder: Path, name: str) -> dsl.Artifact:
    return dsl.Artifact(uri=str(folder / name))


def _ingest(folder: Path) -> None:
    from components import ingest

    outputs = (_artifact(folder, name) for name in ("contract", "table", "external"))
    ingest.run(str(DATASET / "contract.yaml"), {"": str(folder / ROWS)}, *outputs)


def _validate(folder: Path) -> None:
    from components import validate

    validate.run(*(_artifact(folder, name) for name in ("contract", "table", "external", "validation")))


def _explore(folder: Path) -> None:
    from components import explore

    explore.run(*(_artifact(folder, name) for name in ("contract", "table", "exploration")), made=True)


def _split(folder: Path) -> None:
    from components import split

    split.run(*(_artifact(folder, name) for name in ("contract", "table", "training", "held_out")))


def _profile(folder: Path) -> None:
    import numpy as np

    from components import table
    from contract.document import load_contract
    from contract.profile import profile_of

    contract = load_contract(folder / "contract")
    matrix = table.encode(contract, table.read(folder / "training")).matrix
    probability = np.random.default_rng(0).random(len(matrix))
    profile = profile_of(contract.features, matrix, probability, contract.target.labels)
    (folder / "profile").write_text(profile.model_dump_json(), encoding="utf-8")


def _score(folder: Path) -> None:
    from components.scoring.job import score_file
    from contract.bundle import load_bundle

    score_file(load_bundle(folder / BUNDLE), folder / ROWS, folder / "answers.parquet", folder / "refused.csv")


STAGES: Mapping[str, Callable[[Path], None]] = {
    "ingest": _ingest,
    "validate": _validate,
    "explore": _explore,
    "split": _split,
    "profile": _profile,
    "score": _score,
}
"""In the order in which they need each other's files."""


if __name__ == "__main__":
    STAGES[sys.argv[1]](Path(sys.argv[2]))
