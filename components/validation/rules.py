"""The contract's rules for cells, as pandera checks them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from components.table import code, sortable, with_numbers
from components.validation.findings import LISTED, Finding
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, allowed_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.features import Feature
    from contract.schema import Contract

    Passes = Callable[[pd.Series[Any]], pd.Series[bool]]

_LONGEST_SHOWN = 40
_SPLITTING = {
    "grouped": "a value in every row, because rows are split by it",
    "time": "a number, or a date such as 2021-03-01, in every row, because rows are split by it",
}


@dataclass(frozen=True)
class _Rule:
    """What the cells of a column must pass: those present, or, with `missing`, all of them."""

    name: str
    passes: Passes
    missing: bool = False


class CellRules:
    """The rules for the cells of one table, which may come in parts; the index of a row says its line.

    A feature may be missing in any row: it is imputed, and `missing.allowed` is about requests alone. The target may
    not, nor may the column that rows are split by. With `refuse` off everything found is a warning.
    """

    def __init__(self, contract: Contract, table: str, *, refuse: bool) -> None:
        self._contract = contract
        self._table = table
        self._refuse = refuse
        self._rules = _rules_of(contract)
        every = [(column, rule.name) for column, (_, rules) in self._rules.items() for rule in rules]
        self._order = {rule: position for position, rule in enumerate(every)}

    def broken(self, part: pd.DataFrame, most: int = LISTED) -> tuple[list[Finding], Counter[tuple[str, bool]]]:
        """What these rows break, and how often each rule is broken: of a column and rule no more than `most` are told.

        The findings are in the order of the contract's columns, and of the rules of each.
        """
        import pandera.pandas as pandera

        counts: Counter[tuple[str, bool]] = Counter()

        def check(rule: _Rule) -> Any:
            def passes(cells: pd.Series[Any]) -> pd.Series[bool]:
                passed = rule.passes(cells)
                if failed := int((~passed).sum()):
                    counts[rule.name, self._refuse] += failed
                return passed

            return pandera.Check(passes, name=rule.name, ignore_na=not rule.missing, n_failure_cases=most)

        schema = pandera.DataFrameSchema(
            {
                column: pandera.Column(None, [check(rule) for rule in rules], nullable=True)
                for column, (_, rules) in self._rules.items()
                if column in part
            }
        )
        try:
            schema.validate(with_numbers(self._contract, part), lazy=True)
        except pandera.errors.SchemaErrors as error:
            cases = error.failure_cases[["index", "column", "check", "failure_case"]].itertuples(index=False)
            ordered = sorted(cases, key=lambda case: self._order[case.column, case.check])
            return [self._finding(*case) for case in ordered], counts
        return [], counts

    def _finding(self, row: int, column: str, rule: str, value: object) -> Finding:
        return Finding(self._table, int(row) + 2, column, _shown(value), rule, self._rules[column][0], self._refuse)


def _rules_of(contract: Contract) -> dict[str, tuple[str, list[_Rule]]]:
    """For each column what it may hold, in words, and its rules."""
    rules = {feature.name: (allowed_values(feature), _rules_for(feature)) for feature in contract.features}
    values = ", ".join(repr(value) for item in contract.target.classes for value in item.values)
    known = _Rule("unknown-class", partial(_have_class, contract))
    rules[contract.target.column] = (
        f"one of {values}",
        [_Rule("missing-target", pd.Series.notna, missing=True), known],
    )
    by = {"grouped": contract.group_column, "time": contract.time_column}.get(contract.split.method)
    if by:
        ordered = [_Rule("wrong-type", lambda cells: sortable(cells).notna())] if by == contract.time_column else []
        allowed, others = rules.get(by, (_SPLITTING[contract.split.method], ordered))
        rules[by] = (allowed, [_Rule("missing-value", pd.Series.notna, missing=True), *others])
    return rules


def _have_class(contract: Contract, cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells.isin([value for value in cells.unique() if contract.class_of(code(value)) is not None])


def _rules_for(feature: Feature) -> list[_Rule]:
    if isinstance(feature, CategoricalFeature):
        return [_Rule("unknown-category", lambda cells: cells.isin(feature.values))]
    if isinstance(feature, BooleanFeature):
        return [_Rule("wrong-type", lambda cells: cells.isin([0, 1]))]
    limits = feature.range
    rules = [
        _Rule("wrong-type", lambda cells: _numbers(cells).notna()),
        _Rule("out-of-range", lambda cells: _numbers(cells).isna() | _numbers(cells).between(limits.min, limits.max)),
    ]
    if isinstance(feature, IntegerFeature):
        rules.append(_Rule("not-whole", lambda cells: ~(_numbers(cells) % 1 > 0)))
    return rules


def _numbers(cells: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(cells, errors="coerce")


def _shown(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124  (only NaN differs from itself)
        return "(empty)"
    text = repr(value) if isinstance(value, str) else str(code(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
