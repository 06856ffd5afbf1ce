"""`compile` and `lint`, as a user types them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.image import LOCAL_IMAGE
from local.workspace import code_revision
from tests.compilation.documents import IMAGE
from tests.conftest import pipeline


def defaults(path: Path) -> dict[str, Any]:
    spec = next(yaml.safe_load_all(path.read_text()))
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    return {name: item["defaultValue"] for name, item in parameters.items() if "defaultValue" in item}


def test_without_an_image_it_is_for_this_machine_and_says_how_to_have_another(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    done = pipeline("compile", "--output", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{path} is ready for this machine: its tasks run {LOCAL_IMAGE}.\n"
        "For a cluster, name the image that was pushed: --image REPOSITORY@sha256:…\n"
    )
    assert LOCAL_IMAGE in path.read_text()
    assert defaults(path)["code_revision"] == "unknown"


def test_with_an_image_it_is_for_a_cluster_and_keeps_every_rule(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    done = pipeline("compile", "--output", str(path), "--dataset", "porto_seguro", "--image", IMAGE)
    assert done.returncode == 0, done.stderr
    assert "upload it in the Kubeflow Pipelines UI" in done.stdout
    assert done.stderr.startswith("lightgbm is left out: the image doesn't have its library.")
    text = path.read_text()
    assert LOCAL_IMAGE not in text
    assert "resourceMemoryLimit: 8Gi" in text
    assert defaults(path) == {
        "contract_path": "datasets/porto_seguro/contract.yaml",
        "experiment": "porto-seguro",
        "effort": "standard",
        "candidates": ["logistic-regression", "random-forest", "hist-gradient-boosting"],
        "source": {},
        "publish_mode": "champion",
        "code_revision": code_revision(),
    }
    linted = pipeline("lint", str(path))
    assert (linted.returncode, linted.stderr) == (0, "")
    assert linted.stdout == f"{path} keeps all 19 rules\n"


def test_the_image_may_come_from_the_environment_and_options_win(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    arguments = ("compile", "--output", str(path), "--dataset", "porto_seguro")
    done = pipeline(*arguments, "--candidate", "lightgbm", "--memory", "16Gi", CONCORD_PIPELINE_IMAGE=IMAGE)
    assert (done.returncode, done.stderr) == (0, "")
    assert IMAGE in path.read_text()
    assert defaults(path)["candidates"] == ["lightgbm"]
    assert "16Gi" in path.read_text()
    assert "8Gi" not in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--image", "ghcr.io/someone/pipeline:v1"), "is named only by the tag 'v1'"),
        (("--image", "ghcr.io/someone/pipeline"), "neither by digest nor by tag"),
        (("--memory", "8GB"), "'8GB' is no amount of memory: write 8Gi"),
        (("--dataset", "hearts"), "there is no dataset 'hearts'; there are: heart"),
    ],
)
def test_what_no_cluster_could_run_is_refused_in_words(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = pipeline("compile", "--output", str(tmp_path / "it.yaml"), *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_tag_passes_only_with_allow_tag(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    done = pipeline(
        "compile", "--pipeline", "score", "--output", str(path), "--image", "images/python:v1", "--allow-tag"
    )
    assert done.returncode == 0, done.stderr
    refused = pipeline("lint", str(path))
    assert refused.returncode == 1
    assert f"{path}: task 'Score': its image images/python:v1 isn't named by a digest (image-by-digest)" in (
        refused.stderr
    )
    allowed = pipeline("lint", "--allow-tag", str(path))
    assert (allowed.returncode, allowed.stdout) == (0, f"{path} keeps all 19 rules, but for tags\n")


def test_a_dataset_is_for_the_pipeline_that_trains(tmp_path: Path) -> None:
    done = pipeline("compile", "--pipeline", "score", "--dataset", "heart", "--output", str(tmp_path / "it.yaml"))
    assert done.returncode == 2
    assert "are for --pipeline train" in done.stderr


def test_lint_names_what_is_no_pipeline(tmp_path: Path) -> None:
    done = pipeline("lint", "README.md")
    assert done.returncode == 1
    assert done.stderr.startswith("README.md isn't")
    assert "Traceback" not in done.stderr
    assert pipeline("lint").returncode == 2
