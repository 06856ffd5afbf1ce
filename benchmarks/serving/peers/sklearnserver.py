"""KServe's sklearnserver, which PyPI doesn't have: its documented model class on the SDK's own server, all defaults.

It answers `predict_proba`, as the original does with `PREDICT_PROBA=true`, so that the work is the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import kserve
from kserve.utils.utils import get_predict_input, get_predict_response


class SklearnModel(kserve.Model):  # type: ignore[misc]
    """A `model.joblib` behind v1 and v2."""

    def __init__(self, name: str, directory: Path) -> None:
        super().__init__(name)
        self._estimator = joblib.load(directory / "model.joblib")
        self.ready = True

    def predict(self, payload: Any, headers: dict[str, str] | None = None) -> Any:  # noqa: ARG002
        """Probabilities of both classes, on the event loop as the original."""
        return get_predict_response(payload, self._estimator.predict_proba(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("--model_dir", type=Path, required=True)
    options = parser.parse_args()
    kserve.ModelServer().start([SklearnModel("heart", options.model_dir)])
