"""The command line as a person meets it: one clear line for what goes wrong, and nothing left running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import requests

from monitoring import rendering
from monitoring.stack.stack import Ports
from tests.programs import SERVERS, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "monitoring")


@pytest.fixture
def stack_servers() -> None:
    require(*SERVERS)


def run(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **({} if path is None else {"PATH": path})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def on(ports: Ports) -> list[str]:
    """The options that choose ports."""
    return [word for name, port in vars(ports).items() for word in (f"--{name.replace('_', '-')}-port", str(port))]


@pytest.fixture
def up(
    stack_servers: None, interruptible: None, bundle: Path, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], Ports, list[psutil.Process]]]:
    """`up` once it says that everything runs, its ports, and what it has started."""
    ports = Ports.free()
    command = [*COMMAND, "up", "--bundle", str(bundle), "--folder", str(tmp_path / "stack"), *on(ports)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started: list[psutil.Process] = []
    with process:
        try:
            assert process.stdout
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
            started = psutil.Process(process.pid).children(recursive=True)
            yield process, ports, started
        finally:
            process.kill()
            for child in started:
                if child.is_running():
                    child.kill()


def ended(processes: list[psutil.Process], seconds: float = 20) -> bool:
    return not psutil.wait_procs(processes, timeout=seconds)[1]


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in ("up", "demo", "draw", "render"))
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["up", "demo", "draw", "render"])
def test_help_of_a_command_explains_every_option(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    options = [line.split() for line in done.stdout.splitlines() if line.startswith("  --")]
    assert options
    assert [words for words in options if len(words) < 3] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["fly"], "fly"),
        (["up", "--nonsense"], "--nonsense"),
        (["up", "--predictor-port", "70000"], "--predictor-port"),
        (["demo", "--seconds", "5"], "--seconds"),
        (["draw", "--minutes", "0"], "--minutes"),
        (["render", "--folder", "x"], "--folder"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], named: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert done.stdout == ""


def test_what_is_committed_passes_the_check() -> None:
    done = run("render", "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{len(rendering.rendered())} files are what the code renders\n"


def test_rendering_what_is_committed_changes_nothing() -> None:
    rendering.check()
    before = {path: path.stat().st_mtime_ns for path in rendering.rendered()}
    done = run("render")
    assert (done.returncode, done.stdout) == (0, "nothing has changed\n")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_drawing_from_nobody_is_one_line(free_port: Callable[[], int], tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = run("draw", "--prometheus", url, "--pictures", tmp_path / "pictures")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{url} doesn't answer as Prometheus does; is it running? make monitor starts one\n"
    assert not (tmp_path / "pictures").exists()


def test_drawing_without_a_predictor_says_what_lacks(lone_prometheus: str, tmp_path: Path) -> None:
    done = run("draw", "--prometheus", lone_prometheus, "--pictures", tmp_path / "pictures", "--feature", "ca")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Prometheus hasn't scraped a predictor in that time; make monitor starts both\n"
    assert not (tmp_path / "pictures").exists()


@pytest.mark.usefixtures("stack_servers")
def test_a_missing_bundle_is_told_in_the_predictors_own_words(tmp_path: Path) -> None:
    bundle = tmp_path / "nowhere"
    done = run("up", "--bundle", bundle, "--folder", tmp_path / "stack", *on(Ports.free()))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"predictor ended with status 1: {bundle}/manifest.json: can't be read: No such file or directory\n"
    )


@pytest.mark.usefixtures("stack_servers")
def test_a_taken_port_is_told_with_its_option(bundle: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ports = Ports(**(vars(Ports.free()) | {"node_exporter": port}))
        done = run("up", "--bundle", bundle, "--folder", tmp_path / "stack", *on(ports))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"port {port} is taken, so node_exporter can't listen on it")
    assert "--node-exporter-port" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_machine_without_prometheus_is_told_what_to_install(command: str, bundle: Path, tmp_path: Path) -> None:
    done = run(command, "--bundle", bundle, path=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "sudo apt-get install prometheus prometheus-alertmanager prometheus-node-exporter" in done.stderr


def test_only_the_predictor_listens_beyond_this_machine_and_ctrl_c_ends_everything(
    up: tuple[subprocess.Popen[str], Ports, list[psutil.Process]],
) -> None:
    process, ports, started = up
    assert len(started) == 4
    listening = {
        connection.laddr.port: connection.laddr.ip
        for child in started
        for connection in child.connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert set(listening) == set(vars(ports).values())
    del listening[ports.predictor]
    assert set(listening.values()) == {"127.0.0.1"}
    assert requests.get(f"http://127.0.0.1:{ports.predictor}/docs", timeout=10).ok
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, "")
    assert ended(started, 0)


def test_whoever_presses_ctrl_c_again_leaves_nothing_running_either(
    up: tuple[subprocess.Popen[str], Ports, list[psutil.Process]],
) -> None:
    process, _, started = up
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    process.communicate(timeout=30)
    assert ended(started)


@pytest.mark.parametrize("pauses", [[], [0.0], [0.001, 0.01, 0.1]])
def test_being_terminated_ends_everything_too_also_twice_as_make_does_it(
    up: tuple[subprocess.Popen[str], Ports, list[psutil.Process]], pauses: list[float]
) -> None:
    process, _, started = up
    process.terminate()
    for pause in pauses:
        time.sleep(pause)
        process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert ended(started, 0)


def test_a_server_that_ends_is_told_and_the_others_are_ended(
    up: tuple[subprocess.Popen[str], Ports, list[psutil.Process]],
) -> None:
    process, _, started = up
    (node,) = (child for child in started if "node" in child.name())
    node.kill()
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr.startswith("node_exporter ended with status -9: ")
    assert stderr.count("\n") == 1
    assert ended(started, 0)
