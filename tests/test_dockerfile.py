"""The images as they are written down: what is in them, who runs them, and that nothing of this machine gets in."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
DOCKERFILE = PROJECT / "Dockerfile"
TARGETS = ("predictor", "pipeline")

every_target = pytest.mark.parametrize("target", TARGETS)


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

    @property
    def copied(self) -> list[tuple[str | None, ...]]:
        return [(copy.option("from"), *copy.words) for copy in self.all("COPY")]


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


@pytest.fixture(scope="module")
def pipeline(stages: dict[str, Stage]) -> Stage:
    """The stage that becomes the image of the pipeline's tasks."""
    return stages["pipeline"]


def names_in(requirements: str) -> set[str]:
    """The packages that a file of requirements, or of what is left out, names."""
    text = (PROJECT / "requirements" / requirements).read_text()
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*)", text, re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint", path=Path(sys.executable).parent)
    if program is None:
        pytest.skip("hadolint has no build for this machine, or make test has not installed it yet")
    done = subprocess.run([program, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_base_is_an_argument_that_ci_may_give_by_digest(stages: dict[str, Stage]) -> None:
    first = instructions_of(DOCKERFILE.read_text())[0]
    assert first.name == "ARG"
    name, default = first.value.split("=")
    assert not default.endswith(":latest")
    assert ":" in default
    outside = {stage.base for stage in stages.values()} - stages.keys()
    assert outside == {f"${{{name}}}", "scratch"}


@every_target
def test_it_is_not_root_that_runs(stages: dict[str, Stage], target: str) -> None:
    stage = stages[target]
    uid, gid = map(int, stage.last("USER").value.split(":"))
    assert uid >= 10_000
    assert gid >= 10_000
    names = [instruction.name for instruction in stage.instructions]
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])


def test_nothing_is_in_the_predictors_image_but_what_was_put_together_for_it(predictor: Stage) -> None:
    assert predictor.base == "scratch"
    assert not predictor.all("RUN")
    assert not predictor.all("ADD")
    assert predictor.copied == [
        ("predictor-root", "/system", "/"),
        ("predictor-root", "/state", "/var/lib"),
        ("predictor-environment", "/opt/predictor", "/opt/predictor"),
        ("predictor-code", "/app", "/app"),
    ]


def test_what_predictors_leave_behind_belongs_to_who_runs_them(stages: dict[str, Stage], predictor: Stage) -> None:
    (state,) = [copy for copy in predictor.all("COPY") if copy.words[0] == "/state"]
    assert state.option("chown") == predictor.last("USER").value
    assert "--mode 0750 /state/predictor" in stages["predictor-root"].last("RUN").value


def test_the_predictors_code_is_the_contract_and_the_predictor_and_nothing_of_training(
    stages: dict[str, Stage],
) -> None:
    from_here = {
        copy.words[0]
        for name, stage in stages.items()
        if name.startswith("predictor")
        for copy in stage.all("COPY")
        if copy.option("from") is None
    }
    assert from_here == {"contract", "predictor", "requirements/predictor.txt", "images/root.py"}


def test_the_pipelines_code_is_what_tasks_import_and_nothing_that_submits_them(stages: dict[str, Stage]) -> None:
    from_here = {
        copy.words[0]
        for name, stage in stages.items()
        if name.startswith("pipeline")
        for copy in stage.all("COPY")
        if copy.option("from") is None
    }
    assert from_here == {"contract", "components", "predictor", "datasets", "requirements/pipeline-image.txt"}


def test_what_is_copied_exists(stages: dict[str, Stage]) -> None:
    for stage in stages.values():
        for origin, *paths in stage.copied:
            if origin is None:
                assert (PROJECT / str(paths[0])).exists()
            else:
                assert origin in stages


@every_target
def test_what_is_installed_is_what_was_locked(stages: dict[str, Stage], target: str) -> None:
    (install,) = stages[f"{target}-environment"].all("RUN")
    for option in ("--no-deps", "--require-hashes", "--only-binary :all:", "--requirement /requirements.txt"):
        assert option in install.value


