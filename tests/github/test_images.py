"""How images get from one job to the next and into a registry: the same bytes, known by their digest."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from components.image import LOCAL_IMAGE
from tests.github.conftest import HEALTHCHECK, IMAGES, PROJECT, Checkout

SCRIPTS = ("export", "push", "release")


def tags(registry: str, name: str) -> set[str]:
    try:
        with urllib.request.urlopen(f"http://{registry}/v2/{name}/tags/list", timeout=5) as answer:
            return set(json.load(answer)["tags"] or ())
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 404:  # the registry doesn't know the name
            return set()
        raise


def test_every_script_knows_the_same_images_as_the_pipeline() -> None:
    assert LOCAL_IMAGE.removeprefix("localhost/") == f"{IMAGES[1]}:local"
    for script in SCRIPTS:
        text = (PROJECT / ".github" / "images" / f"{script}.sh").read_text(encoding="utf-8")
        assert set(re.findall(r"concord-(?:predictor|pipeline-python[\d.]*\d)", text)) == set(IMAGES)


def manifest(registry: str, name: str, reference: str) -> tuple[str, dict[str, Any]]:
    """The digest that the registry knows an image's manifest by, and the manifest."""
    request = urllib.request.Request(
        f"http://{registry}/v2/{name}/manifests/{reference}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.headers["Docker-Content-Digest"], json.load(answer)


def test_what_is_pushed_is_what_was_exported_and_known_by_its_digest(
    checkout: Checkout, exported: dict[str, str], registry: str
) -> None:
    outputs = checkout.directory / "outputs"
    done = checkout.run(
        "images/push.sh", REGISTRY=f"{registry}/Owner/Concord", REGISTRY_TLS="false", GITHUB_OUTPUT=str(outputs)
    )
    assert done.returncode == 0, done.stderr
    tag = f"sha-{checkout.git('rev-parse', 'HEAD')}"
    pushed = (checkout.directory / "build" / "images" / "pushed").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
    for image, line in zip(IMAGES, pushed, strict=True):
        assert tags(registry, f"owner/concord/{image}") == {tag}
        digest, found = manifest(registry, f"owner/concord/{image}", tag)
        assert found["config"]["digest"] == exported[image]
        assert line == f"{image} {registry}/owner/concord/{image} {digest}"
        output = image.removesuffix("-python3.11")
        assert told[output] == f"{registry}/owner/concord/{image}@{digest}"
        assert (told[f"{output}-name"], told[f"{output}-digest"]) == (f"{registry}/owner/concord/{image}", digest)


def test_an_image_keeps_its_healthcheck(checkout: Checkout, exported: dict[str, str], registry: str) -> None:
    assert checkout.run("images/push.sh", REGISTRY=f"{registry}/owner", REGISTRY_TLS="false").returncode == 0
    address = f"http://{registry}/v2/owner/concord-predictor/blobs/{exported['concord-predictor']}"
    with urllib.request.urlopen(address, timeout=5) as answer:
        assert json.load(answer)["config"]["Healthcheck"] == HEALTHCHECK


def test_nothing_is_pushed_that_wasnt_exported(checkout: Checkout, exported: dict[str, str], registry: str) -> None:
    (checkout.directory / "build" / "images" / "concord-predictor.tar").unlink()
    done = checkout.run("images/push.sh", REGISTRY=f"{registry}/owner", REGISTRY_TLS="false")
    assert done.returncode == 1
    assert "There is no build/images/concord-predictor.tar: make export-images writes it." in done.stderr
    assert tags(registry, "owner/concord-predictor") == set()


def test_a_push_wants_to_know_where_to(checkout: Checkout) -> None:
    done = checkout.run("images/push.sh")
    assert done.returncode != 0
    assert "name the registry: REGISTRY=ghcr.io/ORGANISATION/concord" in done.stderr


def test_a_release_has_the_version_of_the_code(checkout: Checkout) -> None:
    done = checkout.run("images/release.sh", REGISTRY="127.0.0.1:1/owner", GITHUB_REF_NAME="v1.2.4")
    assert done.returncode == 1
    assert done.stderr == "The tag v1.2.4 isn't the version in pyproject.toml, which is 1.2.3: tag v1.2.3.\n"


def test_a_release_builds_nothing_that_main_didnt(checkout: Checkout, registry: str) -> None:
    done = checkout.run(
        "images/release.sh", REGISTRY=f"{registry}/owner", REGISTRY_TLS="false", GITHUB_REF_NAME="v1.2.3"
    )
    assert done.returncode == 1
    assert f"{registry}/owner/concord-predictor has no image of the commit" in done.stderr


def test_what_nobody_signed_isnt_released(checkout: Checkout, exported: dict[str, str], registry: str) -> None:
    where = {"REGISTRY": f"{registry}/owner", "REGISTRY_TLS": "false"}
    assert checkout.run("images/push.sh", **where).returncode == 0
    done = checkout.run(
        "images/release.sh", **where, GITHUB_REF_NAME="v1.2.3", GITHUB_REPOSITORY="ORGANISATION/concord"
    )
    assert done.returncode != 0
    assert "1.2.3" not in tags(registry, "owner/concord-predictor")


def test_a_tag_isnt_verified_as_it_may_change(checkout: Checkout) -> None:
    done = checkout.run(
        "images/verify.sh",
        IMAGE="ghcr.io/organisation/concord/concord-predictor:1.2.3",
        GITHUB_REPOSITORY="ORGANISATION/concord",
    )
    assert done.returncode == 1
    assert "has no digest" in done.stderr


@pytest.mark.parametrize("content", [None, ""])
def test_nothing_is_signed_before_it_is_pushed(checkout: Checkout, content: str | None) -> None:
    if content is not None:
        (checkout.directory / "build" / "images").mkdir(parents=True)
        (checkout.directory / "build" / "images" / "pushed").write_text(content, encoding="utf-8")
    done = checkout.run("images/sign.sh")
    assert done.returncode == 1
    assert "Nothing was pushed yet" in done.stderr
