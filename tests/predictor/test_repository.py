"""Several bundles in one server, all or none."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from contract.document import load_contract
from contract.errors import CorruptBundle
from predictor.errors import InvalidSettings, NotServed, UnusableBundle
from predictor.repository import load_repository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[..., tuple[subprocess.Popen[str], str]]
    Seal = Callable[..., None]


def rename(bundle: Path, name: str, reseal: Seal) -> None:
    """Make it the bundle of a table of another name."""
    contract = bundle / "contract.yaml"
    text = re.sub("^name: .*$", f"name: {name}", contract.read_text(encoding="utf-8"), flags=re.MULTILINE)
    contract.write_text(text, encoding="utf-8")
    reseal(bundle, name=name, contract_digest=load_contract(contract).digest)


@pytest.fixture
def shelf(bundle: Path, tmp_path: Path, reseal: Seal) -> Path:
    """A directory of two bundles, beside something else."""
    for name in ("heart", "lung"):
        shutil.copytree(bundle, tmp_path / name)
    rename(tmp_path / "lung", "lung", reseal)
    (tmp_path / "lost+found").mkdir()
    return tmp_path


def test_every_bundle_answers_under_its_own_name(shelf: Path, start: Start, records: list[dict[str, Any]]) -> None:
    process, url = start(shelf)
    with httpx.Client(base_url=url) as client:
        assert client.get("/v2/models").json() == {"models": ["heart", "lung"]}
        for name in ("heart", "lung"):
            assert client.get(f"/v2/models/{name}").json()["name"] == name
            answer = client.post(f"/v1/models/{name}:predict", json={"instances": records}).json()
            assert answer["model_name"] == name
            assert len(answer["predictions"]) == len(records)
        missing = client.get("/v2/models/liver")
        assert missing.json() == {"error": "there is no model 'liver' here; this predictor serves 'heart', 'lung'"}
        assert set(client.get("/openapi.json").json()["paths"]) >= {
            "/v1/models/heart:predict",
            "/v2/models/lung/infer",
        }
    process.terminate()
    assert process.wait(30) == 0


def test_one_bundle_that_is_broken_stops_all(shelf: Path) -> None:
    (shelf / "lung" / "model.onnx").write_bytes(b"")
    with pytest.raises(CorruptBundle, match=r"lung/model\.onnx"):
        load_repository(shelf)


def test_two_bundles_of_one_name_are_refused(shelf: Path, reseal: Seal) -> None:
    rename(shelf / "lung", "heart", reseal)
    with pytest.raises(UnusableBundle, match=r"lung: is named 'heart', as another bundle of .* is; rename one"):
        load_repository(shelf)


def test_a_name_is_for_a_single_bundle(shelf: Path, bundle: Path) -> None:
    assert load_repository(bundle, "canary").names == ("canary",)
    with pytest.raises(InvalidSettings, match=r"--model_name: .* holds 2 bundles"):
        load_repository(shelf, "canary")


def test_a_directory_without_bundles_is_told_by_the_file_that_is_missing(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CorruptBundle, match=r"manifest\.json: can't be read"):
            load_repository(directory)


def test_a_stopping_repository_is_not_ready_and_still_answers(bundle: Path) -> None:
    repository = load_repository(bundle)
    assert repository.ready
    assert repository.is_ready("heart", "7")
    repository.stop()
    assert not repository.ready
    assert not repository.is_ready("heart")
    assert repository.find("heart").name == "heart"
    with pytest.raises(NotServed, match="has no version '8' here; this is '7'"):
        repository.find("heart", "8")
