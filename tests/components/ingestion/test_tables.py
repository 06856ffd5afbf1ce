from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from components import preparation, table
from components.errors import UnreadableTable
from components.ingestion.tables import cells_of, fetch_all, write_typed
from contract.schema import Files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from contract.schema import Contract

SEVERAL = Files(files={"parcels": "a.csv", "customers": "b.csv"}, preparation="join")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_bytes(b"first")
    (tmp_path / "b.csv").write_bytes(b"second")
    return tmp_path


def test_the_digest_of_one_file_is_its_own(folder: Path) -> None:
    paths, digest = fetch_all(Files(location="a.csv", sha256=sha256(b"first")), folder, folder)
    assert paths == {"": folder / "a.csv"}
    assert digest == sha256(b"first")


def test_a_file_that_is_not_the_promised_one_is_refused(folder: Path) -> None:
    with pytest.raises(UnreadableTable, match=r"^a\.csv: is not the file that the contract names") as caught:
        fetch_all(Files(location="a.csv", sha256=sha256(b"other")), folder, folder)
    assert sha256(b"first") in str(caught.value)
    assert sha256(b"other") in str(caught.value)
    assert "correct sha256" in str(caught.value)


def test_the_digest_of_several_files_is_that_of_their_names_and_digests(folder: Path) -> None:
    paths, digest = fetch_all(SEVERAL, folder, folder)
    assert paths == {"parcels": folder / "a.csv", "customers": folder / "b.csv"}
    listed = f"customers {sha256(b'second')}\nparcels {sha256(b'first')}\n"
    assert digest == sha256(listed.encode())
    reordered = SEVERAL.model_copy(update={"files": dict(reversed(SEVERAL.files.items()))})
    assert fetch_all(reordered, folder, folder)[1] == digest
    swapped = SEVERAL.model_copy(update={"files": {"parcels": "b.csv", "customers": "a.csv"}})
    assert fetch_all(swapped, folder, folder)[1] != digest


def test_the_kind_of_a_file_is_told_by_the_end_of_its_location(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path
) -> None:
    sent(3).to_csv(tmp_path / "csv", index=False)
    sent(3).to_parquet(tmp_path / "parquet")
    for location, kept in {
        "http://here/a.csv": "csv",
        "a.txt": "csv",
        "a.Parquet": "parquet",
        "s3://b/a.parquet?region=x": "parquet",
    }.items():
        (part,) = cells_of(parcels, Files(location=location), {"": tmp_path / kept})
        assert part["late"].astype(str).tolist() == sent(3)["late"].tolist()


def join(files: Mapping[str, bytes]) -> pd.DataFrame:
    rows = files["parcels"].decode().split()
    return pd.DataFrame(
        {
            "weight": rows,
            "late": "no",
            "floor": "",
            "customer": files["customers"].decode(),
            "note": "x",
        }
    )


@pytest.fixture
def prepared(parcels: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], pd.DataFrame]:
    """The cells of parcels that come in two files."""
    monkeypatch.setattr(preparation, "PREPARATIONS", {"join": join, "other": join})

    def cells(content: bytes, source: Files = SEVERAL) -> pd.DataFrame:
        (tmp_path / "a").write_bytes(content)
        (tmp_path / "b").write_bytes(b"c1")
        paths = {"parcels": tmp_path / "a", "customers": tmp_path / "b"}
        return pd.concat(list(cells_of(parcels, source, paths)))

    return cells


def test_a_preparation_makes_one_table_of_several_files(prepared: Callable[[bytes], pd.DataFrame]) -> None:
    cells = prepared(b"1 2")
    assert cells["weight"].tolist() == ["1", "2"]
    assert cells["customer"].tolist() == ["c1", "c1"]
    assert cells["note"].tolist() == ["x", "x"]


def test_an_empty_cell_of_a_preparation_is_missing_whatever_the_markers(
    prepared: Callable[[bytes], pd.DataFrame], parcels: Contract
) -> None:
    contract = parcels.model_copy(update={"missing_markers": ("?",)})
    assert table.typed(contract, prepared(b"1 2"))["floor"].isna().all()


def test_a_prepared_table_comes_in_parts(
    prepared: Callable[[bytes], pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "ROWS", 2)
    assert prepared(b"1 2 3 4 5")["weight"].tolist() == list("12345")


def test_a_preparation_without_rows_is_refused(prepared: Callable[[bytes], pd.DataFrame]) -> None:
    with pytest.raises(UnreadableTable, match=r"^a\.csv, b\.csv: join makes no rows of them$"):
        prepared(b"")


def test_an_unknown_preparation_is_refused_with_those_that_there_are(
    prepared: Callable[..., pd.DataFrame],
) -> None:
    unknown = SEVERAL.model_copy(update={"preparation": "melt"})
    with pytest.raises(UnreadableTable, match="there is no preparation 'melt'; those that there are: join, other"):
        prepared(b"1", unknown)


LATE_WORD = ["1"] * 5 + ["heavy", "2"]


@pytest.mark.parametrize("rows", [1, 2, 3, 6, 7, 50])
def test_types_do_not_depend_on_the_parts(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path, rows: int
) -> None:
    cells = sent(7).assign(weight=LATE_WORD, floor=["", "", "", "", "2", "unknown", "-1"], express="")
    cells["note"] = ["", "", "", "", "", "", "a note"]
    cells["number"] = ["1", "", "", "", "", "", "2"]
    parts = [cells.iloc[start : start + rows] for start in range(0, 7, rows)]
    write_typed(parcels, parts, tmp_path / "table")
    expected = table.typed(parcels, cells)
    pd.testing.assert_frame_equal(table.read(tmp_path / "table"), expected)
    assert {name: kind.kind for name, kind in expected.dtypes.items()} == {
        "weight": "O", "express": "f", "zone": "O", "floor": "f", "late": "O", "customer": "O", "sent": "O",
        "note": "O", "number": "f",
    }  # fmt: skip


class Counted:
    """Parts that count how often they are read."""

    def __init__(self, parts: list[pd.DataFrame]) -> None:
        self.parts = parts
        self.times = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        self.times += 1
        return iter(self.parts)


@pytest.mark.parametrize(("weight", "times"), [(["1", "2", "3"], 1), (["x", "2", "3"], 1), (["1", "2", "x"], 2)])
def test_all_is_read_again_only_for_a_late_word(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path, weight: list[str], times: int
) -> None:
    cells = sent(3).assign(weight=weight)
    parts = Counted([cells.iloc[[row]] for row in range(3)])
    write_typed(parcels, parts, tmp_path / "table")
    assert parts.times == times
