"""What a rule has found in a compiled pipeline."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong, and how to put it right."""

    wrong: str
    fix: str


class Finding(NamedTuple):
    """A fault, with its place and its rule."""

    rule: str
    place: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.place}: {self.fault.wrong} ({self.rule})\n    {self.fault.fix}"
