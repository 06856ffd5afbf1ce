"""What *train* and *cross-validate* hand on about one candidate, as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from components.learning.evaluation import Resampled
from components.learning.resampling import OutOfFold
from contract.features import Strict

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.learning.fitting import Estimator

_ESTIMATOR = "model.skops"
_FACTS = "fitted.json"
_OUT_OF_FOLD = "out_of_fold.npy"
_SCORES = "scores.json"
_PREDICTED = "predicted.npz"


class FittedCandidate(Strict):
    """How a candidate was fitted, on how many `rows`; with more than two classes there is no `threshold`."""

    name: str
    parameters: dict[str, JsonValue]
    threshold: float | None
    rows: int
    seconds: float


class CrossValidated(Strict):
    """A candidate's scores in cross-validation."""

    name: str
    resampled: Resampled


def write_validated(directory: str | Path, found: CrossValidated, out_of_fold: OutOfFold) -> None:
    """Keep a candidate's scores, and its prediction of each training row, in a new directory."""
    folder = Path(directory)
    folder.mkdir(parents=True)
    (folder / _SCORES).write_text(found.model_dump_json(), encoding="utf-8")
    np.savez(folder / _PREDICTED, probability=out_of_fold.probability, decided=out_of_fold.decided, allow_pickle=False)


def read_validated(directory: str | Path) -> tuple[CrossValidated, OutOfFold]:
    """What `write_validated` kept."""
    folder = Path(directory)
    found = CrossValidated.model_validate_json((folder / _SCORES).read_bytes())
    with np.load(folder / _PREDICTED, allow_pickle=False) as arrays:
        return found, OutOfFold(arrays["probability"], arrays["decided"])


def write_model(
    directory: str | Path, estimator: Estimator, facts: FittedCandidate, out_of_fold: npt.NDArray[np.float64]
) -> None:
    """Keep a fitted candidate in a new directory, with the out-of-fold probabilities of the rows it was fitted on."""
    from components.learning.persistence import save

    folder = Path(directory)
    folder.mkdir(parents=True)
    save(estimator, folder / _ESTIMATOR)
    (folder / _FACTS).write_text(facts.model_dump_json(indent=2), encoding="utf-8")
    np.save(folder / _OUT_OF_FOLD, out_of_fold, allow_pickle=False)


def read_out_of_fold(directory: str | Path) -> npt.NDArray[np.float64]:
    """The out-of-fold probabilities that `write_model` kept: (rows,), or with more than two classes (rows, classes)."""
    return np.asarray(np.load(Path(directory) / _OUT_OF_FOLD, allow_pickle=False), dtype=np.float64)


def read_model(directory: str | Path) -> tuple[Estimator, FittedCandidate]:
    """What `write_model` kept. Raises `UntrustedModel` if its estimator isn't one of ours."""
    from components.learning.persistence import load

    folder = Path(directory)
    return load(folder / _ESTIMATOR), FittedCandidate.model_validate_json((folder / _FACTS).read_bytes())
