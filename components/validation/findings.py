"""What breaks the contract, in words. However much that is, it takes bounded memory, and a page of bounded length."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contract.schema import Contract

LISTED = 10_000
"""Findings of a table that are listed, and again so many that only warn; the others are counted."""

SHOWN = 20
"""Findings that are printed; the report has more."""


@dataclass(frozen=True)
class Finding:
    """One violation. `line` is that of the source file: the header is line 1, so the first row is line 2."""

    table: str
    line: int | None
    column: str
    value: str
    rule: str
    allowed: str
    refused: bool

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        value = f": {self.value}" if self.value else ""
        return f"{self.table}, {where}{self.column}{value} ({self.rule}; allowed: {self.allowed})"


@dataclass
class Findings:
    """What breaks the contract in one table: the first of it, and how much there is.

    `refused` stops the run, `warnings` don't; both are in the order of lines. `counts` says how often each rule is
    broken by what is refused (True) and what only warns (False).
    """

    table: str
    refused: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    counts: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def add(self, found: Iterable[Finding], counts: Mapping[tuple[str, bool], int] | None = None) -> None:
        """Add findings, of any lines, and how many there are if these aren't all."""
        known = list(found)
        self.counts.update(Counter((finding.rule, finding.refused) for finding in known) if counts is None else counts)
        for listed, refused in ((self.refused, True), (self.warnings, False)):
            listed += [finding for finding in known if finding.refused == refused]
            listed.sort(key=lambda finding: finding.line or 0)
            del listed[LISTED:]

    def count(self, *, refused: bool) -> int:
        """How many there are that stop the run, or that only warn."""
        return sum(number for (_, stops), number in self.counts.items() if stops == refused)

    def room(self, *, refused: bool) -> int:
        """How many of one more part are worth telling, at least 1."""
        return max(1, LISTED - len(self.refused if refused else self.warnings))

    @property
    def listed(self) -> list[Finding]:
        """Those that are listed, in the order of lines."""
        return sorted([*self.refused, *self.warnings], key=lambda finding: finding.line or 0)


def page(contract: Contract, found: Sequence[Findings], rows: int) -> str:
    """The report as one HTML page; what it doesn't list it counts."""
    refused, warnings = (sum(findings.count(refused=stops) for findings in found) for stops in (True, False))
    listed = [finding for findings in found for finding in findings.listed]
    body = _table(
        ("", "table", "line", "column", "value", "rule", "allowed"),
        [(_kind(f.refused), f.table, f.line or "", f.column, f.value, f.rule, f.allowed) for f in listed],
    )
    if len(listed) < refused + warnings:
        counted = [
            (_kind(stops), findings.table, rule, f"{number:,}")
            for findings in found
            for (rule, stops), number in findings.counts.most_common()
        ]
        totals = _table(("", "table", "rule", "how often"), counted)
        body = (
            f"<p>Of each table the first {LISTED:,} are listed, of refusals and of warnings. In all:</p>{totals}{body}"
        )
    style = "body{font:15px/1.5 sans-serif;margin:2rem}td,th{padding:.2rem .8rem;text-align:left;vertical-align:top}"
    title = f"Validation of {html.escape(contract.title)}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{style}</style><h1>{title}</h1>"
        f"<p>{rows} rows checked: {refused} refused, {warnings} warnings.</p>{body}</html>"
    )


def _kind(refused: bool) -> str:
    return "refused" if refused else "warning"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def summary(heading: str, listed: Sequence[Finding], count: int, report: str) -> str:
    """The first findings in words; the rest are counted, and the report has as many as it lists."""
    lines = [str(finding) for finding in listed[:SHOWN]]
    if count > SHOWN:
        lines.append(f"and {count - SHOWN} more")
    return "\n  ".join([heading, *lines, f"{'All' if count == len(listed) else 'More'} of them: {report}"])
