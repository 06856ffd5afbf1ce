"""What can go wrong between a table, its contract and its bundle.

    ContractError
    ├── UnreadableContract   the file is absent, is not YAML, or is no mapping
    ├── InvalidContract      the file breaks rules: one `Problem` each, with its line
    ├── RequestRefused       rows that the contract doesn't allow: one `Violation` each
    ├── DraftError           no first contract can be written of a table
    │   ├── UnusableTable      the file is absent, is no CSV with a header and rows, or has nothing to learn from
    │   ├── UnusableTarget     there is no such column, or its values are no classes
    │   └── UnwritableDraft    there is a file already, or none can be made there
    └── BundleError
        ├── CorruptBundle      a file is missing, or isn't what the manifest says
        └── UnsupportedBundle  a format that this version can't read

All of them carry text that a person can act on. `Inconsistent` is no member: it is how the models of a contract tell
pydantic which of their fields contradict each other, and `contract.document` turns it into problems.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHOWN_VIOLATIONS = 20

Contradiction = tuple[tuple[str | int, ...], str]
"""The path from a model to one of its fields, and the rule that this field breaks together with others."""


class ContractError(Exception):
    """Everything that this package refuses."""


class UnreadableContract(ContractError):
    """The contract can't be read at all."""


@dataclass(frozen=True)
class Problem:
    """One broken rule of a contract file. `line` counts from 1; `field` is a path such as `features[2] (age).range`."""

    line: int
    field: str
    rule: str


class InvalidContract(ContractError):
    """The contract breaks its own rules; `problems` has them in the order of the file."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        lines = [f"{path}:{problem.line}: {problem.field}: {problem.rule}" for problem in self.problems]
        super().__init__("\n".join(lines))


class Inconsistent(ValueError):
    """Fields that are right by themselves but not together: for each broken rule the path to a field, and the rule."""

    def __init__(self, problems: Sequence[Contradiction]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{'.'.join(map(str, path))}: {rule}" for path, rule in self.problems))


@dataclass(frozen=True)
class Violation:
    """One value that a contract doesn't allow.

    `row` counts from 0 within the request or the table. `value` is already shortened for display. `rule` is one of a
    small fixed set (it labels metrics): see `contract.encoding.RULES`. `allowed` says what would have been accepted.
    """

    row: int
    column: str
    value: str
    rule: str
    allowed: str

    @property
    def reason(self) -> str:
        """What is wrong, without the row."""
        return f"{self.column}: {self.value} breaks '{self.rule}'; allowed: {self.allowed}"

    def __str__(self) -> str:
        return f"row {self.row}, {self.reason}"


class RequestRefused(ContractError):
    """Rows that break the contract. The message lists the first twenty problems, then counts the rest."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        shown = [str(violation) for violation in self.violations[:SHOWN_VIOLATIONS]]
        hidden = len(self.violations) - len(shown)
        if hidden:
            shown.append(f"and {hidden} more")
        super().__init__("; ".join(shown))


class DraftError(ContractError):
    """A table that no contract can be drafted of."""


class UnusableTable(DraftError):
    """The file can't be read as a table; the message names the line where there is one."""


class UnusableTarget(DraftError):
    """The column to predict isn't there, or doesn't hold classes."""


class UnwritableDraft(DraftError):
    """The contract can't be written where it should be."""


class BundleError(ContractError):
    """A bundle that can't be served."""


class CorruptBundle(BundleError):
    """A bundle whose content isn't what its manifest promises; the message names the file."""


class UnsupportedBundle(BundleError):
    """A bundle written in a format that this version doesn't know."""
