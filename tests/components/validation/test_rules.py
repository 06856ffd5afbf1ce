from __future__ import annotations

from typing import TYPE_CHECKING

from components.validation.rules import CellRules

if TYPE_CHECKING:
    import pandas as pd

    from contract.schema import Contract


def test_what_is_broken_is_told_in_the_order_of_columns_and_rules(heart: Contract, cleveland: pd.DataFrame) -> None:
    part = cleveland.iloc[100:103].assign(num=9.0, oldpeak=99.0, chol=0.5, age=700.0)
    found, counts = CellRules(heart, "cleveland.csv", refuse=True).broken(part)
    by_column = [(finding.column, finding.rule) for finding in found]
    assert by_column == [
        rule
        for rule in [
            ("age", "out-of-range"),
            ("chol", "out-of-range"),
            ("chol", "not-whole"),
            ("oldpeak", "out-of-range"),
            ("num", "unknown-class"),
        ]
        for _ in range(3)
    ]
    assert [finding.line for finding in found] == [102, 103, 104] * 5
    assert counts == {("out-of-range", True): 9, ("not-whole", True): 3, ("unknown-class", True): 3}


def test_no_more_than_asked_for_is_told_and_all_is_counted(heart: Contract, cleveland: pd.DataFrame) -> None:
    rules = CellRules(heart, "cleveland.csv", refuse=False)
    found, counts = rules.broken(cleveland.assign(age=700.5), most=2)
    assert [(finding.line, finding.rule, finding.refused) for finding in found] == [
        (2, "out-of-range", False), (3, "out-of-range", False), (2, "not-whole", False), (3, "not-whole", False),
    ]  # fmt: skip
    assert counts == {("out-of-range", False): 303, ("not-whole", False): 303}
    assert rules.broken(cleveland) == ([], {})


def test_missing_cells_break_no_rule_of_features(heart: Contract, cleveland: pd.DataFrame) -> None:
    part = cleveland.head(5).assign(**dict.fromkeys(heart.feature_names))
    assert CellRules(heart, "cleveland.csv", refuse=True).broken(part) == ([], {})
