"""What *train* and *cross-validate* hand on about one candidate, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from components.learning.evaluation import Resampled
from contract.features import Strict

if TYPE_CHECKING:
    from sklearn.model_selection import FixedThresholdClassifier

_ESTIMATOR = "model.skops"
_FACTS = "fitted.json"


class FittedCandidate(Strict):
    """How a candidate was fitted. `out_of_fold` has a calibrated probability for each training row."""

    name: str
    parameters: dict[str, JsonValue]
    threshold: float
    out_of_fold: tuple[float, ...]
    seconds: float


class CrossValidated(Strict):
    """A candidate's scores, and its prediction of each training row by a model fitted without that row."""

    name: str
    resampled: Resampled
    probability: tuple[float, ...]
    positive: tuple[bool, ...]


def write_model(directory: str | Path, estimator: FixedThresholdClassifier, facts: FittedCandidate) -> None:
    """Keep a fitted candidate in a new directory."""
    from components.learning.persistence import save

    folder = Path(directory)
    folder.mkdir(parents=True)
    save(estimator, folder / _ESTIMATOR)
    (folder / _FACTS).write_text(facts.model_dump_json(indent=2), encoding="utf-8")


def read_model(directory: str | Path) -> tuple[FixedThresholdClassifier, FittedCandidate]:
    """What `write_model` kept. Raises `UntrustedModel` if its estimator isn't one of ours."""
    from components.learning.persistence import load

    folder = Path(directory)
    return load(folder / _ESTIMATOR), FittedCandidate.model_validate_json((folder / _FACTS).read_bytes())
