"""Where in a file each feature stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.errors import UnreadableTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contract.schema import Contract

_LONGEST_SHOWN = 60
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


@dataclass(frozen=True)
class Places:
    """The position in a file's header of each feature, by its name, and of the id column if the file has it."""

    features: dict[str, int]
    id_column: int | None

    @classmethod
    def of(cls, contract: Contract, header: Sequence[str], path: Path) -> Places:
        """Find the features under their names in the table's files, or else under their own.

        Raises `UnreadableTable` naming the features that aren't there, or that stand there twice.
        """
        found: dict[str, list[int]] = {}
        for feature in contract.features:
            in_files = feature.column if feature.column in header else feature.name
            found[feature.name] = [position for position, name in enumerate(header) if name == in_files]
        absent = [_named(contract, name) for name, positions in found.items() if not positions]
        if len(absent) == len(found):
            raise UnreadableTable(_no_such_table(contract, header, path))
        if absent:
            raise UnreadableTable(
                f"{path}: lacks {len(absent)} of the {len(found)} columns that the model needs: {', '.join(absent)}."
                " Add them; cells may be empty where the contract lets a request leave the value out."
            )
        twice = [header[positions[0]] for positions in found.values() if len(positions) > 1]
        if twice:
            raise UnreadableTable(f"{path}: its header names {', '.join(map(repr, twice))} more than once; keep one")
        ids = [position for position, name in enumerate(header) if name == contract.id_column]
        return cls({name: positions[0] for name, positions in found.items()}, ids[0] if ids else None)


def _named(contract: Contract, name: str) -> str:
    column = next(feature.column for feature in contract.features if feature.name == name)
    return f"{name} ({column} in the table's files)" if column and column != name else name


def _no_such_table(contract: Contract, header: Sequence[str], path: Path) -> str:
    names = {name for feature in contract.features for name in (feature.name, feature.column)}
    first = ",".join(header)
    for mark, plural in _OTHER_SEPARATORS.items():
        if names.intersection(name.strip(' "') for name in first.split(mark)):
            return f"{path}: its cells are separated by {plural}; save it with commas"
    return (
        f"{path}: has none of the model's columns, so it is no file of this table, or its header is missing; it begins"
        f" {first[:_LONGEST_SHOWN]!r}, and should name {', '.join(contract.feature_names)}"
    )
