from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Literal

import pandas as pd
import pytest
from kfp import dsl

from components import PROJECT, table, validate
from components.errors import InvalidTable
from components.ingest import ingest_source
from components.validate import findings_of
from components.validation import findings, repeated_rows
from components.validation.findings import Finding, page
from contract.decision import Split
from contract.schema import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract

HEART = PROJECT / "datasets" / "heart"
Change = dict[tuple[int, str], str]


@pytest.fixture
def changed(heart: Contract, tmp_path: Path) -> Callable[[Change], pd.DataFrame]:
    """The heart table as it would be read if the given cells, by line of the file and column, held other text."""
    source = Source(location="cleveland.csv", title="Changed")

    def read(cells: Change) -> pd.DataFrame:
        text = pd.read_csv(HEART / "cleveland.csv", dtype=str, keep_default_na=False)
        for (line, column), value in cells.items():
            text.loc[line - 2, column] = value
        text.to_csv(tmp_path / "cleveland.csv", index=False)
        return ingest_source(heart, source, tmp_path)[0]

    return read


def found_in(
    contract: Contract, frame: pd.DataFrame, name: str, *, rows: int = 1000, refuse: bool = True
) -> list[Finding]:
    """What is found in a table that comes in parts of so many rows."""
    starts = range(0, len(frame), rows)
    return findings_of(
        contract, lambda: [frame.iloc[start : start + rows] for start in starts], name, refuse=refuse
    ).listed


def told(finding: Finding) -> tuple[int | None, str, str, str]:
    return finding.line, finding.column, finding.value, finding.rule


def test_a_sound_table_has_no_findings(heart: Contract, cleveland: pd.DataFrame) -> None:
    assert found_in(heart, cleveland, "cleveland.csv") == []


ONE_CELL = {
    "a word for a number": ("age", "abc", "'abc'", "wrong-type", "a whole number from 18 to 120"),
    "a code of another copy": ("cp", "0", "0", "unknown-category", "one of 1 (typical angina), 2 ("),
    "a word for a code": ("thal", "bad", "'bad'", "unknown-category", "7 (reversible defect)"),
    "months for years": ("age", "700", "700", "out-of-range", "a whole number from 18 to 120"),
    "beyond all numbers": ("oldpeak", "inf", "inf", "out-of-range", "a number from -5 to 10"),
    "half a year": ("age", "63.5", "63.5", "not-whole", "a whole number from 18 to 120"),
    "neither yes nor no": ("fbs", "2", "2", "wrong-type", "true, false, 1 or 0"),
    "maybe": ("fbs", "maybe", "'maybe'", "wrong-type", "true, false, 1 or 0"),
    "no class": ("num", "", "(empty)", "missing-target", "one of 0, 1, 2, 3, 4"),
    "another class": ("num", "5", "5", "unknown-class", "one of 0, 1, 2, 3, 4"),
    "a word for a class": ("num", "ill", "'ill'", "unknown-class", "one of 0, 1, 2, 3, 4"),
    "a large number": ("chol", "1234567", "1234567", "out-of-range", "or null"),
    "a long word": ("age", "x" * 500, f"'{'x' * 38}…", "wrong-type", "a whole number"),
}


@pytest.mark.parametrize("case", ONE_CELL.values(), ids=ONE_CELL)
def test_one_wrong_cell_is_one_finding(
    heart: Contract, changed: Callable[[Change], pd.DataFrame], case: tuple[str, str, str, str, str]
) -> None:
    column, text, value, rule, allowed = case
    found = found_in(heart, changed({(9, column): text}), "cleveland.csv")
    assert [told(finding) for finding in found] == [(9, column, value, rule)]
    assert allowed in found[0].allowed
    assert found[0].refused
    assert str(found[0]) == f"cleveland.csv, line 9, {column}: {value} ({rule}; allowed: {found[0].allowed})"


