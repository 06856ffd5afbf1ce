"""What a compiled pipeline says about its tasks before any runs: their titles, and the items of loops."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LONGEST_ITEM = 40


@dataclass(frozen=True)
class Outlined:
    """A task that runs code: its title, and the items of the loop around it, if they are known beforehand."""

    title: str
    items: tuple[Any, ...] | None = None

    def label(self, iteration: int | None) -> str:
        """The task for people: `Train · svm` in a loop, otherwise its title."""
        if iteration is None:
            return self.title
        item = self.items[iteration] if self.items and iteration < len(self.items) else iteration + 1
        text = " ".join(str(item).split())
        return f"{self.title} · {text if len(text) <= _LONGEST_ITEM else iteration + 1}"


def outline(spec: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Outlined]:
    """The tasks of a `pipeline_spec.proto` by name, for a run with these parameters, in the spec's order."""
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    defaults = {name: entry["defaultValue"] for name, entry in declared.items() if "defaultValue" in entry}
    return dict(_walk(spec, spec["root"], {**defaults, **parameters}, None))


def _walk(
    spec: Mapping[str, Any], component: Mapping[str, Any], known: Mapping[str, Any], items: Sequence[Any] | None
) -> Iterator[tuple[str, Outlined]]:
    for name, task in component["dag"]["tasks"].items():
        inner = spec.get("components", {}).get(task["componentRef"]["name"], {})
        if "dag" not in inner:
            title = task.get("taskInfo", {}).get("name", name)
            yield name, Outlined(title, None if items is None else tuple(items))
            continue
        inputs = task.get("inputs", {}).get("parameters", {})
        given = {
            key: known[source["componentInputParameter"]]
            for key, source in inputs.items()
            if source.get("componentInputParameter") in known
        }
        yield from _walk(spec, inner, given, _items(task, given) if "parameterIterator" in task else items)


def _items(task: Mapping[str, Any], known: Mapping[str, Any]) -> Sequence[Any]:
    items = task["parameterIterator"]["items"]
    found = json.loads(items["raw"]) if "raw" in items else known.get(items.get("inputParameter", ""))
    return found if isinstance(found, list) else ()
