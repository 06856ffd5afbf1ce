"""The whole comparison, small: real servers, real load."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from benchmarks.serving import catalogue, cells
from benchmarks.serving.__main__ import main
from benchmarks.serving.errors import Disagreement, ServerFailed
from benchmarks.serving.machine import two_cores
from benchmarks.serving.models import build_model
from components import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.serving.catalogue import Server
    from benchmarks.serving.models import ServedModel

needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk makes the load: apt-get install wrk")


@pytest.fixture(scope="module")
def logistic(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    """The smaller of the two models."""
    return build_model("logistic", tmp_path_factory.mktemp("bench") / "logistic")


@pytest.fixture(params=[catalogue.SKLEARNSERVER, catalogue.PREDECESSOR, catalogue.ECHO])
def peer(request: pytest.FixtureRequest, logistic: ServedModel, tmp_path: Path) -> Iterator[Server]:
    """A peer that needs no environment of its own, running."""
    server = catalogue.make_server(request.param, logistic, two_cores()[1], tmp_path, tmp_path)
    try:
        server.process.start()
        yield server
    finally:
        server.process.stop()


def test_peers_answer_what_scikit_learn_answers_and_are_refused_if_not(peer: Server) -> None:
    assert peer.check_answers() < 1e-9
    if peer.dialect.read is None:
        return
    other = replace(peer, model=replace(peer.model, plain=np.roll(peer.model.plain, 1)))
    with pytest.raises(Disagreement, match=f"{peer.name} with the logistic: off scikit-learn's own answer by"):
        other.check_answers()


def test_what_a_server_says_when_it_ends_is_passed_on(logistic: ServedModel, tmp_path: Path) -> None:
    lost = replace(logistic, bundle=tmp_path / "nothing")
    server = catalogue.make_server(catalogue.PREDICTOR, lost, two_cores()[1], tmp_path, tmp_path)
    with pytest.raises(ServerFailed, match=r"predictor \(logistic\) ended with status 1: .*nothing"):
        server.process.start()


def test_a_server_stands_still_while_it_is_paused_and_is_ended_all_the_same(peer: Server) -> None:
    (process,) = [item for item in psutil.Process().children() if str(peer.process.port) in item.cmdline()]
    peer.process.pause()
    assert process.status() == psutil.STATUS_STOPPED
    peer.process.resume()
    peer.process.drain()
    peer.process.pause()
    peer.process.stop()
    assert not process.is_running()


@needs_wrk
def test_the_predictor_and_the_echo_are_measured_in_every_cell(tmp_path: Path) -> None:
    page = tmp_path / "serving.md"
    written = (PROJECT / "benchmarks" / "serving.md").exists()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serving", "--quick", "--output", str(page)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text in done.stdout
    assert (PROJECT / "benchmarks" / "serving.md").exists() is written
    for cell in cells.CELLS:
        assert (f"| {cell} | predictor: " in done.stderr) is (cell.model == "forest")
        assert (f"## {cell.shape[0].upper()}{cell.shape[1:]}\n" in text) is (cell.model == "forest")
    assert re.search(
        r"\| [✓✗] \| forest, 1 row, 16 connections, v1: requests/s of a bare echo \| 0\.\d+x \| ≥ 0\.4x", text
    )


def test_without_wrk_it_says_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["--quick"]) == 1
    assert "apt-get install wrk" in capsys.readouterr().err


@needs_wrk
def test_without_mlserver_it_says_how_to_get_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--server", catalogue.MLSERVER, "--mlserver", str(tmp_path)]) == 1
    assert f"MLServer isn't installed in {tmp_path}; make bench does that" in capsys.readouterr().err
