"""What each stage needs where it runs: room, time, what it reaches outside of its run, and whether it may be repeated.

One table for all stages: the pipelines take it from here, and so do the rules that a compiled pipeline must keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reach(StrEnum):
    """What a stage reads or changes besides its inputs and outputs; whatever it is, its result must not be cached."""

    NOTHING = "nothing"
    SOURCES = "sources"
    """The tables of a contract, wherever they lie."""
    FILES = "files"
    """Files named by an address, behind which others may lie tomorrow."""
    MLFLOW = "mlflow"
    """The tracking server, the registry and the store of their artifacts."""


@dataclass(frozen=True)
class Needs:
    """What one stage needs."""

    minutes: int
    """After which it is ended: a stage that takes so long hangs."""
    cpu: str = "500m"
    """What is reserved for it, in Kubernetes' units."""
    cpu_limit: str = "1"
    """What it may use; more than one only where it starts a process of its own, or reads with several threads."""
    memory: str = "1Gi"
    """What it has at most, and what is reserved for it: memory can't be taken back, so both are the same."""
    grows: bool = False
    """Whether memory follows the table's size, because rows are fitted or predicted as one block of numbers."""
    reaches: Reach = Reach.NOTHING
    retries: int = 0
    """How often it is tried again; where a second try can only fail as the first did, not at all."""
    backoff_seconds: int = 10
    """The wait before the first further try; each next one is twice as long."""
    repeatable: bool = True
    """Whether a second try leaves the world as one alone would have."""


NEEDS: Mapping[str, Needs] = {
    "check-tracking": Needs(minutes=10, reaches=Reach.MLFLOW, retries=2),
    "ingest": Needs(minutes=120, memory="2Gi", reaches=Reach.SOURCES, retries=2, backoff_seconds=30),
    "validate": Needs(minutes=60),
    "explore": Needs(minutes=60, memory="2Gi"),
    "split": Needs(minutes=60, memory="2Gi"),
    # The longest of all: while they run, nodes are drained and pods are moved.
    "train": Needs(minutes=240, cpu="1", cpu_limit="2", memory="2Gi", grows=True, retries=1, backoff_seconds=60),
    "cross-validate": Needs(
        minutes=720, cpu="1", cpu_limit="2", memory="2Gi", grows=True, retries=1, backoff_seconds=60
    ),
    "evaluate": Needs(minutes=240, cpu="1", cpu_limit="2", memory="2Gi", grows=True),
    "select": Needs(minutes=30),
    "ablate": Needs(minutes=720, cpu="1", cpu_limit="2", memory="2Gi", grows=True),
    "package": Needs(minutes=120, cpu="1", cpu_limit="2", memory="2Gi", grows=True),
    "report": Needs(minutes=60, memory="2Gi"),
    # A second try would log a second run, and register a second version.
    "register": Needs(minutes=60, reaches=Reach.MLFLOW, repeatable=False),
    "publish": Needs(
        minutes=60, cpu="1", cpu_limit="2", memory="2Gi", reaches=Reach.MLFLOW, retries=1, backoff_seconds=30
    ),
    "shards": Needs(minutes=30, reaches=Reach.FILES, retries=1),
    "score-shard": Needs(minutes=120, cpu="1", cpu_limit="2", reaches=Reach.FILES, retries=1, backoff_seconds=60),
    "gather": Needs(minutes=120, reaches=Reach.FILES, retries=1),
}
"""By component. Measured at most: 0.7 GiB where memory doesn't grow with the table; where it does, 3.8 GiB in a fit on
476,000 rows, and 0.6 GiB on every other table of `datasets/`."""
