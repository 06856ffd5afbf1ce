"""Panels that put the values of several queries into rows: Grafana's transformations, as far as they are used here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from monitoring.drawing.unit import text

if TYPE_CHECKING:
    from monitoring.dashboards.document import PanelDocument
    from monitoring.drawing.period import Answer

_LONGEST = 26
_SHOWN_ROWS = 12


def joining(panel: PanelDocument) -> tuple[str, list[str]]:
    """The label that a panel's queries are joined by, and what each query's values are called."""
    options = _transformations(panel)
    return options["joinByField"]["byField"], list(options["organize"]["renameByName"].values())


def cells(panel: PanelDocument, answers: list[Answer]) -> tuple[list[str], list[list[str]]]:
    """The head and the rows of a table, as text; of many rows those with the highest values."""
    options = _transformations(panel)
    if matrix := options.get("groupingToMatrix"):
        return _matrix(matrix["rowField"], matrix["columnField"], panel, answers[0])
    organize = options["organize"]
    order = sorted(organize["indexByName"], key=organize["indexByName"].get)
    renamed = organize["renameByName"]
    labels = [name for name in order if name not in renamed]
    names = [name for name in order if name in renamed]
    rows: dict[tuple[str, ...], dict[str, float]] = {}
    for answer in answers:
        column = f"Value #{answer.target.reference}" if len(answers) > 1 else "Value"
        for series in answer.series:
            rows.setdefault(tuple(series.labels.get(label, "") for label in labels), {})[column] = series.value
    units = _units(panel)
    decimals = panel.raw["fieldConfig"]["defaults"].get("decimals")
    return [*labels, *(renamed[name] for name in names)], [
        [
            *(label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…" for label in key),
            *(
                text(values[name], units.get(renamed[name], panel.unit), decimals) if name in values else ""
                for name in names
            ),
        ]
        for key, values in sorted(rows.items(), key=lambda item: -_highest(item[1]))[:_SHOWN_ROWS]
    ]


def _matrix(row: str, column: str, panel: PanelDocument, answer: Answer) -> tuple[list[str], list[list[str]]]:
    found = {(series.labels[row], series.labels[column]): series.value for series in answer.series}
    rows, columns = (sorted({key[place] for key in found}) for place in (0, 1))
    decimals = panel.raw["fieldConfig"]["defaults"].get("decimals")
    return [f"{row} \\ {column}", *columns], [
        [name, *(text(found.get((name, other), 0.0), panel.unit, decimals) for other in columns)] for name in rows
    ]


def _highest(values: dict[str, float]) -> float:
    return max((value for value in values.values() if not math.isnan(value)), default=-math.inf)


def _transformations(panel: PanelDocument) -> dict[str, Any]:
    return {item["id"]: item["options"] for item in panel.raw.get("transformations") or ()}


def _units(panel: PanelDocument) -> dict[str, str]:
    """Units of single columns, by what they are called."""
    return {
        override["matcher"]["options"]: prop["value"]
        for override in panel.raw["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "unit"
    }
