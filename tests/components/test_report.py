from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kfp import dsl

from components.report import report
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FinishedRun


@pytest.fixture(scope="module")
def artifacts(finished: FinishedRun) -> Artifacts:
    return Artifacts(finished)


def run(artifacts: Artifacts, selected: dsl.Artifact, parity: dsl.Artifact, page: Path) -> str:
    report.python_func(
        "run-42",
        "6c2ba07d",
        "0f3c9d1",
        artifacts.artifact("ingest", "contract"),
        artifacts.artifact("ingest", "table"),
        selected,
        parity,
        dsl.Artifact(uri=str(page)),
    )
    return page.read_text(encoding="utf-8")


def test_it_writes_the_page_of_the_run(artifacts: Artifacts, tmp_path: Path) -> None:
    parity = tmp_path / "parity"
    measured = tuple(
        item.model_copy(update={"rows": 1234, "largest_difference": 3.2e-8})
        if item.candidate == "logistic-regression"
        else item
        for item in artifacts.parity.candidates
    )
    parity.write_text(artifacts.parity.model_copy(update={"candidates": measured}).model_dump_json(), encoding="utf-8")
    chosen = artifacts.evaluation.selection
    assert chosen is not None
    selected = tmp_path / "selected"
    winner = chosen.model_copy(update={"winner": "logistic-regression"})
    selected.write_text(
        artifacts.evaluation.model_copy(update={"selection": winner}).model_dump_json(), encoding="utf-8"
    )
    html = run(artifacts, dsl.Artifact(uri=str(selected)), dsl.Artifact(uri=str(parity)), tmp_path / "page")
    assert "Training report" in html
    for fact in ("run-42", "6c2ba07d", "0f3c9d1", "1,234 rows", "at most 3.2e-08", chosen.reason):
        assert fact in html
    assert all(candidate.title in html for candidate in artifacts.evaluation.candidates)


def test_there_is_none_before_the_selection(artifacts: Artifacts, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="after the selection"):
        run(
            artifacts,
            artifacts.artifact("evaluate", "evaluation"),
            artifacts.artifact("package", "parity"),
            tmp_path / "page",
        )
    assert not (tmp_path / "page").exists()
