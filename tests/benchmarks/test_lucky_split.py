"""The documented example: one split against many."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.lucky_split import SPLIT_SEED, heart_table, main, score_split


def test_the_presented_numbers_are_reproduced() -> None:
    presented = score_split(*heart_table(), SPLIT_SEED)
    assert presented.roc_auc == pytest.approx(0.9600, abs=5e-5)
    assert presented.accuracy == pytest.approx(54 / 61)
    assert presented.recall == pytest.approx(26 / 28)


def test_it_says_where_they_fall_and_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--splits", "8", "--figure", str(tmp_path / "figure.svg")])
    printed = capsys.readouterr().out
    assert "ROC-AUC   0.9600: percentile" in printed
    assert "accuracy  0.8852: percentile" in printed
    assert "<svg" in (tmp_path / "figure.svg").read_text()
