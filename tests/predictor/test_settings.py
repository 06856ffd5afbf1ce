"""Settings from the command line, over the environment, over defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictor.errors import InvalidSettings
from predictor.settings import load_settings


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTOR_BUNDLE", "/environment")
    monkeypatch.setenv("PREDICTOR_INLINE_BYTES", "0")
    assert load_settings({}).bundle == Path("/environment")
    settings = load_settings({"bundle": Path("/given"), "model_name": "lung"})
    assert (settings.bundle, settings.model_name) == (Path("/given"), "lung")
    assert (settings.http_port, settings.inline_bytes) == (8080, 0)


def test_stopping_takes_less_than_kubernetes_grace_period() -> None:
    settings = load_settings({"bundle": Path("/given")})
    assert settings.drain_delay_seconds + settings.drain_seconds < 30


@pytest.mark.parametrize("name", ["a/b", "a:predict", "a b%", ""])
def test_a_name_that_no_route_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidSettings, match=r"--model_name \(or PREDICTOR_MODEL_NAME\): string should"):
        load_settings({"bundle": Path("/given"), "model_name": name})


def test_every_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREDICTOR_BUNDLE", raising=False)
    monkeypatch.setenv("PREDICTOR_DRAIN_SECONDS", "soon")
    with pytest.raises(InvalidSettings) as refusal:
        load_settings({"http_port": 0})
    assert str(refusal.value) == (
        "--bundle (or PREDICTOR_BUNDLE): is required;"
        " --http_port (or PREDICTOR_HTTP_PORT): input should be greater than or equal to 1, not 0;"
        " --drain_seconds (or PREDICTOR_DRAIN_SECONDS): input should be a valid integer, unable to parse string as an"
        " integer, not 'soon'"
    )
