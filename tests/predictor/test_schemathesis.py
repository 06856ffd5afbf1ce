"""Schemathesis against the real server: what the OpenAPI document allows is answered, what it forbids is refused.

Its own checks: no 5xx; status, headers, type and schema of every answer as documented; data that breaks the schema and
methods that aren't in it refused; data that fits it accepted.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from pathlib import Path

# What v2 accepts can't be said in a schema alone: `data` must have as many values as `shape` says.
CONFIGURATION = """
max-failures = 20
[generation]
deterministic = true
max-examples = 100
database = "none"
[phases.stateful]
enabled = false
[[operations]]
include-path-regex = "/infer$"
checks.positive_data_acceptance.enabled = false
"""


@pytest.mark.parametrize("of", ["client", "iris_client"])
def test_every_operation_does_what_the_document_says(of: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    client: httpx.Client = request.getfixturevalue(of)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    arguments = ["--config-file", str(configuration), "run", "--no-color", f"{client.base_url}/openapi.json"]
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    paths = client.get("/openapi.json").json()["paths"]
    operations = sum(len(paths[path]) for path in paths if path != "/openapi.json")  # it doesn't test what it reads
    assert f"Tested: {operations}\n" in ended.stdout
    cases = re.search(r"(\d+) generated", ended.stdout)
    assert cases is not None
    assert int(cases[1]) > 1_000
