"""Routes, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import httpx
import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", "/v1/models/lung:predict", 404, "there is no model 'lung' here; this predictor serves 'heart'"),
        ("POST", "/v2/models/lung/infer", 404, "there is no model 'lung' here; this predictor serves 'heart'"),
        ("GET", "/v2/models/lung", 404, "there is no model 'lung' here; this predictor serves 'heart'"),
        ("GET", "/v2/models/lung/ready", 404, "there is no model 'lung' here; this predictor serves 'heart'"),
        ("GET", "/v2/models/heart/versions/6", 404, "model 'heart' has no version '6' here; this is '7'"),
        ("POST", "/v2/models/heart/versions/6/infer", 404, "model 'heart' has no version '6' here; this is '7'"),
        ("GET", "/v1/models/heart:predict", 405, "/v1/models/heart:predict takes POST, not GET"),
        ("GET", "/v2/models/heart/infer", 405, "/v2/models/heart/infer takes POST, not GET"),
        ("POST", "/v2/models/heart/ready", 405, "/v2/models/heart/ready takes GET, not POST"),
        ("POST", "/v2/repository/models/heart/unload", 404, "models are loaded when the predictor starts"),
        ("POST", "/v2/repository/models/heart/load", 404, "models are loaded when the predictor starts"),
        ("GET", "/nowhere", 404, "GET /nowhere is no route of this predictor"),
        ("DELETE", "/v1/models", 405, "/v1/models takes GET, not DELETE"),
    ],
)
def test_what_is_not_served_is_said_in_the_protocols_form(
    client: httpx.Client, method: str, path: str, status: int, words: str
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert response.json()["error"].startswith(words)


def test_the_model_stays_when_somebody_asks_to_unload_it(client: httpx.Client) -> None:
    client.post("/v2/repository/models/heart/unload")
    assert client.get("/v2/models/heart/ready").json() == {"name": "heart", "ready": True}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models", {"models": ["heart"]}),
        ("/v1/models", {"models": ["heart"]}),
        ("/v1/models/heart", {"name": "heart", "ready": True}),
        ("/v2/models/heart/ready", {"name": "heart", "ready": True}),
        ("/v2/models/heart/versions/7/ready", {"name": "heart", "ready": True}),
        ("/v2", {"name": "kserve", "version": "0.21.0", "extensions": ["binary_tensor_data"]}),
    ],
)
def test_kserves_other_routes_answer(client: httpx.Client, path: str, content: dict[str, Any]) -> None:
    response = client.get(path)
    assert response.status_code == httpx.codes.OK
    assert response.json() == content


def test_the_version_may_stand_in_the_route(client: httpx.Client) -> None:
    assert client.get("/v2/models/heart/versions/7").content == client.get("/v2/models/heart").content


def test_metrics_stay_kserves(client: httpx.Client) -> None:
    assert "python_info" in client.get("/metrics").text
