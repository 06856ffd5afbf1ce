"""What stops the proof before anything is computed, and the command that says so."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from components.errors import StageError
from components.image import LOCAL_IMAGE
from contract.errors import ContractError
from images.stages.errors import EngineMissing, ImageUnfit, RunIncomplete
from images.stages.proof import Choices, run_both
from images.stages.service import HOST, container_engine
from local.errors import DirectoryInUse
from tests.conftest import HEART, PROJECT


def run(
    output: Path, *, dataset: str = "heart", candidates: tuple[str, ...] = (), processes: Path | None = None
) -> None:
    """Make the proof where no engine answers, if it gets so far."""
    choices = Choices(dataset, "quick", candidates, LOCAL_IMAGE)
    run_both(choices, output, processes, Console(file=StringIO()))


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment whose engine doesn't answer."""
    monkeypatch.setenv(HOST, f"unix://{tmp_path}/none.sock")


def test_the_command_says_in_a_sentence_that_no_engine_answers(tmp_path: Path) -> None:
    host = f"unix://{tmp_path}/none.sock"
    done = subprocess.run(
        [sys.executable, "-m", "images.stages", "--output", str(tmp_path / "new")],
        cwd=PROJECT,
        env={**os.environ, HOST: host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == f"no container engine answers at DOCKER_HOST={host}. Start it, or unset it.\n"


@pytest.mark.usefixtures("no_engine")
def test_a_wrong_argument_is_refused_before_an_engine_is_asked(tmp_path: Path) -> None:
    new = tmp_path / "new"
    with pytest.raises(ContractError, match="there is no dataset 'horses'; there are: "):
        run(new, dataset="horses")
    with pytest.raises(StageError, match="oracle"):
        run(new, candidates=("oracle",))
    with pytest.raises(RunIncomplete, match="there is no run in nowhere"):
        run(new, processes=Path("nowhere"))
    own = tmp_path / "contract.yaml"
    own.write_bytes((HEART / "contract.yaml").read_bytes())
    with pytest.raises(ImageUnfit, match="isn't below datasets/"):
        run(new, dataset=str(own))
    assert not new.exists()


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_nothing_is_run(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing):
        run(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.usefixtures("no_engine")
def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    with pytest.raises(DirectoryInUse, match="isn't empty"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_where_neither_docker_nor_podman_is_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if Path("/var/run/docker.sock").exists():
        pytest.skip("Docker runs here")
    monkeypatch.delenv(HOST, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing, match="apt-get install podman"), container_engine():
        pass
    assert HOST not in os.environ


def test_podmans_service_ends_with_its_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOST, raising=False)
    try:
        with container_engine() as client:
            assert client.ping()
            host = os.environ.get(HOST)
    except EngineMissing as error:
        pytest.skip(str(error))
    assert HOST not in os.environ
    assert host is None or not Path(host.removeprefix("unix://")).exists()
