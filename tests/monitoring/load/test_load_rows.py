"""Rows of a table as a client sends them, and those that it can't send."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from contract.document import load_contract
from contract.encoding import Encoder
from monitoring.errors import NoRows
from monitoring.load import rows

if TYPE_CHECKING:
    import pandas as pd

    from contract.schema import Contract
    from monitoring.load.rows import Rows

HEART = Path(__file__).parents[3] / "datasets" / "heart"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the dataset, whose Cleveland table may be changed."""
    shutil.copytree(HEART, tmp_path / "heart")
    text = (HEART / "contract.yaml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "sha256" not in line]
    (tmp_path / "heart" / "contract.yaml").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "heart"


def test_every_row_is_there_with_its_label(source: Rows, cleveland: pd.DataFrame) -> None:
    assert len(source.instances) == len(cleveland) == 303
    assert source.refused == 0
    assert list(source.labels) == ["disease" if num else "no disease" for num in cleveland["num"]]
    assert [row["age"] for row in source.instances] == cleveland["age"].tolist()


def test_values_have_the_types_of_the_contract(source: Rows) -> None:
    assert {type(row["fbs"]) for row in source.instances} == {bool}
    assert {type(row["age"]) for row in source.instances} == {int}
    assert {type(row["oldpeak"]) for row in source.instances} == {float}
    assert None in {row["ca"] for row in source.instances}


def test_of_a_large_table_some_rows_are_drawn_the_same_each_time(
    heart: Contract, source: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 100)
    drawn = rows.read(heart, HEART)
    assert len(drawn.instances) == len(drawn.labels) == 100
    assert drawn == rows.read(heart, HEART)
    told = dict(zip(map(str, source.instances), source.labels, strict=True))
    assert [told[str(row)] for row in drawn.instances] == list(drawn.labels)
    assert set(drawn.labels) == set(source.labels)


@pytest.mark.parametrize("site", ["va", "hungarian", "switzerland"])
def test_external_tables_can_be_sent(heart: Contract, site: str) -> None:
    found = rows.read(heart, HEART, site)
    assert found.title == heart.external[site].title
    assert Encoder(heart.features).from_records(found.instances).violations == ()
    assert len(found.instances) == len(found.labels) > 100


def test_rows_that_break_the_contract_are_left_out_and_counted(copy: Path) -> None:
    table = copy / "cleveland.csv"
    header, first, second, *others = table.read_text(encoding="utf-8").splitlines()
    in_months = ",".join(["756", *first.split(",")[1:]])
    without_sex = ",".join([second.split(",")[0], "?", *second.split(",")[2:]])
    table.write_text("\n".join([header, in_months, without_sex, *others]), encoding="utf-8")
    contract = load_contract(copy / "contract.yaml")
    found = rows.read(contract, copy)
    assert found.refused == 2
    assert len(found.instances) == len(found.labels) == 301
    assert found.instances[0]["age"] == int(others[0].split(",")[0])


def test_one_stray_word_costs_its_row_alone(copy: Path) -> None:
    table = copy / "cleveland.csv"
    header, first, *others = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([header, ",".join(["old", *first.split(",")[1:]]), *others]), encoding="utf-8")
    found = rows.read(load_contract(copy / "contract.yaml"), copy)
    assert found.refused == 1
    assert {type(row["age"]) for row in found.instances} == {int}


def test_a_column_that_only_training_has_is_missing(copy: Path) -> None:
    table = copy / "va.csv"
    lines = [line.split(",") for line in table.read_text(encoding="utf-8").splitlines()]
    at = lines[0].index("thal")
    table.write_text("\n".join(",".join(line[:at] + line[at + 1 :]) for line in lines), encoding="utf-8")
    found = rows.read(load_contract(copy / "contract.yaml"), copy, "va")
    assert {row["thal"] for row in found.instances} == {None}


def test_a_table_without_a_row_to_send_is_an_error(copy: Path) -> None:
    table = copy / "cleveland.csv"
    header, first, *_ = table.read_text(encoding="utf-8").splitlines()
    table.write_text(f"{header}\n{','.join(['756', *first.split(',')[1:]])}\n", encoding="utf-8")
    with pytest.raises(NoRows, match="every row breaks the contract, the first one so: row 0, age: 756"):
        rows.read(load_contract(copy / "contract.yaml"), copy)
