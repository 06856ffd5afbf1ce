"""What a deployment applies: the overlay of production, with the image that was tested and no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.github.conftest import Checkout
from tests.programs import require

DIGEST = "sha256:" + 64 * "a"
IMAGE = f"ghcr.io/organisation/concord/concord-predictor@{DIGEST}"

RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata:
  name: concord
spec:
  containers:
    - name: kserve-container
      image: {image}
"""


@pytest.fixture
def overlay(checkout: Checkout) -> Path:
    """An overlay of production upon a base, as kustomize has them."""
    base = checkout.directory / "kserve" / "base"
    overlay = checkout.directory / "kserve" / "overlays" / "production"
    base.mkdir(parents=True)
    overlay.mkdir(parents=True)
    (base / "runtime.yaml").write_text(RUNTIME.format(image="concord-predictor"), encoding="utf-8")
    (base / "kustomization.yaml").write_text("resources: [runtime.yaml]\n", encoding="utf-8")
    (overlay / "kustomization.yaml").write_text("namespace: live\nresources: [../../base]\n", encoding="utf-8")
    return overlay


def test_the_image_is_the_one_that_was_named(checkout: Checkout, overlay: Path) -> None:
    require("kubectl")
    done = checkout.run("deploy/deploy.sh", IMAGE=IMAGE, RENDER="1")
    assert done.returncode == 0, done.stderr
    runtime = yaml.safe_load(done.stdout)
    assert runtime["spec"]["containers"][0]["image"] == IMAGE
    assert runtime["metadata"]["namespace"] == "live"


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/organisation/concord/concord-predictor:1.2.3",
        "ghcr.io/organisation/concord/concord-predictor",
        f"ghcr.io/organisation/concord/concord-predictor@{DIGEST[:-1]}",
        f"ghcr.io/organisation/concord/concord-predictor@{DIGEST}\nresources: []",
    ],
)
def test_an_image_without_its_digest_is_refused(checkout: Checkout, overlay: Path, image: str) -> None:
    done = checkout.run("deploy/deploy.sh", IMAGE=image, RENDER="1")
    assert done.returncode == 1
    assert "has no digest" in done.stderr
    assert done.stdout == ""


def test_an_overlay_that_doesnt_use_the_image_is_refused(checkout: Checkout, overlay: Path) -> None:
    require("kubectl")
    runtime = checkout.directory / "kserve" / "base" / "runtime.yaml"
    runtime.write_text(RUNTIME.format(image="another"), encoding="utf-8")
    done = checkout.run("deploy/deploy.sh", IMAGE=IMAGE, RENDER="1")
    assert done.returncode == 1
    assert "uses no image named concord-predictor" in done.stderr


def test_without_an_overlay_there_is_nothing_to_deploy(checkout: Checkout) -> None:
    done = checkout.run("deploy/deploy.sh", IMAGE=IMAGE)
    assert done.returncode == 1
    assert done.stderr == "There is no kserve/overlays/production/kustomization.yaml, so there is nothing to deploy.\n"


def test_the_clusters_credentials_dont_stay(checkout: Checkout, overlay: Path, tmp_path: Path) -> None:
    require("kubectl")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    kubeconfig = yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:1"}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "nobody"}}],
            "users": [{"name": "nobody", "user": {"token": "not-to-be-seen"}}],
        }
    )
    done = checkout.run(
        "deploy/deploy.sh", IMAGE=IMAGE, CLUSTER_CREDENTIALS=kubeconfig, TMPDIR=str(temporary), KUBECONFIG="/dev/null"
    )
    assert done.returncode != 0
    assert "127.0.0.1:1" in done.stderr  # it tried the cluster of the credentials, where nobody answers
    assert "not-to-be-seen" not in done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
