"""What is committed is what the code renders, and whoever forgets to render is told which file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from monitoring import rendering
from monitoring.errors import StaleRendering

if TYPE_CHECKING:
    from pathlib import Path

STALE, MISSING = "prometheus/rules/alerts.yaml", "grafana/dashboards/model.json"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The rendered files, to be spoilt."""
    folder = tmp_path / "monitoring"
    for path in rendering.rendered():
        target = folder / path.relative_to(rendering.FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    monkeypatch.setattr(rendering, "FOLDER", folder)
    return folder


def spoil(folder: Path) -> None:
    """One file changed by hand, another gone with its folder."""
    with (folder / STALE).open("a", encoding="utf-8") as file:
        file.write("# by hand\n")
    shutil.rmtree((folder / MISSING).parent)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_committed_agrees_with_the_code() -> None:
    assert rendering.check() == len(rendering.rendered()) >= 8


def test_everything_rendered_stays_inside_its_folder() -> None:
    names = {str(path.relative_to(rendering.FOLDER)) for path in rendering.rendered()}
    assert {STALE, MISSING, "metrics.md", "dashboards.md", "kubernetes/prometheus-rule.yaml"} <= names
    assert not any(".." in name for name in names)


def test_every_text_ends_with_one_line_break() -> None:
    for path, text in rendering.rendered().items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path


def test_a_fresh_copy_needs_no_change(copy: Path) -> None:
    before = contents(copy)
    assert rendering.check() == len(before)
    assert rendering.write() == []
    assert contents(copy) == before


def test_a_changed_and_a_missing_file_are_named_and_no_other(copy: Path) -> None:
    spoil(copy)
    with pytest.raises(StaleRendering) as raised:
        rendering.check()
    named, _, advice = str(raised.value).partition(": ")
    gone = {f"monitoring/{path.relative_to(copy)}" for path in rendering.rendered() if not path.exists()}
    assert set(named.split(", ")) == {f"monitoring/{STALE}", *gone}
    assert f"monitoring/{MISSING}" in gone
    assert advice == "not what the code renders; run python -m monitoring render"


def test_checking_writes_nothing(copy: Path) -> None:
    spoil(copy)
    before = contents(copy)
    with pytest.raises(StaleRendering):
        rendering.check()
    assert contents(copy) == before


def test_writing_mends_what_differs_and_touches_nothing_else(copy: Path) -> None:
    whole = contents(copy)
    spoil(copy)
    differing = {path for path in rendering.rendered() if not path.exists()} | {copy / STALE}
    (copy / "runbook.md").write_text("mine\n", encoding="utf-8")
    assert set(rendering.write()) == differing
    after = contents(copy)
    assert after.pop("runbook.md")[0] == b"mine\n"
    assert {name: content for name, (content, _) in after.items()} == {name: text for name, (text, _) in whole.items()}
    touched = {name for name, (_, at) in after.items() if at != whole[name][1]}
    assert touched == {str(path.relative_to(copy)) for path in differing}
    assert rendering.check() == len(after)
    assert rendering.write() == []
