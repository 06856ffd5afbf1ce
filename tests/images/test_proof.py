"""The predictor's image, run as a cluster would run it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from contract.bundle import MANIFEST, load_bundle, seal
from images.build import PREDICTOR_IMAGE
from images.errors import NotProven
from images.proof import MEMORY, address_of, inside, is_healthy, prove_predictor, running

pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture(scope="module")
def built(image_of: Callable[[str], Any]) -> None:
    """Leaves the tests out where the image isn't built."""
    image_of("predictor")


def test_it_serves_locked_down_and_answers_as_the_reference_did(readable_bundle: Path) -> None:
    proof = prove_predictor(readable_bundle, PREDICTOR_IMAGE)
    answered = [request for request in load_bundle(readable_bundle).golden.requests if not request.refused]
    assert proof.golden_rows == sum(len(request.instances) for request in answered) > 0
    assert proof.uid == 10001
    assert 0 < proof.memory < MEMORY


def test_a_bundle_that_was_changed_is_not_served(readable_bundle: Path) -> None:
    with running(readable_bundle, PREDICTOR_IMAGE) as (container, _):
        card = readable_bundle / "MODEL_CARD.md"
        container.stop(timeout=1)
        card.write_text("# Another\n")
        container.start()
        assert container.wait(timeout=60)["StatusCode"] == 1
        said = container.logs().decode()
    assert "MODEL_CARD.md: was changed after the bundle was sealed" in said
    assert "Traceback" not in said


def test_an_image_that_answers_otherwise_is_not_proven(readable_bundle: Path) -> None:
    manifest = json.loads((readable_bundle / MANIFEST).read_text())
    facts = {name: value for name, value in manifest.items() if name not in {"digest", "files", "format"}}
    golden = json.loads((readable_bundle / "golden.json").read_text())
    first = next(request for request in golden["requests"] if not request.get("refused"))
    name = next(iter(first["probabilities"][0]))
    first["probabilities"][0][name] += 1e-4
    (readable_bundle / "golden.json").write_text(json.dumps(golden))
    (readable_bundle / MANIFEST).unlink()
    seal(readable_bundle, facts)
    with pytest.raises(NotProven, match=r"golden.json: request .* the reference has"):
        prove_predictor(readable_bundle, PREDICTOR_IMAGE)


def test_every_page_and_protocol_is_there_without_what_the_image_leaves_out(readable_bundle: Path) -> None:
    with running(readable_bundle, PREDICTOR_IMAGE, "--enable_grpc", "true") as (container, url):
        deadline = time.monotonic() + 60
        while not is_healthy(container):
            assert time.monotonic() < deadline, container.logs().decode()
        example = load_bundle(readable_bundle).golden.requests[0].instances[0]
        for path in ("/docs", "/openapi.json", "/metrics", "/v1/models", "/v2", "/v2/models/heart"):
            assert requests.get(f"{url}{path}", timeout=30).status_code == 200
        explained = requests.post(f"{url}/v1/models/heart:explain", json={"instances": [example]}, timeout=30)
        assert explained.json()["explanations"][0]["contributions"]
        truth = {"truth": [{"id": "none", "row": 0, "label": "disease"}]}
        assert requests.post(f"{url}/v1/models/heart:truth", json=truth, timeout=30).status_code == 200
        with grpc.insecure_channel(address_of(container, 8081)) as channel:
            asked = messages.ModelMetadataRequest(name="heart")
            assert GRPCInferenceServiceStub(channel).ModelMetadata(asked, timeout=30).name == "heart"
        tables = "import importlib.util as u; print([n for n in ('pandas', 'kubernetes', 'pip') if u.find_spec(n)])"
        assert inside(container, "python", "-c", tables).stdout == "[]\n"
        assert inside(container, "sh", "-c", "true").returncode != 0
