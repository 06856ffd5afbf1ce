"""The models of one server, each under its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contract.bundle import MANIFEST
from contract.encoding import shown
from predictor.errors import InvalidSettings, NotServed, UnusableBundle
from predictor.model import BundleModel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from predictor.served import Served


class Repository:
    """All models, loaded or not."""

    def __init__(self, models: Iterable[BundleModel]) -> None:
        self._models = {model.name: model for model in models}
        self.stopping = False

    @property
    def models(self) -> tuple[BundleModel, ...]:
        """In the order of their names."""
        return tuple(self._models[name] for name in self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names, sorted."""
        return tuple(sorted(self._models))

    @property
    def ready(self) -> bool:
        """Whether every model answers, and none is being stopped."""
        return all(model.ready for model in self._models.values())

    def is_ready(self, name: str, version: str | None = None) -> bool:
        """Whether one model answers. Raises `NotServed` if it isn't here."""
        self.find(name, version)
        return self._models[name].ready

    def find(self, name: str, version: str | None = None) -> Served:
        """The model that answers under a name, also while it is being stopped.

        Raises `NotServed` if there is none of that name or version, and `NotReady` before it is loaded.
        """
        model = self._models.get(name)
        if model is None:
            served = ", ".join(map(repr, self.names))
            raise NotServed(f"there is no model {shown(name)} here; this predictor serves {served}")
        if version is not None and version != model.served.version:
            raise NotServed(f"model {name!r} has no version {shown(version)} here; this is {model.served.version!r}")
        return model.served

    def stop(self) -> None:
        """Make every model unready, so that no new traffic is sent here; what still comes is answered."""
        self.stopping = True
        for model in self._models.values():
            model.ready = False


def load_repository(directory: Path, name: str | None = None) -> Repository:
    """Load the bundle in `directory`, or every bundle in a folder of it; `name` is for a single one.

    Raises `InvalidSettings`, `contract.errors.BundleError`, `UnusableBundle` or `GoldenMismatch`: all bundles or none.
    """
    folders = _bundles(directory)
    if name and len(folders) > 1:
        raise InvalidSettings(
            f"--model_name: {directory} holds {len(folders)} bundles, each served under its own name; leave it out, or"
            " name one bundle's folder"
        )
    models: dict[str, BundleModel] = {}
    for folder in folders:
        model = BundleModel(folder, name)
        model.load()
        if model.name in models:
            raise UnusableBundle(f"{folder}: is named {model.name!r}, as another bundle of {directory} is; rename one")
        models[model.name] = model
    return Repository(models.values())


def _bundles(directory: Path) -> list[Path]:
    if (directory / MANIFEST).exists() or not directory.is_dir():
        return [directory]
    folders = sorted(manifest.parent for manifest in directory.glob(f"*/{MANIFEST}"))
    return folders or [directory]