@pytest.mark.parametrize("rows", [99, 303, 1000])
def test_several_faults_are_all_found_in_order_of_lines_however_the_table_is_cut(
    heart: Contract, changed: Callable[[Change], pd.DataFrame], rows: int
) -> None:
    cells = {(304, "age"): "abc", (2, "age"): "700", (2, "cp"): "0", (100, "num"): "", (7, "age"): "12.5"}
    assert [told(finding) for finding in found_in(heart, changed(cells), "cleveland.csv", rows=rows)] == [
        (2, "age", "700", "out-of-range"),
        (2, "cp", "0", "unknown-category"),
        (7, "age", "12.5", "out-of-range"),
        (7, "age", "12.5", "not-whole"),
        (100, "num", "(empty)", "missing-target"),
        (304, "age", "'abc'", "wrong-type"),
    ]


def test_a_missing_feature_is_no_fault_in_training_whatever_requests_may_leave_out(
    heart: Contract, changed: Callable[[Change], pd.DataFrame]
) -> None:
    assert not heart.features[0].missing.allowed
    assert found_in(heart, changed({(2, "age"): "", (3, "cp"): "?"}), "cleveland.csv") == []


def test_absent_columns_are_each_named(heart: Contract, cleveland: pd.DataFrame) -> None:
    found = found_in(heart, cleveland.drop(columns=["thal", "num"]), "cleveland.csv")
    assert [told(finding) for finding in found] == [
        (None, "thal", "", "missing-column"),
        (None, "num", "", "missing-column"),
    ]
    assert str(found[0]) == "cleveland.csv, thal (missing-column; allowed: a column of this name)"
    assert all(finding.refused for finding in found)


def test_an_absent_column_is_named_as_the_files_call_it(heart: Contract, cleveland: pd.DataFrame) -> None:
    age = heart.features[0].model_copy(update={"column": "Age in years"})
    contract = heart.model_copy(update={"features": (age, *heart.features[1:])})
    (finding,) = found_in(contract, cleveland.drop(columns="age"), "cleveland.csv")
    assert str(finding) == "cleveland.csv, age (missing-column; allowed: a column named Age in years)"


@pytest.mark.parametrize("rows", [152, 1000])
@pytest.mark.parametrize("rule", ["refuse", "warn"])
def test_repeated_rows_are_refused_or_warned_about(
    heart: Contract, cleveland: pd.DataFrame, rule: str, rows: int
) -> None:
    contract = heart.model_copy(update={"duplicates": rule})
    repeated = pd.concat([cleveland, cleveland.iloc[[5, 5]]], ignore_index=True)
    found = found_in(contract, repeated, "cleveland.csv", rows=rows)
    assert [told(finding) for finding in found] == [(line, "(row)", "", "duplicated-row") for line in (305, 306)]
    assert {finding.refused for finding in found} == {rule == "refuse"}


def test_rows_that_differ_where_the_contract_does_not_look_are_repeated(
    heart: Contract, cleveland: pd.DataFrame
) -> None:
    noted = pd.concat([cleveland, cleveland.iloc[[0]]], ignore_index=True).assign(note=range(304))
    assert [finding.rule for finding in found_in(heart, noted, "cleveland.csv")] == ["duplicated-row"]


def test_external_sites_only_warn(heart: Contract, changed: Callable[[Change], pd.DataFrame]) -> None:
    frame = changed({(2, "age"): "700", (3, "num"): ""}).drop(columns="ca")
    found = found_in(heart.model_copy(update={"duplicates": "refuse"}), frame, "site.csv", refuse=False)
    assert {finding.rule for finding in found} == {"missing-column", "out-of-range", "missing-target"}
    assert not any(finding.refused for finding in found)


