"""What a person reads: progress, the end, why tasks failed, logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from submission.connection import Connection
from submission.duration import duration
from submission.errors import UnknownTask
from submission.following import follow, show_failures, show_logs, show_run
from submission.runs import Run, Runs
from submission.versions import Uploaded
from submission.waiting import Patience
from tests.submission.conftest import begin
from tests.submission.kfp_server import KfpServer
from tests.submission.workflow import Told

QUICK = Patience(poll=0.02, timeout=20)
POD = "concord-x7k2p-train-1-executor"
STORY: list[Mapping[str, Told]] = [
    {"ingest": Told("RUNNING")},
    {"ingest": Told(), "train[0]": Told(is_cached=True), "train[1]": Told("RUNNING", 9)},
    {"ingest": Told(), "train[0]": Told(is_cached=True), "train[1]": Told("FAILED", 75)},
]


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=60)


def text_of(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return Text.from_ansi(console.file.getvalue()).plain


def finished(server: KfpServer, connection: Connection, version: Uploaded, story: Mapping[str, Told]) -> Run:
    server.story, server.ending = [story], "FAILED"
    runs = Runs(connection)
    return runs.get(begin(connection, version, runs).run_id)


def followed(connection: Connection, version: Uploaded, console: Console, patience: Patience = QUICK) -> int:
    runs = Runs(connection)
    return follow(connection, runs, begin(connection, version, runs), patience, console)


@pytest.mark.parametrize(
    ("ending", "status", "words"),
    [
        ("SUCCEEDED", 0, "Succeeded after"),
        ("FAILED", 1, "Failed after"),
        ("CANCELED", 4, "Was cancelled after"),
        ("CANCELING", 4, "Is being cancelled after"),
    ],
)
def test_the_status_is_the_runs(
    server: KfpServer, connection: Connection, version: Uploaded, console: Console, ending: str, status: int, words: str
) -> None:
    server.story, server.ending = [{"ingest": Told("RUNNING")}, {"ingest": Told()}], ending
    assert followed(connection, version, console) == status
    assert words in text_of(console)
    assert "1 task done" in text_of(console)


def test_each_task_that_ended_is_one_line(
    server: KfpServer, connection: Connection, version: Uploaded, console: Console
) -> None:
    server.story, server.ending = STORY, "FAILED"
    assert followed(connection, version, console) == 1
    lines = [line.partition(" s  ")[2] for line in text_of(console).splitlines() if " … " in line]
    assert sorted(lines) == [
        "Ingest … done in 4.2 s",
        "Train · extra-trees … failed after 1 min 15 s",
        "Train · svm … taken from the cache",
    ]


def test_a_terminal_shows_all_tasks_at_once(
    server: KfpServer, connection: Connection, version: Uploaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Console(file=StringIO(), force_terminal=True, width=80)
    server.story, server.ending = STORY, "FAILED"
    assert followed(connection, version, terminal) == 1
    shown = text_of(terminal)
    assert "✓ Ingest" in " ".join(shown.split())
    assert "✗ Train · extra-trees 1 min 15 s failed" in " ".join(shown.split())
    assert "from the cache" in shown


def test_a_timeout_leaves_the_run_and_says_how_to_follow_it(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    console: Console,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.ending = "RUNNING"
    assert followed(connection, version, console, Patience(0.02, timeout=0.1)) == 5
    (run_id,) = server.runs
    said = capsys.readouterr().err
    assert f"python pipeline.py status {run_id}" in said
    assert f"The run goes on: {server.url}/#/runs/details/{run_id}" in said
    assert not server.asked("terminate")


def test_a_wait_that_cant_go_on_leaves_the_run_too(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    console: Console,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.fail("GET .*/runs/", HTTPStatus.UNAUTHORIZED)
    assert followed(connection, version, console) == 5
    said = capsys.readouterr().err
    assert "(401)" in said
    assert "The run goes on" in said


def test_ctrl_c_ends_the_wait_and_not_the_run(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Impatient(Console):
        def print(self, *_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

    server.story = STORY
    with pytest.raises(KeyboardInterrupt):
        followed(connection, version, Impatient(file=StringIO()))
    assert "The run goes on" in capsys.readouterr().err
    assert not server.asked("terminate|DELETE")


def test_a_failure_is_told_by_the_api_and_the_log(
    server: KfpServer, connection: Connection, version: Uploaded, console: Console
) -> None:
    server.logs[POD] = "".join(f"line {number}\n" for number in range(50)) + "ValueError: no [rows]\n"
    run = finished(server, connection, version, {"train[1]": Told("FAILED", error="main: Error (exit code 1)")})
    show_failures(connection, console, run)
    shown = text_of(console)

    assert "Train · extra-trees failed: main: Error (exit code 1)" in shown
    assert f"pod {POD} in the namespace kubeflow" in shown
    assert "  | ValueError: no [rows]" in shown
    assert "line 49" in shown
    assert "line 10\n" not in shown
    assert "Kubernetes couldn't be asked about the pod: there is no kube config." in shown


def test_a_pods_end_is_told_by_kubernetes(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    console: Console,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kube_config(server, tmp_path, monkeypatch)
    killed = {"reason": "OOMKilled", "exitCode": 137, "message": "the kernel\nended it"}
    server.pods = {POD: pod_with({"terminated": killed})}
    server.logs[POD] = "fitting\n"
    run = finished(server, connection, version, {"train[1]": Told("FAILED")})
    show_failures(connection, console, run)
    shown = text_of(console)

    assert "  OOMKilled, exit code 137, the kernel ended it" in shown
    assert "  | fitting" in shown
    assert "couldn't" not in shown
    assert server.asked("GET /api/v1/namespaces/kubeflow/pods/[^/]+/log")[0].query == {
        "container": "main",
        "tailLines": "20",
    }


def test_an_image_that_cant_be_pulled_is_told_by_kubernetes(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    console: Console,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kube_config(server, tmp_path, monkeypatch)
    server.pods = {POD: pod_with({"waiting": {"reason": "ImagePullBackOff", "message": "no such digest"}})}
    run = finished(server, connection, version, {"train[1]": Told("FAILED")})
    show_failures(connection, console, run)
    assert "ImagePullBackOff: no such digest" in text_of(console)
    assert "Its log couldn't be had" in text_of(console)


@pytest.mark.parametrize(
    ("forbidden", "words"), [({"get pods"}, "403 Forbidden"), (set(), "it isn't there (any more)")]
)
def test_kubernetes_that_doesnt_say_is_told_in_a_sentence(
    server: KfpServer,
    connection: Connection,
    version: Uploaded,
    console: Console,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forbidden: set[str],
    words: str,
) -> None:
    kube_config(server, tmp_path, monkeypatch)
    server.forbidden = forbidden
    run = finished(server, connection, version, {"train[1]": Told("FAILED")})
    show_failures(connection, console, run)
    shown = text_of(console)
    assert f"Kubernetes couldn't be asked about the pod: {words}, pod {POD}" in shown
    assert "Its log couldn't be had either" in shown
    assert "Traceback" not in shown


def test_many_failures_of_a_loop_are_cut_short(
    server: KfpServer, connection: Connection, version: Uploaded, console: Console
) -> None:
    run = finished(server, connection, version, {f"train[{number}]": Told("FAILED") for number in range(8)})
    show_failures(connection, console, run)
    assert f"… and 3 more: python pipeline.py logs {run.run_id}" in text_of(console)


def test_status_lists_the_tasks(server: KfpServer, connection: Connection, version: Uploaded, console: Console) -> None:
    run = finished(server, connection, version, {**STORY[-1], "evaluate": Told("RUNNING")})
    show_run(console, run)
    lines = text_of(console).splitlines()
    assert lines[0].startswith("heart quick: failed after")
    assert run.link in lines[1]
    assert "✓ Ingest               done in 4.2 s" in lines
    assert "✗ Train · extra-trees  failed after 1 min 15 s" in lines
    assert any(line.startswith("… Evaluate") and "running for" in line for line in lines)


def test_logs_are_those_of_the_task_that_is_named(
    server: KfpServer, connection: Connection, version: Uploaded, capsys: pytest.CaptureFixture[str]
) -> None:
    server.logs = {"concord-x7k2p-ingest-executor": "303 rows\n", POD: "one\ntwo\n"}
    run = finished(server, connection, version, STORY[-1])

    assert show_logs(connection, run, "ingest", 0) == 0
    assert capsys.readouterr().out == "==> Ingest (pod concord-x7k2p-ingest-executor)\n303 rows\n"
    assert show_logs(connection, run, "train · Extra-Trees", 1) == 0
    assert capsys.readouterr().out == f"==> Train · extra-trees (pod {POD})\ntwo\n"
    assert show_logs(connection, run, "Train", 0) == 0
    assert "==> Train · svm: its outputs are those of an earlier run" in capsys.readouterr().out
    assert show_logs(connection, run, None, 0) == 0
    assert capsys.readouterr().out.count("==>") == 3
    with pytest.raises(UnknownTask, match="has no task 'fit'; it has: 'Ingest', 'Train · "):
        show_logs(connection, run, "fit", 0)


def test_a_log_that_is_gone_is_said_and_the_others_come(
    server: KfpServer, connection: Connection, version: Uploaded, capsys: pytest.CaptureFixture[str]
) -> None:
    server.logs = {POD: '{"a": 1}\n'}
    run = finished(server, connection, version, STORY[-1])
    assert show_logs(connection, run, None, 0) == 1
    said = capsys.readouterr()
    assert '{"a": 1}' in said.out
    assert "its log can't be had" in said.err
    assert "not found" in said.err


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (65, "1 min 05 s"), (4020, "1 h 07 min")]
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def pod_with(state: dict[str, Any]) -> dict[str, Any]:
    container = {"name": "main", "image": "i", "imageID": "i", "ready": False, "restartCount": 0, "state": state}
    return {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Failed", "containerStatuses": [container]}}


def kube_config(server: KfpServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kube config whose cluster is the server."""
    path = folder / "kube-config"
    named = {
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named}))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
