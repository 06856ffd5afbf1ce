"""The README's chapter about one's own table, followed to the letter in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from contract.bundle import verify
from contract.document import load_contract
from tests.conftest import PROJECT, without_mlflow

CHAPTER = "Your own table in ten minutes"
CODE = (
    *("commands", "compilation", "components", "contract", "local", "predictor", "submission"),
    *("requirements", "pipeline.py", "Makefile"),
)
PORT = "8080"
READY_SECONDS = 60


def commands() -> list[str]:
    """The chapter's scripts, in its order."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    chapter = re.split(r"^## ", text.split(f"\n## {CHAPTER}\n")[1], flags=re.MULTILINE)[0]
    return [block.strip() for block in re.findall(r"^```sh\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code that works with this environment, as `.venv`, and installs nothing."""
    root = tmp_path_factory.mktemp("concord")
    for name in CODE:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, root)
    environment = root / ".venv"
    environment.mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith("installed"):
            (environment / entry.name).symlink_to(entry)
    (environment / "installed").touch()  # newer than the requirements, so that make has nothing to do
    return root


class Reader:
    """Somebody who types the chapter's commands; `port` takes the place of 8080, which may be in use."""

    def __init__(self, root: Path, port: int) -> None:
        self.root = root
        self.port = str(port)
        self.environment = {**without_mlflow(), "PATH": f"{root / '.venv' / 'bin'}:{os.environ['PATH']}"}
        self.environment.pop("CONCORD_RUNS", None)

    def types(self, command: str) -> str:
        """Run one script to its end; returns what it printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace(f"localhost:{PORT}", f"127.0.0.1:{self.port}")],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def starts(self, command: str) -> subprocess.Popen[bytes]:
        """Start a server and wait until it is ready."""
        process = subprocess.Popen(
            [*command.split(), f"PORT={self.port}"], cwd=self.root, env=self.environment, start_new_session=True
        )
        deadline = time.monotonic() + READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/v2/health/ready").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            return process
        end(process)
        raise AssertionError(f"{command} didn't answer")


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def fewer_candidates(root: Path) -> None:
    """The one liberty taken: two kinds of model compete where the chapter lets all of them, which takes minutes."""
    path = root / "datasets" / "breast_cancer" / "contract.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}candidates: [logistic-regression, decision-tree]\n", encoding="utf-8")


@pytest.fixture(scope="module")
def answer(copy: Path, free_port: Callable[[], int]) -> Iterator[str]:
    """What the chapter's last command prints, once all before it went well."""
    reader = Reader(copy, free_port())
    servers = []
    printed = ""
    try:
        for command in commands():
            if command == "make serve":
                servers.append(reader.starts(command))
                continue
            printed = reader.types(command)
            if "contract draft" in command:
                fewer_candidates(copy)
        yield printed
    finally:
        for server in servers:
            end(server)


def test_the_chapter_drafts_runs_serves_and_asks() -> None:
    scripts = commands()
    order = ["to_csv(", "contract draft", "positive: malignant", "contract check", "make serve", "curl"]
    places = [next(at for at, script in enumerate(scripts) if part in script) for part in order]
    assert places == sorted(places)
    assert "make run DATASET=breast_cancer EFFORT=quick" in "\n".join(scripts)


@pytest.mark.timeout(900)
def test_a_bundle_comes_out_and_the_served_answer_names_a_label(copy: Path, answer: str) -> None:
    contract = load_contract(copy / "datasets" / "breast_cancer" / "contract.yaml")
    assert contract.target.labels == ("benign", "malignant")
    assert len(contract.features) == 30
    assert verify(copy / "runs" / "latest" / "bundle").name == "breast-cancer"
    body = json.loads(answer)
    assert body["model_name"] == "breast-cancer"
    (prediction,) = body["predictions"]
    assert prediction["label"] == "malignant"
    assert set(prediction["probabilities"]) == {"benign", "malignant"}
    assert prediction["warnings"] == []
