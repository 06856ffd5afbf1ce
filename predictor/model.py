"""The model that KServe's server holds: ready only once it has proven itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from contract.bundle import load_bundle
from predictor.errors import NotReady, UnusableBundle
from predictor.golden import check_golden
from predictor.sdk import Model
from predictor.served import Served

if TYPE_CHECKING:
    from pathlib import Path


class BundleModel(Model):  # type: ignore[misc]  # kserve ships no types
    """A bundle in KServe's lifecycle. Its requests are answered in `predictor.lane`, not by `predict`."""

    name: str
    ready: bool

    def __init__(self, directory: Path, name: str | None = None) -> None:
        super().__init__(name or "")
        self._directory = directory
        self._served: Served | None = None

    @property
    def served(self) -> Served:
        """What answers. Raises `NotReady` before `load` is through."""
        if self._served is None:
            raise NotReady(f"model {self.name!r} isn't loaded yet; try again in a few seconds")
        return self._served

    def load(self) -> bool:
        """Verify the bundle, run it once with one row and once with the largest batch, then check its golden requests.

        Raises `contract.errors.BundleError`, `UnusableBundle` or `GoldenMismatch`; `ready` stays false then.
        """
        bundle = load_bundle(self._directory)
        self.name = self.name or bundle.manifest.name
        served = Served(self.name, bundle)
        try:
            for rows in (1, bundle.contract.max_rows):
                bundle.scorer(np.full((rows, len(bundle.contract.features)), np.nan))
        except Exception as error:  # noqa: BLE001  # ONNX Runtime's and numpy's errors share no other base
            raise UnusableBundle(f"{self._directory}: is sealed but can't be run: {error}") from None
        check_golden(served)
        self._served = served
        self.ready = True
        return True

    def start(self) -> None:
        """Leave `ready` as `load` set it; KServe's own would set it in any case."""
