from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from components.validation import findings
from components.validation.findings import Finding, Findings, page, summary

if TYPE_CHECKING:
    from contract.schema import Contract

AGE = Finding("a.csv", 5, "age", "700", "out-of-range", "18 to 120", refused=True)


def test_a_finding_is_told_in_one_line() -> None:
    assert str(AGE) == "a.csv, line 5, age: 700 (out-of-range; allowed: 18 to 120)"
    absent = replace(AGE, line=None, value="", rule="missing-column")
    assert str(absent) == "a.csv, age (missing-column; allowed: 18 to 120)"


def test_all_are_counted_and_the_first_listed_whenever_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "LISTED", 3)
    found = Findings("a.csv")
    assert found.room(refused=True) == 3
    found.add(replace(AGE, line=line) for line in (9, 8))
    assert found.room(refused=True) == 1
    found.add([replace(AGE, line=4), replace(AGE, line=7)], {("out-of-range", True): 100})
    found.add([replace(AGE, line=6, rule="duplicated-row", refused=False)])
    assert found.room(refused=True) == 1
    assert found.room(refused=False) == 2
    assert [finding.line for finding in found.listed] == [4, 6, 7, 8]
    assert found.count(refused=True) == 102
    assert found.count(refused=False) == 1
    assert found.counts == {("out-of-range", True): 102, ("duplicated-row", False): 1}


def test_findings_of_one_line_keep_their_order() -> None:
    found = Findings("a.csv")
    found.add([AGE, replace(AGE, rule="not-whole"), replace(AGE, line=2), replace(AGE, line=None)])
    assert [(finding.line, finding.rule) for finding in found.refused] == [
        (None, "out-of-range"), (2, "out-of-range"), (5, "out-of-range"), (5, "not-whole"),
    ]  # fmt: skip


def test_a_page_that_lists_all_does_not_count_by_rule(parcels: Contract) -> None:
    found = Findings("a.csv", refused=[AGE])
    found.counts["out-of-range", True] = 1
    text = page(parcels, [found, Findings("b.csv")], 1234)
    assert "1234 rows checked: 1 refused, 0 warnings." in text
    assert "are listed" not in text
    assert re.findall("<td>(.*?)</td>", text) == ["refused", "a.csv", "5", "age", "700", "out-of-range", "18 to 120"]


def test_a_page_counts_what_it_does_not_list(parcels: Contract) -> None:
    found = Findings("a.csv", refused=[AGE])
    found.counts.update({("out-of-range", True): 600_000, ("duplicated-row", False): 2})
    text = page(parcels, [found], 600_000)
    assert "600000 refused, 2 warnings" in text
    assert re.findall("<td>(.*?)</td>", text)[:8] == [
        "refused", "a.csv", "out-of-range", "600,000", "warning", "a.csv", "duplicated-row", "2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "count", "lines"),
    [
        (1, 1, ["All of them: here"]),
        (21, 21, ["and 1 more", "All of them: here"]),
        (21, 99, ["and 79 more", "More of them: here"]),
    ],
)
def test_a_summary_shows_the_first_and_counts_the_rest(listed: int, count: int, lines: list[str]) -> None:
    heading, *shown = summary("found:", [AGE] * listed, count, "here").split("\n  ")
    assert heading == "found:"
    assert shown == [str(AGE)] * min(listed, 20) + lines
