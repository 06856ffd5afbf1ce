"""The commands for a cluster as a user types them, against a server that speaks the API of Kubeflow Pipelines."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.submission.kfp_server import KfpServer, serving
from tests.submission.workflow import Told

IMAGE = f"registry.example.org/concord-pipeline-python3.11@sha256:{'a' * 64}"
SECRET = "s3cret-of-somebody"
RUNNING = {"ingest": Told("RUNNING")}
DONE = {"ingest": Told(), "train[0]": Told(), "publish": Told()}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of whoever runs the tests, but an image."""
    own = ("KFP_", "KF_", "KUBE", "CONCORD_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {
        **kept,
        "HOME": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "CONCORD_PIPELINE_IMAGE": IMAGE,
        "TZ": "America/New_York",
    }


@pytest.fixture
def server() -> Iterator[KfpServer]:
    with serving(namespaces=("team",), token=SECRET) as found:
        yield found


@pytest.fixture
def settings(environment: dict[str, str], server: KfpServer) -> dict[str, str]:
    """The same, and how to reach the server."""
    return {**environment, "KFP_ENDPOINT": server.url, "KFP_NAMESPACE": "team", "KFP_TOKEN": SECRET}


def pipeline(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, which shows neither a token nor a traceback."""
    done = subprocess.run(
        [sys.executable, "pipeline.py", *arguments],
        cwd=PROJECT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    for printed in (done.stdout, done.stderr):
        assert SECRET not in printed
        assert "Traceback" not in printed
        assert "Warning" not in printed
    return done


def test_submit_uploads_starts_and_follows_a_run(server: KfpServer, settings: dict[str, str]) -> None:
    server.story = [RUNNING, DONE]
    options = ("--effort", "quick", "--candidate", "svm", "--experiment", "hearts", "--service-account", "trainer")
    done = pipeline(settings, "submit", "heart", *options, "--source", "https://example.org/t.csv", "--poll", "0.1")

    assert (done.returncode, done.stderr) == (0, "")
    (run,) = server.runs.values()
    (version,) = server.versions.values()
    assert f"{server.url}/#/runs/details/{run.run_id}" in done.stdout
    assert f"Version  {version.display_name} ({version.pipeline_version_id})" in done.stdout
    assert re.search(r"s  Train · svm … done in 4\.2 s", done.stdout)
    assert re.search(r"^Succeeded after .*, 3 tasks done$", done.stdout, re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{12}(\.modified\.[0-9a-f]{8})?", version.display_name)
    assert IMAGE in server.asked("POST .*/upload_version")[0].body
    assert run.service_account == "trainer"
    assert {
        name: run.runtime_config.parameters[name] for name in ("contract_path", "effort", "candidates", "source")
    } == {
        "contract_path": "datasets/heart/contract.yaml",
        "effort": "quick",
        "candidates": ["svm"],
        "source": {"": "https://example.org/t.csv"},
    }
    (experiment,) = server.experiments.values()
    assert (experiment.display_name, experiment.namespace) == ("hearts", "team")
    assert {request.headers["authorization"] for request in server.received} == {f"Bearer {SECRET}"}


def test_submit_tells_why_a_run_failed(server: KfpServer, settings: dict[str, str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET)
    del settings["KFP_TOKEN"]
    server.story, server.ending = [{**DONE, "train[0]": Told("FAILED", error="Error (exit code 1)")}], "FAILED"
    server.logs["concord-x7k2p-train-0-executor"] = "ValueError: the fit failed\n"
    server.fail("GET .*/runs/", HTTPStatus.SERVICE_UNAVAILABLE, "no healthy upstream", times=2)
    done = pipeline(settings, "submit", "heart", "--poll", "0.1", "--token-file", str(token))

    assert done.returncode == 1
    assert "503 Service Unavailable: no healthy upstream" in done.stdout
    assert "The API answers again" in done.stdout
    assert "Train · logistic-regression failed: Error (exit code 1)" in done.stdout
    assert "  | ValueError: the fit failed" in done.stdout


def test_submit_leaves_a_run_that_takes_too_long(server: KfpServer, settings: dict[str, str]) -> None:
    server.story, server.ending = [RUNNING], "RUNNING"
    done = pipeline(settings, "submit", "heart", "--poll", "0.1", "--timeout", "0.01")
    assert done.returncode == 5
    assert "Not over after 1 s. The run goes on:" in done.stderr
    assert not server.asked("terminate")


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_leaves_the_run(server: KfpServer, settings: dict[str, str]) -> None:
    server.story, server.ending = [RUNNING], "RUNNING"
    process = subprocess.Popen(
        [sys.executable, "pipeline.py", "submit", "heart", "--poll", "0.1"],
        cwd=PROJECT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 240
        while not server.asked("GET .*/runs/[^/]+$") and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    (run_id,) = server.runs
    assert process.returncode == 130
    assert f"python pipeline.py status {run_id}" in said
    assert "Traceback" not in said
    assert not server.asked("terminate|DELETE")


def test_upload_twice_makes_one_version_and_no_run(server: KfpServer, settings: dict[str, str]) -> None:
    first, second = (pipeline(settings, "upload") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(server.versions) == 1
    assert not server.runs
    assert "which was there already" not in first.stdout
    assert "which was there already" in second.stdout
    (version,) = server.versions.values()
    assert version.pipeline_version_id in second.stdout
    spec = version.pipeline_spec.get("pipeline_spec", version.pipeline_spec)
    revision = spec["root"]["inputDefinitions"]["parameters"]["code_revision"]["defaultValue"]
    assert version.display_name.partition("+")[2][:12] == revision[:12]

    assert pipeline(settings, "upload", "--pipeline", "score").returncode == 0
    assert [item.display_name for item in server.pipelines.values()] == ["concord", "concord-score"]


def test_schedule_is_kept_replaced_listed_and_deleted(server: KfpServer, settings: dict[str, str]) -> None:
    weekly = ("schedule", "heart", "--candidate", "svm", "--cron")
    first = pipeline(settings, *weekly, "30 6 * * 1")
    assert first.returncode == 0, first.stderr
    assert "Schedule concord-heart (0 30 6 * * 1), new" in first.stdout
    times = re.findall(r"^Next     Mon .* 06:30:00 UTC = Mon .* 0[12]:30:00 E[SD]T here$", first.stdout, re.MULTILINE)
    assert len(times) == 3

    assert "(0 30 6 * * 1), unchanged" in pipeline(settings, *weekly, "0 30 6 * * 1").stdout
    other = pipeline(settings, *weekly, "0 5 * * 1")
    assert "(0 0 5 * * 1), in place of the one before" in other.stdout
    (kept,) = server.schedules.values()
    assert kept.trigger.cron_schedule.cron == "0 0 5 * * 1"
    assert kept.no_catchup is True

    assert re.match(
        rf"concord-heart  0 0 5 \* \* 1  on  {kept.recurring_run_id}\n", pipeline(settings, "schedule", "--list").stdout
    )
    assert pipeline(settings, "schedule", "heart", "--delete").returncode == 0
    assert not server.schedules
    gone = pipeline(settings, "schedule", "--delete", "--name", "concord-heart")
    assert (gone.returncode, gone.stderr) == (1, "there is no schedule 'concord-heart'; there are: none.\n")


def test_status_and_logs_show_a_run(server: KfpServer, settings: dict[str, str]) -> None:
    server.story = [DONE]
    server.logs["concord-x7k2p-ingest-executor"] = "303 rows\n"
    started = pipeline(settings, "submit", "heart", "--no-wait")
    (run_id,) = server.runs
    assert started.returncode == 0
    assert not server.asked(f"GET .*/runs/{run_id}")

    shown = pipeline(settings, "status")
    assert shown.returncode == 0
    assert f"{run_id}  {server.url}/#/runs/details/{run_id}" in shown.stdout
    assert "✓ Publish" in shown.stdout
    assert pipeline(settings, "logs", run_id, "ingest").stdout.endswith(
        "(pod concord-x7k2p-ingest-executor)\n303 rows\n"
    )
    unknown = pipeline(settings, "status", "nobody")
    assert unknown.returncode == 1
    assert "can't show the run nobody: there is no such thing" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("status", "--token", SECRET[:2]), 2, "No such option: --token"),
        (("schedule", "heart"), 2, "say when, such as --cron '30 6 * * 1'"),
        (("schedule", "heart", "--cron", "0 6 * * 7"), 1, "Sunday is 0 or SUN"),
        (("submit", "heart", "--source", "table.csv"), 1, "'table.csv' is a path of this machine"),
        (("submit", "heart", "--image", "concord:latest"), 1, "concord:latest"),
        (("submit", "hearts"), 1, "there is no dataset 'hearts'"),
    ],
)
def test_what_cant_work_is_refused_before_anything_is_sent(
    server: KfpServer, settings: dict[str, str], arguments: tuple[str, ...], status: int, words: str
) -> None:
    done = pipeline(settings, *arguments)
    assert done.returncode == status
    assert words in " ".join(done.stderr.split())
    assert not server.received


def test_without_an_endpoint_or_with_wrong_credentials(environment: dict[str, str]) -> None:
    nowhere = pipeline(environment, "status")
    assert nowhere.returncode == 1
    assert "Name it with --endpoint or KFP_ENDPOINT" in nowhere.stderr
    with serving(cookie="session=good") as guarded:
        page = pipeline({**environment, "KFP_ENDPOINT": guarded.url, "KFP_COOKIE": f"session={SECRET}"}, "status")
        assert page.returncode == 1
        assert "A login page" in page.stderr
        assert guarded.received[0].headers["cookie"] == f"session={SECRET}"
