"""The workflows: what a job runs can be run anywhere, it has the rights that it needs, and no action may change."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")

WITHOUT_STATUS = re.compile(r"\b(always|failure|cancelled)\(\)")
"""What a condition must hold to run a job although one that it needs didn't succeed."""


@cache
def read(path: Path) -> dict[Any, Any]:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    """What starts it; YAML 1.1 reads the key `on` as true."""
    found = workflow[True]
    assert isinstance(found, dict)
    return found


def jobs() -> dict[str, dict[str, Any]]:
    return {name: job for path in WORKFLOWS for name, job in read(path)["jobs"].items()}


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    found = job["steps"]
    assert isinstance(found, list)
    return found


def verbs(job: dict[str, Any]) -> list[str]:
    """The Makefile's verbs that a job runs."""
    return [step["run"].removeprefix("sudo ").split()[1] for step in steps(job) if "run" in step]


EVERY_JOB = pytest.mark.parametrize("name", sorted(jobs()))


def test_the_jobs_are_those_from_lint_to_the_result() -> None:
    assert set(jobs()) == {
        *("lint", "readme", "test", "train", "images", "publish", "e2e", "deploy", "notify"),
        "release",
    }


@EVERY_JOB
def test_a_job_runs_verbs_of_the_makefile_and_nothing_else(name: str) -> None:
    commands = [step["run"] for step in steps(jobs()[name]) if "run" in step]
    assert commands, "a job that only uses actions can't be run elsewhere"
    for command in commands:
        assert re.fullmatch(r"(sudo )?make [a-z0-9-]+( [A-Z_]+=[\w./-]+)*", command), command
    for verb in verbs(jobs()[name]):
        assert re.search(rf"^{re.escape(verb)}:", MAKEFILE, re.MULTILINE), f"the Makefile has no {verb}"


@EVERY_JOB
def test_only_servers_is_run_as_root(name: str) -> None:
    assert {step["run"] for step in steps(jobs()[name]) if step.get("run", "").startswith("sudo")} <= {
        "sudo make servers"
    }


RIGHTS = {
    "publish": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    "deploy": {"contents": "read", "packages": "read"},
    "release": {"contents": "read", "packages": "write"},
}


@EVERY_JOB
def test_a_job_has_the_rights_that_it_needs(name: str) -> None:
    assert jobs()[name]["permissions"] == RIGHTS.get(name, {"contents": "read"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_gives_no_rights_by_itself(path: Path) -> None:
    assert read(path)["permissions"] == {}
    assert read(path)["concurrency"]["group"]


@pytest.mark.parametrize("name", ["publish", "release", "deploy"])
def test_what_may_write_or_deploy_builds_and_installs_nothing_of_others(name: str) -> None:
    assert set(verbs(jobs()[name])) <= {"push-images", "sign-images", "release-images", "verify-image", "deploy"}
    for verb in verbs(jobs()[name]):
        rule = re.search(rf"^{verb}:(.*)$", MAKEFILE, re.MULTILINE)
        assert rule
        assert "installed" not in rule[1].partition("##")[0], f"{verb} installs packages"
    assert not any("setup-python" in step.get("uses", "") for step in steps(jobs()[name]))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    used = [line for line in path.read_text(encoding="utf-8").splitlines() if re.match(r"\s*(- )?uses:", line)]
    assert used
    for line in used:
        assert re.fullmatch(r"\s*(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_is_pinned_the_same_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, pin in re.findall(r"uses: (\S+)@(\S+ # \S+)", path.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) > 1} == {}


@EVERY_JOB
def test_a_job_ends_in_time_on_a_system_that_is_named(name: str) -> None:
    job = jobs()[name]
    assert 0 < job["timeout-minutes"] <= 120
    assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])


@EVERY_JOB
def test_no_step_can_use_the_credentials_that_checked_the_code_out(name: str) -> None:
    checkouts = [step for step in steps(jobs()[name]) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_runs_with_rights_on_code_of_a_fork(path: Path) -> None:
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers(read(path)))


@EVERY_JOB
def test_a_secret_is_only_where_people_decide(name: str) -> None:
    text = yaml.safe_dump(jobs()[name])
    if name == "deploy":
        assert jobs()[name]["environment"] == "production"
        assert re.findall(r"secrets\.\w+", text) == ["secrets.KUBECONFIG"]
    else:
        assert "secrets." not in text
        assert "secrets" not in jobs()[name]


def test_the_jobs_follow_each_other() -> None:
    needs = {
        name: [job["needs"]] if isinstance(job.get("needs"), str) else list(job.get("needs", ()))
        for name, job in jobs().items()
    }
    assert {name: needs[name] for name in ("test", "train", "images", "publish", "e2e", "deploy")} == {
        "test": ["lint"],
        "train": ["test"],
        "images": ["train"],
        "publish": ["images"],
        "e2e": ["images"],
        "deploy": ["publish", "e2e"],
    }
    assert set(needs["notify"]) == set(jobs()) - {"notify", "release"}


def test_the_result_is_told_whatever_happened() -> None:
    assert jobs()["notify"]["if"] == "always()"
    others = {name: str(job.get("if", "")) for name, job in jobs().items() if name != "notify"}
    assert not [name for name, condition in others.items() if WITHOUT_STATUS.search(condition)]


def test_only_what_is_on_main_is_pushed_and_deployed() -> None:
    ci = read(PROJECT / ".github" / "workflows" / "ci.yml")
    assert triggers(ci)["push"] == {"branches": ["main"]}
    assert ci["jobs"]["publish"]["if"] == "github.event_name == 'push'"
    assert ci["jobs"]["deploy"]["if"].startswith("github.ref == 'refs/heads/main' && ")
    assert ci["jobs"]["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_the_cluster_job_is_switched_off_only_as_long_as_it_has_no_test() -> None:
    gate = jobs()["e2e"].get("if")
    if list((PROJECT / "tests" / "cluster").glob("**/test_*.py")):
        assert gate is None, "tests/cluster has tests now: the job e2e must always run"
    else:
        assert gate == "vars.CLUSTER_TESTS == 'on'"


def test_the_tests_run_on_every_python_that_the_lock_holds_for() -> None:
    assert jobs()["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert jobs()["test"]["strategy"]["fail-fast"] is False


def test_what_is_pushed_is_built_without_a_cache() -> None:
    assert not [step for step in steps(jobs()["images"]) if "cache" in step.get("with", {})]


def test_both_images_are_scanned_and_a_grave_fault_stops_them() -> None:
    scans = [step["with"] for step in steps(jobs()["images"]) if "scan-action" in step.get("uses", "")]
    assert {scan["image"].rpartition("/")[2] for scan in scans} == {
        "concord-predictor.tar",
        "concord-pipeline-python3.11.tar",
    }
    assert all(scan["fail-build"] is True and scan["severity-cutoff"] == "high" for scan in scans)
