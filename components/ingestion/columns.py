"""Which column of a file is which column of the table."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from components.errors import UnreadableTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contract.schema import Contract


def expected(contract: Contract) -> list[str]:
    """The names that a file's header should have: a feature's `column`, where that isn't its name."""
    in_files = {feature.name: feature.column or feature.name for feature in contract.features}
    return [in_files.get(name, name) for name in contract.required_columns]


def is_of(contract: Contract, header: Sequence[str]) -> bool:
    """Whether a header names any column of the contract at all."""
    return not {*expected(contract), *contract.required_columns}.isdisjoint(header)


def check(contract: Contract, header: Sequence[str], location: str, kind: str, beginning: str) -> None:
    """Refuse a header that is none of this table; `kind` is that of the file, `beginning` says what stands there.

    Raises `UnreadableTable`.
    """
    if not is_of(contract, header):
        raise UnreadableTable(
            f"{location}: has none of the contract's columns, so it is no {kind} of this table, or its header is"
            f" missing; {beginning}, and should name {', '.join(expected(contract))}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UnreadableTable(f"{location}: its header names {', '.join(map(repr, twice))} more than once; keep one")


def positions(contract: Contract, header: Sequence[str]) -> dict[str, int]:
    """Where each of the table's columns stands in a file with this header; those that the file lacks are left out.

    A feature is found under its `column`, or else under its own name; all other columns keep the name that they have in
    the file, and one that the contract doesn't know gives way to a feature of that name.
    """
    at = {name: position for position, name in enumerate(header)}
    features = {
        feature.name: at.get(feature.column or feature.name, at.get(feature.name)) for feature in contract.features
    }
    found = {name: position for name, position in features.items() if position is not None}
    kept = set(contract.required_columns).difference(features)
    others = {name: position for name, position in at.items() if position not in found.values() or name in kept}
    return dict(sorted({**others, **found}.items(), key=itemgetter(1)))
