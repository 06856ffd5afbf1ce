"""A compiled pipeline, as it is uploaded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Package:
    """The YAML of a compiled pipeline.

    Attributes:
        path: where it is.
        spec: its first document, a `pipeline_spec.proto`.
        digest: the SHA-256 of the file. The same code gives the same bytes, so it tells whether anything changed.
    """

    path: Path
    spec: dict[str, Any]
    digest: str

    @classmethod
    def read(cls, path: Path) -> Package:
        """Read what the compiler wrote."""
        content = path.read_bytes()
        return cls(path, next(yaml.safe_load_all(content)), hashlib.sha256(content).hexdigest())

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.spec["pipelineInfo"]["name"])

    @property
    def title(self) -> str:
        """What the pipeline is for."""
        return str(self.spec["pipelineInfo"].get("description", ""))

    def default(self, parameter: str) -> Any:
        """The value of a parameter that isn't given; None if it has none."""
        return (
            self.spec["root"].get("inputDefinitions", {}).get("parameters", {}).get(parameter, {}).get("defaultValue")
        )

    def without_cache(self) -> Package:
        """The same with every task computed anew, in the same file.

        The API takes a run's own wish for that only beside a pipeline of its own, not beside a version that was
        uploaded. So it goes into the version.
        """
        documents = list(yaml.safe_load_all(self.path.read_bytes()))
        dags = [documents[0]["root"], *documents[0].get("components", {}).values()]
        for task in (task for dag in dags if "dag" in dag for task in dag["dag"]["tasks"].values()):
            task["cachingOptions"] = {}
        self.path.write_text(yaml.safe_dump_all(documents, sort_keys=True), encoding="utf-8")
        return Package.read(self.path)
