"""What a run of the workflow came to: a table in the job summary, and one result that a branch rule can ask for.

`JOBS` in the environment is GitHub's `needs` as JSON, `{"lint": {"result": "success", …}, …}`. The table goes to the
file that `GITHUB_STEP_SUMMARY` names, or is printed. Status: 0, or 1 if a job failed or was cancelled. A job that was
skipped on purpose (publish in a pull request) isn't a failure; one that was skipped as another failed isn't needed to
say so. It runs on the standard library alone, so that it also works where nothing could be installed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

_MARKS = {"success": "✓", "failure": "✗", "cancelled": "✗", "skipped": ""}


def table(results: dict[str, str]) -> str:
    """The jobs and their results as Markdown."""
    rows = [f"| {_MARKS.get(result, '?')} | {job} | {result} |" for job, result in results.items()]
    return "\n".join(["| | job | result |", "|---|---|---|", *rows]) + "\n"


def main() -> int:
    """Write the table; returns the status."""
    try:
        results = {job: str(found["result"]) for job, found in json.loads(os.environ["JOBS"]).items()}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
        print("""JOBS must be GitHub's `needs` as JSON: JOBS='{"lint": {"result": "success"}}'""", file=sys.stderr)
        return 1
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(table(results))
    else:
        print(table(results), end="")
    bad = [job for job, result in results.items() if result not in ("success", "skipped")]
    if bad:
        print(f"failed or cancelled: {', '.join(bad)}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
