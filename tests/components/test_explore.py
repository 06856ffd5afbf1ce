from __future__ import annotations

from typing import TYPE_CHECKING

from kfp import dsl

from components.explore import explore
from components.reporting.page import exploration_page
from components.reporting.wording import MADE
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from contract.schema import Contract
    from tests.conftest import FinishedRun


def test_it_writes_the_page_of_the_table(
    finished: FinishedRun, heart: Contract, cleveland: pd.DataFrame, tmp_path: Path
) -> None:
    artifacts = Artifacts(finished)
    page = tmp_path / "page"
    explore.python_func(
        artifacts.artifact("ingest", "contract"), artifacts.artifact("ingest", "table"), dsl.Artifact(uri=str(page))
    )
    html = page.read_text(encoding="utf-8")
    assert html == artifacts.path("explore", "page").read_text(encoding="utf-8")
    assert html == exploration_page(heart, cleveland)
    assert "Training report" not in html
    assert MADE not in html


def test_made_rows_are_announced(finished: FinishedRun, tmp_path: Path) -> None:
    artifacts = Artifacts(finished)
    page = tmp_path / "page"
    explore.python_func(
        artifacts.artifact("ingest", "contract"),
        artifacts.artifact("ingest", "table"),
        dsl.Artifact(uri=str(page)),
        made=True,
    )
    assert MADE in page.read_text(encoding="utf-8")
