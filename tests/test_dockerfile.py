"""The image that serves: what is in it, who runs it, and that nothing of training or of this machine gets in."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
DOCKERFILE = PROJECT / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        return [word for word in shlex.split(self.value) if not word.startswith("--")]

    def option(self, name: str) -> str | None:
        found = re.search(rf"--{name}=(\S+)", self.value)
        return found and found[1]


@dataclass(frozen=True)
class Stage:
    """What follows a FROM, by the name after AS."""

    base: str
    instructions: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction:
        return self.all(name)[-1]

    @property
    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for instruction in self.all("ENV") for word in instruction.words)


def instructions_of(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile without its comments."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def stages() -> dict[str, Stage]:
    """The stages of the Dockerfile by name."""
    found: dict[str, tuple[str, list[Instruction]]] = {}
    name = ""
    for instruction in instructions_of(DOCKERFILE.read_text()):
        if instruction.name == "FROM":
            base, _, name = instruction.words
            found[name] = (base, [])
        elif name:
            found[name][1].append(instruction)
    return {name: Stage(base, tuple(content)) for name, (base, content) in found.items()}


@pytest.fixture(scope="module")
def predictor(stages: dict[str, Stage]) -> Stage:
    """The stage that becomes the predictor's image."""
    return stages["predictor"]


def test_the_base_is_an_argument_that_ci_may_give_by_digest(stages: dict[str, Stage]) -> None:
    first = instructions_of(DOCKERFILE.read_text())[0]
    assert first.name == "ARG"
    name, default = first.value.split("=")
    assert not default.endswith(":latest")
    assert ":" in default
    outside = {stage.base for stage in stages.values()} - stages.keys()
    assert outside == {f"${{{name}}}"}


def test_it_is_not_root_that_serves(predictor: Stage) -> None:
    user = predictor.last("USER").value
    uid, gid = map(int, user.split(":"))
    assert uid >= 10_000
    assert gid >= 10_000
    setup = " ".join(run.value for run in predictor.all("RUN"))
    assert f"--uid {uid} " in setup
    names = [instruction.name for instruction in predictor.instructions]
    assert "RUN" not in names[names.index("USER") :]


def test_only_the_environment_and_the_code_are_copied_into_it(predictor: Stage) -> None:
    copied = [(copy.option("from"), *copy.words) for copy in predictor.all("COPY")]
    assert copied == [("predictor-environment", "/opt/predictor", "/opt/predictor"), ("predictor-code", "/app", "/app")]
    assert not predictor.all("ADD")


def test_the_code_is_the_contract_and_the_predictor_and_nothing_of_training(stages: dict[str, Stage]) -> None:
    from_here = {
        copy.words[0]
        for name, stage in stages.items()
        if name.startswith("predictor")
        for copy in stage.all("COPY")
        if copy.option("from") is None
    }
    assert from_here == {"contract", "predictor", "requirements/predictor.txt"}
    for source in from_here:
        assert (PROJECT / source).exists()


def test_every_stage_that_is_copied_from_exists(stages: dict[str, Stage]) -> None:
    sources = {copy.option("from") for stage in stages.values() for copy in stage.all("COPY")} - {None}
    assert sources <= stages.keys()


def test_what_is_installed_is_what_was_locked(stages: dict[str, Stage]) -> None:
    (install,) = stages["predictor-environment"].all("RUN")
    assert "--require-hashes" in install.value
    assert "--only-binary :all:" in install.value
    assert "--requirement /requirements.txt" in install.value


@pytest.mark.parametrize("tool", ["apt-get", "gcc", "build-essential", "curl", "wget", "pip install"])
def test_the_image_gets_no_tool_for_building_or_fetching(predictor: Stage, tool: str) -> None:
    assert not [run for run in predictor.all("RUN") if tool in run.value]


def test_nothing_needs_to_be_written_where_it_runs(stages: dict[str, Stage], predictor: Stage) -> None:
    assert predictor.environment["PYTHONDONTWRITEBYTECODE"] == "1"
    (compilation,) = stages["predictor-code"].all("RUN")
    assert "compileall" in compilation.value
    assert "unchecked-hash" in compilation.value


def test_onnx_runtime_reports_to_nobody(predictor: Stage) -> None:
    assert predictor.environment["ORT_DISABLE_TELEMETRY"] == "1"


def test_the_entrypoint_takes_its_bundle_from_where_kserve_mounts_it(predictor: Stage) -> None:
    assert json.loads(predictor.last("ENTRYPOINT").value) == ["python", "-m", "predictor"]
    assert not predictor.all("CMD")
    assert predictor.environment["PREDICTOR_BUNDLE"] == "/mnt/models"


def test_the_entrypoint_runs_on_the_copied_code_alone(tmp_path: Path, predictor: Stage) -> None:
    for folder in ("contract", "predictor"):
        (tmp_path / folder).symlink_to(PROJECT / folder)
    _, *arguments = json.loads(predictor.last("ENTRYPOINT").value)
    environment = {
        name: value for name, value in predictor.environment.items() if name.startswith(("PREDICTOR_", "PYTHON"))
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "/mnt/models" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_healthcheck_is_the_one_of_the_compose_file(predictor: Stage) -> None:
    options, command = predictor.last("HEALTHCHECK").value.split("CMD ")
    service = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]["predictor"]
    declared = service["healthcheck"]
    assert ["CMD", *json.loads(command)] == declared["test"]
    for option in ("interval", "timeout", "retries"):
        assert f"--{option}={declared[option]}" in options


def test_labels_are_those_of_oci(predictor: Stage) -> None:
    labels = dict(word.split("=", 1) for label in predictor.all("LABEL") for word in label.words)
    assert {"title", "description", "version", "revision"} == {
        name.removeprefix("org.opencontainers.image.") for name in labels
    }
    version = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"VERSION={version[1]}" in [argument.value for argument in predictor.all("ARG")]


def test_the_context_holds_only_what_is_named() -> None:
    lines = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    needed = {"contract", "predictor", "requirements"}
    assert needed <= allowed
    assert not allowed & {"runs", ".git", ".venv", ".env"}
    assert "**/__pycache__" in lines
