"""Keeping the reference estimator: skops, never a pickle, and the one list of types that a file may bring back."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from components.errors import UntrustedModel

if TYPE_CHECKING:
    from components.learning.fitting import Estimator

TRUSTED = (
    "components.learning.boosting.CatBoost",
    "components.learning.boosting.LightGBM",
    "components.learning.preprocessing.Preprocessing",
    "functools.partial",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)
"""Every type, beyond those that skops trusts by itself, that an estimator of ours consists of. Each is scikit-learn's
or ours and runs no code when it is built. `partial`, in which histograms keep how they check their rows, calls its
function later, but only one that is trusted as well. Add to it only after reading what the type does when it is loaded.

`Tree` and `TreePredictor` hold node indices that scikit-learn doesn't check, and the texts of LightGBM and CatBoost are
read by their own parsers: a forged file could crash the process that predicts with it. So estimators are read only from
what a task of the same run wrote; serving never reads one."""


def save(estimator: Estimator, path: str | Path) -> None:
    """Write an estimator as a skops file."""
    skops.io.dump(estimator, Path(path))


def load(path: str | Path) -> Estimator:
    """Read an estimator. Raises `UntrustedModel` for a file that is damaged or holds a type not listed in `TRUSTED`."""
    try:
        return skops.io.load(Path(path), trusted=list(TRUSTED))
    except UntrustedTypesFoundException:
        unknown = sorted(set(skops.io.get_untrusted_types(file=Path(path))) - set(TRUSTED))
        raise UntrustedModel(
            f"{path}: holds {', '.join(unknown)}, which no estimator of ours consists of, so it isn't loaded;"
            " train the candidate again"
        ) from None
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise UntrustedModel(f"{path}: is no sound skops file ({error}); train the candidate again") from None
