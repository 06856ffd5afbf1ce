from __future__ import annotations

import hashlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import yaml
from kfp import dsl

from components import PROJECT, ingest, table
from components.errors import UnreadableTable
from components.ingest import ingest_source, is_made, overridden
from contract.schema import Contract, Files, Source

if TYPE_CHECKING:
    from pathlib import Path

HEART = PROJECT / "datasets" / "heart"
CSV = (HEART / "cleveland.csv").read_bytes()
ABSENT = "http://127.0.0.1:9/absent.csv"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another place for the project, with nothing in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.setattr(ingest, "PROJECT", folder)
    return folder


class Task:
    """The component run as KFP would, on a contract whose training table may be changed."""

    def __init__(self, folder: Path, **training: Any) -> None:
        self.place = folder / "dataset"
        shutil.copytree(HEART, self.place)
        path = self.place / "contract.yaml"
        content = yaml.safe_load(path.read_text())
        content["training"] |= training
        path.write_text(yaml.safe_dump({**content, "training": {k: v for k, v in content["training"].items() if v}}))
        self.contract = dsl.Artifact(uri=str(folder / "contract"))
        self.table = dsl.Artifact(uri=str(folder / "table"))
        self.external = dsl.Artifact(uri=str(folder / "external"))

    def run(self, source: dict[str, str] | None = None) -> tuple[str, bool]:
        path = str(self.place / "contract.yaml")
        sha256, made = ingest.ingest.python_func(path, source or {}, self.contract, self.table, self.external)
        return sha256, made

    @property
    def rows(self) -> int:
        return len(table.read(self.table.path))


def test_a_source_is_read_from_beside_the_contract(heart: Contract) -> None:
    frame, digest = ingest_source(heart, heart.training, HEART)
    assert len(frame) == 303
    assert digest == hashlib.sha256(CSV).hexdigest() == heart.training.sha256


def test_columns_that_the_contract_does_not_know_are_kept(heart: Contract, tmp_path: Path) -> None:
    header, first, *_ = CSV.splitlines()
    (tmp_path / "table.csv").write_bytes(header + b",note\n" + first + b',"one, two"\n')
    frame, _ = ingest_source(heart, Source(location="table.csv", title="A table"), tmp_path)
    assert frame["note"].tolist() == ["one, two"]


def test_csv_and_parquet_give_the_same_table(heart: Contract, cleveland: pd.DataFrame, tmp_path: Path) -> None:
    cells = pd.read_csv(HEART / "cleveland.csv", na_values="?")
    cells.convert_dtypes().to_parquet(tmp_path / "table.parquet")
    frame, digest = ingest_source(heart, Source(location="table.parquet", title="A table"), tmp_path)
    pd.testing.assert_frame_equal(frame, cleveland)
    assert digest == hashlib.sha256((tmp_path / "table.parquet").read_bytes()).hexdigest()


def test_the_component_keeps_tables_contract_and_provenance(heart: Contract, tmp_path: Path) -> None:
    contract, tables, external = (dsl.Artifact(uri=str(tmp_path / name)) for name in ("contract", "table", "external"))
    found = ingest.ingest.python_func("datasets/heart/contract.yaml", {}, contract, tables, external)
    assert found == (heart.training.sha256, False)
    assert found._fields == ("sha256", "made")
    assert (tmp_path / "contract").read_bytes() == (HEART / "contract.yaml").read_bytes()
    assert len(table.read(tmp_path / "table")) == 303
    assert tables.metadata == {
        "source": "cleveland.csv",
        "sha256": heart.training.sha256,
        "rows": 303,
        "licence": "CC BY 4.0",
        "made": False,
    }
    kept = {path.name: len(table.read(path)) for path in (tmp_path / "external").iterdir()}
    assert kept == {"hungarian.parquet": 294, "switzerland.parquet": 123, "va.parquet": 200}
    assert external.metadata == {name: source.sha256 for name, source in heart.external.items()}


def test_the_component_has_two_outputs_by_name() -> None:
    outputs = ingest.ingest.component_spec.outputs
    assert {name: outputs[name].type for name in ("sha256", "made")} == {"sha256": "String", "made": "Boolean"}
    assert ingest.ingest.component_spec.inputs["source"].type == "Dict[String, String]"


MADE = {"location": "hungarian.csv"}


@pytest.mark.usefixtures("project")
def test_made_up_rows_stand_in_loudly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(tmp_path, location="real/train.csv", sha256=None, made=MADE, note="Download it at example.org.")
    digest, made = task.run()
    assert made
    assert digest == hashlib.sha256((HEART / "hungarian.csv").read_bytes()).hexdigest()
    assert task.rows == 294
    assert task.table.metadata["made"] is True
    assert task.table.metadata["source"] == "hungarian.csv"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("warning: MADE DATA: Cleveland Clinic Foundation is not here")
    assert "made-up rows (hungarian.csv)" in line
    assert "NOTHING THAT COMES OF IT IS TRUE OF THE WORLD" in line
    assert str(task.place / "real" / "train.csv") in line
    assert line.endswith("Download it at example.org.")


