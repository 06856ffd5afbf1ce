"""The command, where nothing is to be computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from images.stages.errors import EngineMissing
from images.stages.service import HOST, container_engine

PROJECT = Path(__file__).parents[2]


def stages(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "images.stages", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_engine_it_says_so_in_a_sentence(tmp_path: Path) -> None:
    done = stages("--output", str(tmp_path / "new"), DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert done.returncode == 1
    assert (
        done.stderr
        == f"no container engine answers at DOCKER_HOST=unix://{tmp_path}/none.sock. Start it, or unset it.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "horses"], "there is no dataset 'horses'; there are: "),
        (["--candidate", "oracle"], "oracle"),
        (["--processes", "nowhere"], "there is no run in nowhere"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_runs(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = stages("--output", str(tmp_path / "new"), *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "new").glob("*/artifacts"))


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    done = stages("--output", str(tmp_path))
    assert done.returncode == 1
    assert "isn't empty" in done.stderr
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
