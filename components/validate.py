"""Validate: every cell that breaks the contract is told with its row, column, value and rule; then the run stops."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pandas as pd
from kfp import dsl

from components.errors import InvalidTable
from components.image import component
from components.validation.findings import LISTED, Finding, Findings, page, summary
from contract.schema import Contract


def findings_of(
    contract: Contract, parts: Callable[[], Iterable[pd.DataFrame]], table: str, *, refuse: bool = True
) -> Findings:
    """Check a typed table against its contract, part by part; each call of `parts` gives all of them, in order.

    With `refuse` off (external sites) nothing stops the run, and everything found is a warning.
    """
    from components.validation.repeated_rows import RepeatedRows
    from components.validation.rules import CellRules

    found = Findings(table)
    cells, repeated = CellRules(contract, table, refuse=refuse), RepeatedRows()
    compared: list[str] = []
    for part in parts():
        compared = [column for column in contract.required_columns if column in part]
        found.add(*cells.broken(part, found.room(refused=refuse)))
        repeated.add(part[compared])
    absent = [column for column in contract.required_columns if column not in compared]
    found.add(
        Finding(table, None, column, "", "missing-column", _column_of(contract, column), refuse) for column in absent
    )
    stops = refuse and contract.duplicates == "refuse"
    rows = repeated.found(lambda: (part[compared] for part in parts()))
    allowed = "a row that stands once"
    found.add(
        (Finding(table, int(row) + 2, "(row)", "", "duplicated-row", allowed, stops) for row in rows[:LISTED]),
        {("duplicated-row", stops): len(rows)},
    )
    return found


def _column_of(contract: Contract, name: str) -> str:
    named = next((feature.column for feature in contract.features if feature.name == name), None)
    return f"a column named {named}" if named else "a column of this name"


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
        report: The violations with their row, column, value and rule; what isn't listed is counted.

    Returns:
        How many warnings there are.
    """
    from components.validate import run

    return run(contract, table, external, report)


def run(contract: dsl.Artifact, table: dsl.Artifact, external: dsl.Artifact, report: dsl.Artifact) -> int:
    """What the component does. Raises `InvalidTable`, after the report is written."""
    from pyarrow.parquet import read_metadata

    from components.table import chunks
    from contract.document import load_contract

    rules = load_contract(contract.path)
    training = findings_of(rules, partial(chunks, table.path), table.metadata.get("source", rules.training.shown))
    sites = [
        findings_of(rules, partial(chunks, path), rules.external[path.stem].shown, refuse=False)
        for path in sorted(Path(external.path).glob("*.parquet"))
    ]
    found = [training, *sites]
    rows = read_metadata(table.path).num_rows
    Path(report.path).write_text(page(rules, found, rows), encoding="utf-8")
    if refused := training.count(refused=True):
        count = "1 violation" if refused == 1 else f"{refused} violations"
        heading = f"the training table breaks its contract ({count}):"
        raise InvalidTable(summary(heading, training.refused, refused, report.path))
    warnings = sum(findings.count(refused=False) for findings in found)
    if warnings:
        listed = [warning for findings in found for warning in findings.warnings]
        print(summary(f"warnings ({warnings}):", listed, warnings, report.path))
    return warnings
