"""The command line, as a user types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import PROJECT, pipeline


def test_help_teaches() -> None:
    done = pipeline("run", "--help")
    assert done.returncode == 0
    for words in (
        "contract.yaml",
        "quick|standard|thorough",
        "MLFLOW_TRACKING_URI",
        "[default: those of the",
    ):
        assert words in done.stdout


def test_an_unknown_dataset_is_named_beside_those_that_exist() -> None:
    done = pipeline("run", "hearts")
    assert done.returncode == 1
    assert done.stderr == (
        "there is no dataset 'hearts'; there are: heart, iris, porto_seguro, road_accidents."
        " A path of a contract.yaml will do too.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "heart", "--effort", "heroic"), "'heroic' is not one of 'quick', 'standard', 'thorough'"),
        (("run", "heart", "--candidate", "oracle"), "'oracle' is not one of 'logistic-regression'"),
        (("compile",), "--output"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: tuple[str, ...], words: str) -> None:
    done = pipeline(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = pipeline("run", "heart", "--output", str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path} isn't empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_wrong_contract_is_refused_before_anything_starts(tmp_path: Path) -> None:
    contract = tmp_path / "contract.yaml"
    contract.write_text(
        (PROJECT / "datasets/heart/contract.yaml").read_text().replace("positive: disease", "positive: ill")
    )
    done = pipeline("run", str(contract), "--output", str(tmp_path / "run"))
    assert done.returncode == 1
    assert "positive is 'ill', which is no class" in done.stderr
    assert not (tmp_path / "run").exists()
