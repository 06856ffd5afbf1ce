"""Validate: every cell that breaks the contract is listed with its row, column, value and rule; then the run stops."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from kfp import dsl

from components.errors import InvalidTable
from components.image import component
from contract.features import BooleanFeature, CategoricalFeature, Feature, IntegerFeature, allowed_values
from contract.schema import Contract

SHOWN = 20
_LONGEST_SHOWN = 40
_SPLITTING = {
    "grouped": "a value in every row, because rows are split by it",
    "time": "a number, or a date such as 2021-03-01, in every row, because rows are split by it",
}


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


def findings_of(contract: Contract, frame: pd.DataFrame, name: str, *, refuse: bool = True) -> list[Finding]:
    """Check a typed table against its contract.

    A feature may be missing in any row: it is imputed, and `missing.allowed` is about requests alone. The target may
    not, nor may the column that rows are split by.

    With `refuse` off (external sites) nothing stops the run, and everything found is a warning.
    """
    from components.table import with_numbers

    absent = [column for column in contract.required_columns if column not in frame]
    findings = [Finding(name, None, column, "", "missing-column", "a column of this name", refuse) for column in absent]
    findings += _cells(contract, with_numbers(contract, frame), name, refuse=refuse)
    compared = [column for column in contract.required_columns if column in frame]
    stops = refuse and contract.duplicates == "refuse"
    findings += [
        Finding(name, int(row) + 2, "(row)", "", "duplicated-row", "a row that stands once", stops)
        for row in frame.index[frame.duplicated(subset=compared)]
    ]
    return sorted(findings, key=lambda finding: finding.line or 0)


def _cells(contract: Contract, frame: pd.DataFrame, name: str, *, refuse: bool) -> list[Finding]:
    import pandera.pandas as pandera

    from components.table import sortable

    rules = {feature.name: (allowed_values(feature), _checks(feature)) for feature in contract.features}
    rules[contract.target.column] = _target_rule(contract)
    by = {"grouped": contract.group_column, "time": contract.time_column}.get(contract.split.method)
    if by:
        ordered = [_check("wrong-type", lambda cells: sortable(cells).notna())] if by == contract.time_column else []
        allowed, checks = rules.get(by, (_SPLITTING[contract.split.method], ordered))
        rules[by] = (allowed, [_check("missing-value", pd.Series.notna, missing=True), *checks])
    schema = pandera.DataFrameSchema(
        {
            column: pandera.Column(None, checks, nullable=True)
            for column, (_, checks) in rules.items()
            if column in frame
        }
    )
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["index", "column", "check", "failure_case"]].itertuples(index=False)
        return [
            Finding(name, int(row) + 2, column, _shown(value), rule, rules[column][0], refuse)
            for row, column, rule, value in cases
        ]
    return []


def _target_rule(contract: Contract) -> tuple[str, list[Any]]:
    from components.table import code

    values = ", ".join(repr(value) for item in contract.target.classes for value in item.values)
    known = _check("unknown-class", lambda cells: cells.map(lambda cell: contract.class_of(code(cell)) is not None))
    return f"one of {values}", [_check("missing-target", pd.Series.notna, missing=True), known]


def _check(rule: str, passes: Callable[[Any], Any], *, missing: bool = False) -> Any:
    """A rule for the cells of a column: those present, or, with `missing`, all of them."""
    import pandera.pandas as pandera

    return pandera.Check(passes, name=rule, ignore_na=not missing)


def _checks(feature: Feature) -> list[Any]:
    if isinstance(feature, CategoricalFeature):
        return [_check("unknown-category", lambda cells: cells.isin(feature.values))]
    if isinstance(feature, BooleanFeature):
        return [_check("wrong-type", lambda cells: cells.isin([0, 1]))]
    limits = feature.range
    checks = [
        _check("wrong-type", lambda cells: _numbers(cells).notna()),
        _check("out-of-range", lambda cells: _numbers(cells).isna() | _numbers(cells).between(limits.min, limits.max)),
    ]
    if isinstance(feature, IntegerFeature):
        checks.append(_check("not-whole", lambda cells: ~(_numbers(cells) % 1 > 0)))
    return checks


def _numbers(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_numeric(cells, errors="coerce")


def _shown(value: object) -> str:
    from components.table import code

    if value is None or value != value:  # noqa: PLR0124  (only NaN differs from itself)
        return "(empty)"
    text = repr(value) if isinstance(value, str) else str(code(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def page(contract: Contract, findings: Sequence[Finding], rows: int) -> str:
    """The report as one HTML page, whole: no finding is left out."""
    refused = sum(finding.refused for finding in findings)
    cells = "".join(
        f"<tr><td>{'refused' if f.refused else 'warning'}</td><td>{html.escape(f.table)}</td><td>{f.line or ''}</td>"
        f"<td>{html.escape(f.column)}</td><td>{html.escape(f.value)}</td><td>{f.rule}</td>"
        f"<td>{html.escape(f.allowed)}</td></tr>"
        for f in findings
    )
    header = "".join(f"<th>{name}</th>" for name in ("", "table", "line", "column", "value", "rule", "allowed"))
    body = f"<table><thead><tr>{header}</tr></thead><tbody>{cells}</tbody></table>" if findings else ""
    style = "body{font:15px/1.5 sans-serif;margin:2rem}td,th{padding:.2rem .8rem;text-align:left;vertical-align:top}"
    title = f"Validation of {html.escape(contract.title)}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{style}</style><h1>{title}</h1>"
        f"<p>{rows} rows checked: {refused} refused, {len(findings) - refused} warnings.</p>{body}</html>"
    )


@component
def validate(
    contract: dsl.Input[dsl.Artifact],
    table: dsl.Input[dsl.Dataset],
    external: dsl.Input[dsl.Dataset],
    report: dsl.Output[dsl.HTML],
) -> int:
    """Checks the tables against the contract and stops the run if the training table breaks it.

    Args:
        contract: The contract.
        table: The training table.
        external: The external sites' tables; what they break only warns.
        report: Every violation with its row, column, value and rule.

    Returns:
        How many warnings there are.
    """
    from components.validate import run

    return run(contract, table, external, report)


def run(contract: dsl.Artifact, table: dsl.Artifact, external: dsl.Artifact, report: dsl.Artifact) -> int:
    """What the component does. Raises `InvalidTable`, after the report is written."""
    from components import table as tables
    from contract.document import load_contract

    rules = load_contract(contract.path)
    frame = tables.read(table.path)
    findings = findings_of(rules, frame, rules.training.location)
    for path in sorted(Path(external.path).glob("*.parquet")):
        findings += findings_of(rules, tables.read(path), rules.external[path.stem].location, refuse=False)
    Path(report.path).write_text(page(rules, findings, len(frame)), encoding="utf-8")
    refused = [finding for finding in findings if finding.refused]
    if refused:
        count = "1 violation" if len(refused) == 1 else f"{len(refused)} violations"
        raise InvalidTable(summary(f"the training table breaks its contract ({count}):", refused, report.path))
    if findings:
        print(summary(f"warnings ({len(findings)}):", findings, report.path))
    return len(findings)


def summary(heading: str, findings: Sequence[Finding], report: str) -> str:
    """The first findings in words; the rest are counted, and the report has them all."""
    lines = [str(finding) for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        lines.append(f"and {len(findings) - SHOWN} more")
    return "\n  ".join([heading, *lines, f"All of them: {report}"])
