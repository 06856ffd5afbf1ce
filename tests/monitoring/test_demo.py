"""The demonstration shows what it says, or says that it doesn't."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from matplotlib.image import imread

from monitoring import dashboards, demo
from monitoring.demo import Demo
from monitoring.errors import Unexpected
from monitoring.objectives import OBJECTIVES
from tests.programs import SERVERS, require

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FinishedRun

SHORT = 8  # seconds of traffic: as many rows as drift is told from


@pytest.fixture(autouse=True)
def _servers() -> None:
    require(*SERVERS)


def test_it_is_silent_at_home_and_names_what_moved_abroad(finished: FinishedRun, tmp_path: Path) -> None:
    said: list[str] = []
    moved = Demo(finished.bundle, 20, said.append).run(tmp_path)
    assert {"ca", "thal"} <= moved.keys()
    assert "sex" not in moved or moved["sex"] < moved["ca"]
    assert list(moved.values()) == sorted(moved.values(), reverse=True)
    assert min(moved.values()) > OBJECTIVES.drift_psi
    told = [line.split()[0] for line in said if not line.startswith(" ")]
    assert told == ["Prometheus", "Traffic", "Silent", "Traffic", "Fires", "Pictures"]
    assert [line.split()[0] for line in said if line.startswith(" ")] == list(moved)
    pictures = sorted(tmp_path.glob("*.png"))
    sections = {(board.uid, panel.section) for board in dashboards.documents() for panel in board.panels}
    assert len(pictures) == len(sections)
    assert said[-1].split(maxsplit=1)[1] == f"{len(pictures)} in {tmp_path}"
    for path in pictures:
        assert np.mean(imread(path)[..., :3].min(axis=2) < 0.99) > 0.003, path


def test_a_site_that_is_like_home_is_told(
    finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "ABROAD", demo.HOME)
    monkeypatch.setattr(demo, "_ALERT_SECONDS", 3.0)
    said: list[str] = []
    with pytest.raises(Unexpected, match="PredictorFeatureDrift doesn't fire on the traffic of training"):
        Demo(finished.bundle, SHORT, said.append).run(tmp_path)
    assert any(line.startswith("Silent") for line in said)
    assert not any(line.startswith("Fires") for line in said)
    assert list(tmp_path.iterdir()) == []


def test_drift_at_home_is_told_with_what_moved(
    finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "HOME", demo.ABROAD)
    said: list[str] = []
    with pytest.raises(Unexpected, match=r"fires, or soon will, for .*\bca\b.*\bthal\b.* on traffic like training's"):
        Demo(finished.bundle, SHORT, said.append).run(tmp_path)
    assert not any(line.startswith("Silent") for line in said)
    assert list(tmp_path.iterdir()) == []


def test_traffic_that_cannot_be_made_is_told_with_the_reason(
    finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "HOME", "atlantis")
    with pytest.raises(Unexpected, match=r"(?s)the traffic wasn't answered as it should be:.*atlantis"):
        Demo(finished.bundle, SHORT, lambda _: None).run(tmp_path)
    assert list(tmp_path.iterdir()) == []