@every_target
def test_where_packages_come_from_is_not_in_the_image(stages: dict[str, Stage], target: str) -> None:
    for name, stage in stages.items():
        if name.startswith(target):
            said = " ".join(instruction.value for instruction in stage.instructions)
            assert not re.search(r"PIP_|index-url|trusted-host|https?://(?!127\.0\.0\.1)", said)
    (install,) = stages[f"{target}-environment"].all("RUN")
    assert "--mount=type=secret,id=pip,target=/etc/pip.conf" in install.value


@pytest.mark.parametrize("image", ["predictor", "pipeline-image"])
def test_what_an_image_leaves_out_is_not_locked_for_it(image: str) -> None:
    left_out = names_in(f"{image}-excludes.txt")
    locked = names_in(f"{image}.txt")
    assert left_out
    assert not left_out & locked
    assert {"kserve", "numpy", "onnxruntime"} <= locked


def test_both_images_have_the_versions_that_are_tested() -> None:
    tested = (PROJECT / "requirements" / "dev.txt").read_text()
    for image in ("predictor", "pipeline-image"):
        locked = (PROJECT / "requirements" / f"{image}.txt").read_text()
        for version in re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+", locked, re.MULTILINE):
            assert version in tested


@every_target
@pytest.mark.parametrize("tool", ["apt-get", "gcc", "build-essential", "curl", "wget", "pip install"])
def test_an_image_gets_no_tool_for_building_or_fetching(stages: dict[str, Stage], target: str, tool: str) -> None:
    assert not [run for run in stages[target].all("RUN") if tool in run.value]


@every_target
def test_nothing_needs_to_be_written_where_it_runs(stages: dict[str, Stage], target: str) -> None:
    assert stages[target].environment["PYTHONDONTWRITEBYTECODE"] == "1"
    (compilation,) = stages[f"{target}-code"].all("RUN")
    assert "compileall" in compilation.value
    assert "unchecked-hash" in compilation.value


def test_what_tasks_write_beside_their_outputs_goes_to_tmp(pipeline: Stage) -> None:
    assert pipeline.environment["HOME"] == "/tmp"
    assert pipeline.environment["MPLCONFIGDIR"].startswith("/tmp/")


def test_tasks_find_contracts_and_code_where_the_image_has_them(pipeline: Stage) -> None:
    assert pipeline.last("WORKDIR").value == pipeline.environment["PYTHONPATH"] == "/app"
    assert ("pipeline-code", "/app", "/app") in pipeline.copied
    assert not pipeline.all("ENTRYPOINT")


def test_nobody_is_told_anything(predictor: Stage, pipeline: Stage) -> None:
    assert predictor.environment["ORT_DISABLE_TELEMETRY"] == pipeline.environment["ORT_DISABLE_TELEMETRY"] == "1"
    assert pipeline.environment["MLFLOW_DISABLE_TELEMETRY"] == "true"


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


@every_target
def test_labels_are_those_of_oci(stages: dict[str, Stage], target: str) -> None:
    stage = stages[target]
    labels = dict(word.split("=", 1) for label in stage.all("LABEL") for word in label.words)
    assert {"title", "description", "version", "revision", "source", "licenses"} == {
        name.removeprefix("org.opencontainers.image.") for name in labels
    }
    version = re.search(r'^version = "(.+)"$', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert f"VERSION={version[1]}" in [argument.value for argument in stage.all("ARG")]


@every_target
def test_a_new_revision_builds_no_layer_anew(stages: dict[str, Stage], target: str) -> None:
    names = [instruction.name for instruction in stages[target].instructions]
    assert set(names[names.index("ARG") :]) == {"ARG", "LABEL"}


def test_the_context_holds_only_what_is_named() -> None:
    lines = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert allowed == {"components", "contract", "datasets", "images/root.py", "predictor", "requirements"}
    assert "**/__pycache__" in lines


def test_tables_that_git_does_not_hold_are_not_in_the_context() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    for line in (PROJECT / ".gitignore").read_text().splitlines():
        if line.startswith("/datasets/"):
            assert line.strip("/") in ignored
