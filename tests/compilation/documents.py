"""A compiled pipeline as the plain data of its YAML, with short ways to the places that tests change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compilation.finding import Finding
from compilation.lint import findings
from compilation.spec import CompiledPipeline

IMAGE = "ghcr.io/someone/concord-pipeline-python3.11@sha256:" + "a1" * 32


@dataclass
class Documents:
    """The two documents of a file."""

    spec: dict[str, Any]
    platform: dict[str, Any]

    @property
    def all(self) -> list[dict[str, Any]]:
        return [self.spec, self.platform]

    def task(self, name: str) -> dict[str, Any]:
        dags = [self.spec["root"]["dag"], *(item["dag"] for item in self.spec["components"].values() if "dag" in item)]
        found: dict[str, Any] = next(dag["tasks"][name] for dag in dags if name in dag["tasks"])
        return found

    def container(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
        return found

    def pod(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][f"exec-{name}"]
        return found

    def parameter(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["root"]["inputDefinitions"]["parameters"][name]
        return found

    def body(self, name: str, *statements: str) -> None:
        """Put other statements into a component's function, which keeps its name."""
        function = name.replace("-", "_")
        lines = "\n".join(f"    {statement}" for statement in statements)
        self.container(name)["command"][-1] = (
            f"import kfp\n\ndef {function}(x: str):\n    '''Says something.'''\n{lines}\n"
        )

    def rename(self, name: str, function: str) -> None:
        """Let a container run a component of another name."""
        container = self.container(name)
        container["args"][-1] = function
        container["command"][-1] = container["command"][-1].replace(f"def {name}(", f"def {function}(")

    def found(self, *, allow_tag: bool = False) -> list[Finding]:
        return findings(CompiledPipeline.of(self.all), allow_tag=allow_tag)
