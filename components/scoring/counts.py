"""What came of a file, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from components.scoring.batch import Scored
    from components.scoring.part import Part


@dataclass
class Counts:
    """Counts of rows. A row that breaks several rules counts once in `refused`, and once under each in `by_rule`.

    `lines` are those of the file, 0 if it has none; `unusual` are answered rows with a value outside its usual range.
    """

    rows: int = 0
    lines: int = 0
    answered: int = 0
    unusual: int = 0
    by_label: dict[str, int] = field(default_factory=dict)
    by_rule: dict[str, int] = field(default_factory=dict)

    @property
    def refused(self) -> int:
        """Rows that weren't answered."""
        return self.rows - self.answered

    def add(self, part: Part, scored: Scored, labels: Sequence[str]) -> None:
        """Count a part."""
        self.rows += part.rows
        self.answered += len(scored.answered)
        self.unusual += scored.unusual
        decided = np.bincount(scored.answer.decided, minlength=len(labels)).tolist()
        self.by_label = dict(Counter(self.by_label) + Counter(dict(zip(labels, decided, strict=True))))
        rules = Counter(rule for _, rule in {(item.row, item.rule) for item in scored.refused})
        self.by_rule = dict(Counter(self.by_rule) + rules)

    def join(self, other: Counts) -> None:
        """Add the counts of the shard that follows."""
        self.rows += other.rows
        self.lines += other.lines
        self.answered += other.answered
        self.unusual += other.unusual
        self.by_label = dict(Counter(self.by_label) + Counter(other.by_label))
        self.by_rule = dict(Counter(self.by_rule) + Counter(other.by_rule))

    def in_words(self, seconds: float | None = None) -> list[str]:
        """The summary that a person reads, a line a fact; with the rate if it took so many seconds."""
        rate = f" in {seconds:.1f} s, {self.rows / max(seconds, 1e-9):,.0f} rows/s" if seconds is not None else ""
        lines = [f"Answered {self.answered:,} of {self.rows:,} rows{rate}"]
        if self.answered:
            shares = ", ".join(f"{label} {count:,}" for label, count in sorted(self.by_label.items(), key=_falling))
            lines.append(f"Labels   {shares}")
        if self.unusual:
            lines.append(f"Unusual  {self.unusual:,} of them have a value outside its usual range")
        if self.refused:
            rules = ", ".join(f"{count:,} {rule}" for rule, count in sorted(self.by_rule.items(), key=_falling))
            lines.append(f"Refused  {self.refused:,} rows: {rules}")
        return lines


COUNTS: TypeAdapter[Counts] = TypeAdapter(Counts)
"""Writes and reads counts as JSON."""


def _falling(entry: tuple[str, int]) -> tuple[int, str]:
    return -entry[1], entry[0]
