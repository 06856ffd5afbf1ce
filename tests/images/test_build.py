"""The command that builds, and the images that it has made."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.image import LOCAL_IMAGE
from images import build as building
from images.build import PREDICTOR_IMAGE, TARGETS, build, builder, directory, options, source_of, version
from images.errors import BuilderMissing, BuildFailed, NotProven
from images.proof import healthcheck_of

PROJECT = Path(__file__).parents[2]
MEGABYTES = 10**6

every_target = pytest.mark.parametrize("target", TARGETS)

_DOCKER = """
echo "$@" >> "$(dirname "$0")/asked"
case "$1" in
  info) exit 0 ;;
  image) echo 123000000 ;;
  *) while [ $# -gt 1 ]; do [ "$1" = --iidfile ] && echo "sha256:abc" > "$2"; shift; done ;;
esac
"""


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory in place of build/, so that the ids of real images stay."""
    folder = tmp_path / "build"
    monkeypatch.setattr(building, "BUILD", folder)
    return folder


def test_the_images_are_those_that_others_speak_of() -> None:
    assert TARGETS["pipeline"] == LOCAL_IMAGE
    assert "python" in TARGETS["pipeline"]
    services = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
    assert services["predictor"]["image"] == PREDICTOR_IMAGE


def test_a_builder_is_told_target_name_arguments_and_secrets() -> None:
    told = options("predictor", {"PYTHON": "base@sha256:1"}, {"pip": Path("/pip.conf")})
    assert told[:4] == ["--target", "predictor", "--tag", "concord-predictor:local"]
    assert told[4] == "--iidfile"
    assert told[5].endswith("build/concord-predictor.iid")
    assert told[6:] == ["--build-arg", "PYTHON=base@sha256:1", "--secret", "id=pip,src=/pip.conf"]


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/someone/concord.git", "https://github.com/someone/concord"),
        ("https://github.com/someone/concord", "https://github.com/someone/concord"),
        ("git@github.com:someone/concord.git", "https://github.com/someone/concord"),
        ("ssh://git@github.com/someone/concord", "https://github.com/someone/concord"),
        ("https://user:password@github.com/someone/concord.git", None),
        ("/home/someone/concord", None),
        ("", None),
    ],
)
def test_a_label_names_a_page_and_never_a_password(remote: str, page: str | None) -> None:
    assert source_of(remote) == page


def test_the_version_is_the_projects() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", version())


def test_where_docker_answers_it_builds(program: Callable[[str, str], Path], left: Path) -> None:
    asked = program("docker", _DOCKER).with_name("asked")
    said: list[str] = []
    (built,) = build(["predictor"], "docker.io/library/python@sha256:1", said.append)
    assert (built.id, built.size) == ("sha256:abc", 123 * MEGABYTES)
    assert (left / "concord-predictor.iid").read_text() == "sha256:abc\n"
    (line,) = [line for line in asked.read_text().splitlines() if line.startswith("buildx build --load")]
    assert "--build-arg PYTHON=docker.io/library/python@sha256:1" in line
    assert f"VERSION={version()}" in line
    assert "on docker.io/library/python@sha256:1" in said[0]


def test_a_build_that_fails_ends_with_the_end_of_its_log(program: Callable[[str, str], Path], left: Path) -> None:
    program("docker", '[ "$1" = info ] || { echo "no space left on device"; exit 7; }')
    with pytest.raises(BuildFailed, match=r"status 7; .*concord-predictor.log ends with:\nno space left on device"):
        build(["predictor"], "base:1", lambda _: None)
    assert not list(left.glob("*.iid"))


def test_without_docker_and_buildah_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuilderMissing, match="apt-get install buildah podman"):
        builder()


def test_docker_that_does_not_answer_does_not_build(program: Callable[[str, str], Path]) -> None:
    program("docker", "exit 1")
    program("buildah", "exit 0")
    program("podman", "exit 0")
    assert builder()[:2] == ("buildah", "bud")
    assert "chroot" in builder()


def test_git_ignores_what_building_leaves(tmp_path: Path) -> None:
    directory(tmp_path / "build")
    assert (tmp_path / "build" / ".gitignore").read_text() == "*\n"


@every_target
def test_an_image_is_labelled_and_runs_as_a_number(image_of: Callable[[str], Any], target: str) -> None:
    image = image_of(target)
    configuration = image.attrs["Config"]
    assert configuration["User"] == "10001:10001"
    assert image.labels["org.opencontainers.image.version"] == version()
    assert re.fullmatch(r"[0-9a-f]{40}(-modified)?|unknown", image.labels["org.opencontainers.image.revision"])
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0"


@every_target
def test_nothing_of_this_machines_pip_is_in_an_image(image_of: Callable[[str], Any], target: str) -> None:
    image = image_of(target)
    assert not [entry for entry in image.attrs["Config"]["Env"] if entry.startswith(("PIP_", "SSL_"))]
    assert not [layer for layer in image.history() if re.search(r"index-url|trusted-host", layer["CreatedBy"] or "")]


def test_the_predictors_image_is_small(image_of: Callable[[str], Any]) -> None:
    assert image_of("predictor").attrs["Size"] < 350 * MEGABYTES


def test_the_predictors_healthcheck_got_into_the_image(image_of: Callable[[str], Any]) -> None:
    command = healthcheck_of(image_of("predictor"))
    assert command[0] == "python"
    assert "/v2/health/ready" in command[-1]


def test_a_task_has_no_healthcheck(image_of: Callable[[str], Any]) -> None:
    with pytest.raises(NotProven, match="its is NONE"):
        healthcheck_of(image_of("pipeline"))
