"""The files that people and GitHub look for: they name what is there, and one placeholder stands for the owner."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
GITHUB = PROJECT / ".github"


def test_the_licence_is_apaches_own_text() -> None:
    text = (PROJECT / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"


def test_every_owned_path_is_there_and_every_owner_is_one_of_the_organisation() -> None:
    rules = [
        line.split()
        for line in (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert rules[0][0] == "*"
    for path, *owners in rules:
        assert owners
        assert all(re.fullmatch(r"@ORGANISATION/[a-z-]+", owner) for owner in owners)
        assert path == "*" or (PROJECT / path.lstrip("/")).exists(), path


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ".github/ISSUE_TEMPLATE/config.yml"]
)
def test_an_address_on_github_names_the_placeholder(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    assert set(re.findall(r"github\.com/([\w-]+)/concord", text)) <= {"ORGANISATION"}


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", ".github/pull_request_template.md"])
def test_a_verb_that_a_document_names_is_in_the_makefile(name: str) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    for verb in re.findall(r"`(?:sudo )?make ([a-z0-9-]+)", (PROJECT / name).read_text(encoding="utf-8")):
        assert re.search(rf"^{re.escape(verb)}:", makefile, re.MULTILINE), verb


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem)
def test_a_form_asks_for_something_and_has_no_two_fields_of_one_name(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert form["name"]
    assert form["description"]
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names)
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_a_script_can_be_run_and_stops_at_the_first_error() -> None:
    scripts = sorted(GITHUB.glob("*/*.sh"))
    assert scripts
    for script in scripts:
        assert script.stat().st_mode & 0o111, script
        text = script.read_text(encoding="utf-8")
        assert text.startswith("#!/usr/bin/env bash\n")
        assert "set -euo pipefail" in text or script.name == "logs.sh"  # which collects what it can
        assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_what_the_test_cluster_is_made_of_is_pinned() -> None:
    text = (GITHUB / "e2e" / "install.sh").read_text(encoding="utf-8")
    for name in ("CERT_MANAGER", "ENVOY_GATEWAY", "PIPELINES"):
        assert re.search(rf"^{name}=v?\d+\.\d+\.\d+\b", text, re.MULTILINE)
    assert re.search(r"^kserve==\d+\.\d+\.\d+$", (PROJECT / "requirements" / "predictor.in").read_text(), re.MULTILINE)
    assert "latest" not in text
