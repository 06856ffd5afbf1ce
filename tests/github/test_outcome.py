"""What a run of the workflow came to, told to people and to the branch rule."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

OUTCOME = Path(__file__).parents[2] / ".github" / "outcome.py"


def outcome(jobs: str | None, summary: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {} if jobs is None else {"JOBS": jobs}
    if summary:
        environment["GITHUB_STEP_SUMMARY"] = str(summary)
    return subprocess.run(
        [sys.executable, "-I", str(OUTCOME)], env=environment, capture_output=True, text=True, check=False
    )


def needs(**results: str) -> str:
    return json.dumps({job: {"result": result, "outputs": {}} for job, result in results.items()})


def test_success_is_a_table_and_status_0() -> None:
    done = outcome(needs(lint="success", test="success"))
    assert done.returncode == 0
    assert "| ✓ | lint | success |" in done.stdout.splitlines()
    assert done.stderr == ""


def test_the_table_is_added_to_the_job_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    done = outcome(needs(lint="success"), summary)
    assert summary.read_text(encoding="utf-8").startswith("before\n| | job | result |\n")
    assert done.stdout == ""


@pytest.mark.parametrize("result", ["failure", "cancelled", "something new"])
def test_anything_but_success_and_skipped_fails_and_is_named(result: str) -> None:
    done = outcome(needs(lint="success", train=result))
    assert done.returncode == 1
    assert done.stderr == "failed or cancelled: train\n"


def test_a_job_that_was_skipped_on_purpose_fails_nothing() -> None:
    assert outcome(needs(lint="success", publish="skipped")).returncode == 0


@pytest.mark.parametrize("jobs", [None, "", "[]", '"lint"', '{"lint": "success"}', '{"lint": {}}'])
def test_what_isnt_a_list_of_jobs_is_refused_in_one_line(jobs: str | None) -> None:
    done = outcome(jobs)
    assert done.returncode == 1
    assert done.stderr.startswith("JOBS must be GitHub's `needs` as JSON")
    assert done.stderr.count("\n") == 1
