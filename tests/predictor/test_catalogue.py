"""The list of metrics is what is given out, no more and no less."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from predictor.catalogue import CATALOGUE, families
from predictor.metrics import Metrics

if TYPE_CHECKING:
    from predictor.served import Served

BASE_UNITS = {
    "always 1",
    "boolean",
    "labels",
    "probability",
    "PSI",
    "ratio",
    "requests",
    "rows",
    "seconds",
    "seconds since 1970",
    "values",
}


def test_everything_listed_is_given_out_with_the_labels_listed(served: Served) -> None:
    found = {family.name: family for family in Metrics([served], lambda name: True).collect()}
    assert [f"predictor_{entry.name}" for entry in CATALOGUE] == list(found)
    for entry in CATALOGUE:
        family = found[f"predictor_{entry.name}"]
        assert family.type == entry.kind
        assert family.documentation == entry.meaning
        names = {sample.name for sample in family.samples}
        assert names or entry.name.startswith("evaluated_quality"), entry.name
        assert all(name.startswith(entry.full_name) for name in names)
        assert all(set(sample.labels) - {"le"} == set(entry.labels) for sample in family.samples)


def test_names_and_units_follow_the_conventions() -> None:
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)
    for entry in CATALOGUE:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", entry.name)
        assert entry.unit in BASE_UNITS
        assert entry.meaning.endswith(".")
        assert (entry.full_name.endswith("_total")) == (entry.kind == "counter")
        assert not entry.name.endswith(("_total", "_count", "_sum", "_bucket"))
        assert entry.name.endswith("_seconds") == entry.unit.startswith("seconds")


def test_families_are_new_each_time(served: Served) -> None:
    families()["requests_in_flight"].add_metric((), 1)
    with pytest.raises(IndexError):
        families()["requests_in_flight"].samples[0]
