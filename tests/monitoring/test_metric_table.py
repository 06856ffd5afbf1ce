"""No metric is left out of the table: neither one of ours nor one that a predecessor exposes."""

from __future__ import annotations

import re

import pytest

from monitoring.metric_table import ELSEWHERE, PREDECESSORS, Predecessor, files
from predictor.catalogue import CATALOGUE, Entry

THEIRS = {
    "heart pipeline": {
        "active_requests",
        "api_request_latency_seconds",
        "api_requests_total",
        "model_loaded",
        "prediction_confidence",
        "predictions_total",
    },
    "heart monitoring": {
        "active_requests",
        "api_errors_total",
        "api_request_duration_seconds",
        "api_requests_total",
        "model_info_info",
        "model_loaded",
        "prediction_confidence_score",
        "prediction_duration_seconds",
        "predictions_total",
    },
    "iris serving": {
        "feature_petal_length",
        "feature_petal_width",
        "feature_sepal_length",
        "feature_sepal_width",
        "prediction_class_total",
        "prediction_errors_total",
        "prediction_latency_seconds",
        "prediction_requests_total",
    },
    "Porto Seguro inference": {
        "batch_size",
        "inference_errors_total",
        "inference_latency_seconds",
        "inference_prediction_value",
        "inference_requests_total",
        "node_cpu_seconds_total",
        "node_filesystem_avail_bytes",
        "node_memory_MemAvailable_bytes",
        "page_views_total",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
    },
    "road accidents": {"api_predict_total", "http_requests_total", "inference_time_seconds"},
}
"""What the predecessors expose, as read in their code."""

OURS = {entry.full_name for entry in CATALOGUE}
LINES = files()["metrics.md"].splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(first: str) -> list[list[str]]:
    """The rows of the table whose head begins with a cell."""
    start = next(number for number, line in enumerate(LINES) if line.startswith(f"| {first} |"))
    table = []
    for line in LINES[start + 2 :]:
        if not line.startswith("|"):
            break
        table.append(cells(line))
    return table


def test_only_the_table_is_rendered() -> None:
    assert list(files()) == ["metrics.md"]


def test_the_table_has_the_catalogue_in_its_order_and_nothing_else() -> None:
    assert [row[0] for row in rows("metric")] == [f"`{entry.full_name}`" for entry in CATALOGUE]


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.full_name)
def test_a_metric_is_told_whole(entry: Entry) -> None:
    (row,) = (row for row in rows("metric") if row[0] == f"`{entry.full_name}`")
    assert row[1:5] == [entry.kind, ", ".join(entry.labels) or "-", entry.unit, entry.meaning]
    standing = [f"{item.system}: `{item.metric}`" for item in PREDECESSORS if entry.full_name in item.now]
    assert row[5] == ("; ".join(standing) or "-")


def test_every_metric_of_the_predecessors_is_covered_once() -> None:
    told = [(item.system, item.metric) for item in PREDECESSORS]
    assert len(told) == len(set(told))
    assert {system: {metric for of, metric in told if of == system} for system, _ in told} == THEIRS


@pytest.mark.parametrize("item", PREDECESSORS, ids=lambda item: f"{item.system}: {item.metric}")
def test_what_stands_in_for_it_exists(item: Predecessor) -> None:
    assert item.now
    for name in item.now:
        assert name in OURS or name.startswith(tuple(ELSEWHERE)), name


def test_what_comes_from_elsewhere_is_not_ours() -> None:
    assert not [name for name in OURS if name.startswith(tuple(ELSEWHERE))]
    for prefix in ELSEWHERE:
        assert any(name.startswith(prefix) for item in PREDECESSORS for name in item.now), prefix


def test_the_table_has_every_predecessor_with_its_fault() -> None:
    expected = [
        [item.system, f"`{item.metric}`", ", ".join(f"`{name}`" for name in item.now), item.fault or "-"]
        for item in PREDECESSORS
    ]
    assert rows("system") == expected


def test_no_cell_breaks_its_row_or_is_empty() -> None:
    for first, width in (("metric", 6), ("system", 4)):
        for row in rows(first):
            assert len(row) == width, row
            assert all(row), row