@pytest.mark.usefixtures("project")
def test_where_the_real_table_is_the_made_up_rows_stay_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task = Task(tmp_path, made=MADE)
    assert task.run()[1] is False
    assert task.rows == 303
    assert task.table.metadata["made"] is False
    assert "MADE" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("locations", "made"),
    [
        ({"": "absent.csv"}, True),
        ({"": "here.csv"}, False),
        ({"": ABSENT}, False),
        ({"": "s3://bucket/absent.csv"}, False),
        ({"one": "absent.csv", "two": "absent too.csv"}, True),
        ({"one": "here.csv", "two": "absent.csv"}, False),
        ({"one": ABSENT, "two": "absent.csv"}, False),
    ],
)
def test_made_up_rows_stand_in_only_where_no_file_of_this_machine_is_there(
    tmp_path: Path, locations: dict[str, str], made: bool
) -> None:
    (tmp_path / "here.csv").touch()
    one = {"location": locations[""]} if "" in locations else {"files": locations, "preparation": "any"}
    source = Source(title="A table", made=Files(location="made.csv"), **one)
    assert is_made(source, tmp_path) == made
    assert not is_made(source.model_copy(update={"made": None}), tmp_path)


def test_an_address_that_cannot_be_reached_is_an_error_and_no_reason_to_make_data_up(
    heart: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = Source(title="A table", location=ABSENT, made=Files(location=str(HEART / "va.csv")))
    with pytest.raises(UnreadableTable, match="no server can be reached there"):
        ingest_source(heart, source, tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("absolute", [True, False])
def test_another_place_may_be_named(project: Path, tmp_path: Path, absolute: bool) -> None:
    (project / "mine").mkdir()
    shutil.copy(HEART / "va.csv", project / "mine" / "own.csv")
    task = Task(tmp_path, made=MADE)  # with the checksum of another file
    location = "mine/own.csv"
    digest, made = task.run(source={"": str(project / location) if absolute else location})
    assert digest == hashlib.sha256((HEART / "va.csv").read_bytes()).hexdigest()
    assert not made
    assert task.rows == 200
    assert task.table.metadata["source"] == str(project / "mine" / "own.csv")


@pytest.mark.usefixtures("project")
def test_a_named_place_that_is_not_there_is_an_error_even_if_rows_could_be_made_up(tmp_path: Path) -> None:
    task = Task(tmp_path, location="absent.csv", sha256=None, made=MADE)
    with pytest.raises(UnreadableTable, match=r"nowhere\.csv: can't be read: No such file"):
        task.run(source={"": "nowhere.csv"})


SEVERAL = Source(title="Several", files={"one": "a.csv", "two": "b.csv"}, preparation="join", made=Files(location="m"))


def test_one_of_several_files_may_be_elsewhere(project: Path) -> None:
    found = overridden(SEVERAL, {"two": "mine.csv"})
    assert found.locations == {"one": "a.csv", "two": str(project / "mine.csv")}
    assert (found.preparation, found.made, found.title) == ("join", None, "Several")
    assert overridden(SEVERAL, {"one": ABSENT}).locations == {"one": ABSENT, "two": "b.csv"}


def test_a_whole_table_may_stand_for_several_files(project: Path) -> None:
    found = overridden(SEVERAL, {"": "whole.parquet"})
    assert found.locations == {"": str(project / "whole.parquet")}
    assert (found.preparation, found.made) == (None, None)


@pytest.mark.parametrize(
    ("source", "locations", "reason"),
    [
        (
            SEVERAL,
            {"three": "x", "one": "y"},
            "names 'three', but the contract's training table has the files one, two",
        ),
        (SEVERAL, {"": "x", "one": "y"}, "names '', but the contract's training table has the files one, two"),
        (Source(title="One", location="a"), {"one": "x"}, "names 'one', but .* has one file only, whose name is ''"),
    ],
)
def test_a_file_that_the_contract_does_not_have_cannot_be_elsewhere(
    source: Source, locations: dict[str, str], reason: str
) -> None:
    with pytest.raises(UnreadableTable, match=reason):
        overridden(source, locations)


def test_other_files_altogether_are_for_the_preparation_to_judge() -> None:
    found = overridden(SEVERAL, {"three": "/x", "four": "https://example.org/y"})
    assert found.files == {"three": "/x", "four": "https://example.org/y"}
    assert (found.preparation, found.made) == (SEVERAL.preparation, None)


def test_nothing_is_left_in_the_folder_for_temporary_files(
    heart: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ingest_source(heart, heart.training, HEART)
    assert not list(tmp_path.iterdir())