def test_text_codes_are_compared_as_text(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(3).assign(zone=["01", "1", "2"], late=["no", "yes", "0"])
    found = found_in(parcels, table.typed(parcels, cells), "parcels.csv")
    assert [told(finding) for finding in found] == [
        (3, "zone", "'1'", "unknown-category"),
        (4, "zone", "'2'", "unknown-category"),
        (4, "late", "'0'", "unknown-class"),
    ]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("stratified", []),
        ("grouped", [(2, "customer", "(empty)", "missing-value")]),
        ("time", [(3, "sent", "'soon'", "wrong-type"), (4, "sent", "(empty)", "missing-value")]),
    ],
)
def test_what_rows_are_split_by_must_be_there(
    parcels: Contract,
    sent: Callable[[int], pd.DataFrame],
    method: Literal["stratified", "grouped", "time"],
    expected: list[tuple[int, str, str, str]],
) -> None:
    contract = parcels.model_copy(update={"split": Split(method=method, held_out=0.25)})
    cells = sent(6)
    cells.loc[0, "customer"], cells.loc[1, "sent"], cells.loc[2, "sent"] = "", "soon", ""
    found = found_in(contract, table.typed(contract, cells), "parcels.csv")
    assert [told(finding) for finding in found] == expected
    assert all("rows are split by it" in finding.allowed for finding in found)


def test_a_feature_that_rows_are_split_by_keeps_its_own_rules(
    parcels: Contract, sent: Callable[[int], pd.DataFrame]
) -> None:
    contract = parcels.model_copy(update={"split": Split(method="time", held_out=0.25), "time_column": "weight"})
    found = found_in(contract, table.typed(contract, sent(3).assign(weight=["99", "", "1"])), "parcels.csv")
    assert [told(finding) for finding in found] == [
        (2, "weight", "99", "out-of-range"),
        (3, "weight", "(empty)", "missing-value"),
    ]


