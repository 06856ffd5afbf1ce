"""The rows of a table as a client would send them, with their true classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from components import table
from components.ingest import ingest_source
from contract.features import BooleanFeature
from monitoring.errors import NoRows

if TYPE_CHECKING:
    from pathlib import Path

    from contract.schema import Contract

    Row = dict[str, int | float | str | bool | None]

TRAINING = "training"
"""The name of the table that a model is trained on; all others are the contract's `external`."""

MOST_ROWS = 20_000
"""Rows of a larger table that are drawn once, at random: as good to draw requests from, and soon read."""


@dataclass(frozen=True)
class Rows:
    """What can be sent of a table. `labels` has the class of each instance, `None` if the table doesn't tell.

    `refused` counts the rows that were left out because they break the contract. Of a large table both are about some
    of its rows.
    """

    title: str
    instances: tuple[Row, ...]
    labels: tuple[str | None, ...]
    refused: int


def tables_of(contract: Contract) -> list[str]:
    """The names by which `read` knows the tables of a contract."""
    return [TRAINING, *contract.external]


def read(contract: Contract, directory: Path, name: str = TRAINING) -> Rows:
    """The table called `name`, whose sources lie beside the contract in `directory`.

    Raises `components.errors.UnreadableTable` if it can't be had, and `NoRows` if no row of it keeps the contract.
    """
    source = contract.training if name == TRAINING else contract.external[name]
    frame, _ = ingest_source(contract, source, directory)
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0).reset_index(drop=True)
    violations = table.encode(contract, frame).violations
    broken = {violation.row for violation in violations}
    if len(broken) == len(frame):
        raise NoRows(f"{source.shown}: every row breaks the contract, the first one so: {violations[0]}")
    numbers = table.with_numbers(contract, frame)  # before rows are left out: it needs the stray words themselves
    kept = numbers.iloc[[row for row in range(len(frame)) if row not in broken]]
    complete = kept.reindex(columns=list(dict.fromkeys([*kept.columns, *contract.feature_names])))
    instances = table.requests_of(contract, complete)
    booleans = [feature.name for feature in contract.features if isinstance(feature, BooleanFeature)]
    for instance in instances:
        for boolean in booleans:
            value = instance[boolean]
            instance[boolean] = None if value is None else bool(value)
    labels = [
        None if np.isnan(place) else contract.target.labels[int(place)] for place in table.classes(contract, kept)
    ]
    return Rows(source.title, tuple(instances), tuple(labels), len(broken))
