"""What a pipeline's parameters default to for one table, and how much room the table needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compilation.errors import UnreachableContract
from components import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from contract.schema import Contract

MEMORY: Mapping[str, str] = {"porto-seguro": "8Gi"}
"""For the tasks that fit or predict the whole table, by the name of its contract, where that is more than others need.

Measured with 476,000 rows of 57 columns: 3.8 GiB, in a fit."""


def parameters_of(path: Path, contract: Contract, candidates: Sequence[str]) -> dict[str, Any]:
    """The training pipeline's parameters for the table of a contract.

    Raises `UnreachableContract` if it lies outside of `datasets/`, which is what the image holds.
    """
    folder = PROJECT / "datasets"
    if not path.resolve().is_relative_to(folder):
        raise UnreachableContract(
            f"{path} isn't below datasets/, so no image has it. Copy its folder into datasets/, build the image"
            " again, and name the folder: --dataset NAME"
        )
    return {
        "contract_path": path.resolve().relative_to(PROJECT).as_posix(),
        "experiment": contract.name,
        "candidates": list(candidates),
    }


def competing(contract: Contract, every: Sequence[str]) -> tuple[list[str], list[str]]:
    """The candidates of a contract, or all: those that the image can train, and those whose library it doesn't have."""
    from components.learning.candidates import candidate_named

    chosen = [candidate_named(name) for name in contract.candidates or every]
    return (
        [candidate.name for candidate in chosen if candidate.requires is None],
        [candidate.name for candidate in chosen if candidate.requires is not None],
    )