def test_values_are_escaped_in_the_report(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(2)
    cells.loc[0, "zone"] = "<script>alert(1)</script>"
    text = page(parcels, [findings_of(parcels, lambda: [table.typed(parcels, cells)], "<b>.csv")], 2)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "<td>&lt;b&gt;.csv</td>" in text
    assert "Parcels &lt;of&gt; one carrier" in text


class Task:
    """The component run on files, as KFP would."""

    def __init__(self, folder: Path, contract: Path, frame: pd.DataFrame, sites: dict[str, pd.DataFrame]) -> None:
        (folder / "external").mkdir()
        table.write(frame, folder / "table")
        for name, site in sites.items():
            table.write(site, folder / "external" / f"{name}.parquet")
        self.report = folder / "report.html"
        places = (contract, folder / "table", folder / "external", self.report)
        self._artifacts = [dsl.Artifact(uri=str(path)) for path in places]

    def run(self) -> int:
        warnings: int = validate.validate.python_func(*self._artifacts)
        return warnings


def test_the_component_passes_a_sound_table(
    cleveland: pd.DataFrame, sites: dict[str, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task(tmp_path, HEART / "contract.yaml", cleveland, sites)
    assert task.run() == 2
    text = task.report.read_text()
    assert "303 rows checked: 0 refused, 2 warnings" in text
    assert text.count("<td>warning</td>") == 2
    assert capsys.readouterr().out.splitlines() == [
        "warnings (2):",
        "  hungarian.csv, line 104, (row) (duplicated-row; allowed: a row that stands once)",
        "  va.csv, line 189, (row) (duplicated-row; allowed: a row that stands once)",
        f"  All of them: {task.report}",
    ]


def test_without_findings_nothing_is_printed(
    cleveland: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task(tmp_path, HEART / "contract.yaml", cleveland, {})
    assert task.run() == 0
    assert capsys.readouterr().out == ""
    assert "<table>" not in task.report.read_text()


def test_the_component_writes_the_whole_report_before_it_stops(
    heart: Contract, cleveland: pd.DataFrame, tmp_path: Path
) -> None:
    broken = cleveland.assign(age=700.0, cp=cleveland["cp"].mask(cleveland.index < 197, 0.0))
    task = Task(tmp_path, HEART / "contract.yaml", broken, {"va": broken.head(1).drop(columns="num")})
    with pytest.raises(InvalidTable) as caught:
        task.run()
    first, *lines, rest, where = str(caught.value).splitlines()
    assert first == "the training table breaks its contract (500 violations):"
    assert len(lines) == findings.SHOWN == 20
    assert lines[0] == "  cleveland.csv, line 2, age: 700 (out-of-range; allowed: a whole number from 18 to 120)"
    assert rest == "  and 480 more"
    assert where == f"  All of them: {task.report}"
    rows = re.findall(
        r"<tr><td>(refused|warning)</td><td>(.*?)</td><td>(\d*)</td><td>(.*?)</td>", task.report.read_text()
    )
    refused = {(int(line), html.unescape(column)) for kind, _, line, column in rows if kind == "refused"}
    assert refused == {(line, "age") for line in range(2, 305)} | {(line, "cp") for line in range(2, 199)}
    assert {(name, column) for kind, name, _, column in rows if kind == "warning"} == {
        ("va.csv", "num"), ("va.csv", "age"), ("va.csv", "cp"),
    }  # fmt: skip


def test_one_violation_is_counted_in_the_singular(
    heart: Contract, changed: Callable[[Change], pd.DataFrame], tmp_path: Path
) -> None:
    task = Task(tmp_path, HEART / "contract.yaml", changed({(2, "age"): "17"}), {})
    with pytest.raises(InvalidTable, match=r"breaks its contract \(1 violation\)"):
        task.run()


def test_many_warnings_are_shown_in_part_and_kept_in_full(
    cleveland: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = Task(tmp_path, HEART / "contract.yaml", cleveland, {"va": cleveland.assign(age=700.0)})
    assert task.run() == 303
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "warnings (303):"
    assert printed[-2:] == ["  and 283 more", f"  All of them: {task.report}"]
    assert task.report.read_text().count("<td>warning</td>") == 303


def test_a_wrong_table_makes_a_report_of_bounded_length(
    cleveland: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "LISTED", 100)
    monkeypatch.setattr(table, "ROWS", 200)
    broken = cleveland.assign(age=700.5, num=9.0)
    broken.loc[0, "chol"] = 0.5
    task = Task(tmp_path, HEART / "contract.yaml", pd.concat([broken, broken]), {"va": broken})
    with pytest.raises(InvalidTable) as caught:
        task.run()
    first, *_, rest, where = str(caught.value).splitlines()
    assert first == "the training table breaks its contract (1822 violations):"
    assert rest == "  and 1802 more"
    assert where == f"  More of them: {task.report}"
    text = task.report.read_text()
    assert "606 rows checked: 1822 refused, 1214 warnings" in text
    assert text.count("<td>refused</td><td>cleveland.csv</td>") == 100 + 3
    lines = [int(line) for line in re.findall(r"<td>refused</td><td>cleveland.csv</td><td>(\d+)</td>", text)]
    assert lines == sorted([2, 2] + [line for line in range(2, 36) for _ in range(3)])[:100]
    assert [
        (rule, int(count))
        for rule, count in re.findall(r"<td>cleveland.csv</td><td>([-a-z]+)</td><td>(\d+)</td>", text)
    ] == [("out-of-range", 608), ("not-whole", 608), ("unknown-class", 606), ("duplicated-row", 303)]


def test_what_is_refused_is_listed_however_much_only_warns(
    heart: Contract, cleveland: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "LISTED", 10)
    repeated = pd.concat([cleveland] * 2, ignore_index=True)
    repeated.loc[605, "age"] = 700.0
    found = found_in(heart, repeated, "cleveland.csv")
    assert [finding.rule for finding in found] == ["duplicated-row"] * 10 + ["out-of-range"]
    assert [finding.line for finding in found] == [*range(305, 315), 607]


def test_many_repeated_rows_are_compared_in_turns(
    heart: Contract, cleveland: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated_rows, "_COMPARED", 50)
    repeated = pd.concat([cleveland] * 2, ignore_index=True)
    found = found_in(heart, repeated, "cleveland.csv", rows=100)
    assert [finding.line for finding in found] == list(range(305, 608))
