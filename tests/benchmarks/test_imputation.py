"""The measurement that the preprocessing's docstring relies on."""

from __future__ import annotations

import re

import pytest

from benchmarks.imputation import main


def test_regressions_keep_more_under_other_sites_masks(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--repeats", "2"])
    printed = capsys.readouterr().out
    for metric, sign in (("ROC-AUC", 1), ("Brier", -1)):
        line = re.search(rf"{metric}, masked +means (0\.\d+) +regressions (0\.\d+)", printed)
        assert line
        assert sign * (float(line[2]) - float(line[1])) > 0
