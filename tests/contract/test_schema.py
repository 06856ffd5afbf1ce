"""The contract as a whole: names, columns, classes, and a digest that stands for its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.document import load_contract
from contract.schema import Contract

if TYPE_CHECKING:
    from pathlib import Path


def shuffled(value: Any, random: Any) -> Any:
    """The content with the fields of every mapping in another order; lists keep theirs."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(child, random) for key, child in items}
    return [shuffled(child, random) for child in value] if isinstance(value, list) else value


def test_names_and_columns_stand_in_contract_order(parcels: Contract) -> None:
    assert parcels.feature_names == ["weight", "stops", "fragile", "service", "zone"]
    assert parcels.required_columns == ["weight", "stops", "fragile", "service", "zone", "arrived", "parcel"]


def test_a_column_that_is_needed_twice_is_listed_once(parcels: Contract) -> None:
    grouped = parcels.model_copy(update={"group_column": "zone", "time_column": "day", "id_column": None})
    assert grouped.required_columns == ["weight", "stops", "fragile", "service", "zone", "arrived", "day"]


def test_a_raw_value_has_one_class_or_none(parcels: Contract, heart: Contract) -> None:
    assert [parcels.class_of(value) for value in ("punctual", "late", "lost")] == [0, 1, 1]
    assert [heart.class_of(value) for value in (0, 1, 2, 3, 4)] == [0, 1, 1, 1, 1]
    assert parcels.class_of("Late") is None
    assert parcels.class_of(1) is None
    assert heart.class_of("1") is None


def test_comments_and_layout_leave_the_digest(parcels: Contract, parcels_text: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("# another remark\n\n" + parcels_text.replace("kind: numeric", "kind:   'numeric'   # a number"))
    assert load_contract(path).digest == parcels.digest
    path.write_text(yaml.safe_dump(yaml.safe_load(parcels_text), sort_keys=True, default_flow_style=True, width=40))
    assert load_contract(path).digest == parcels.digest
    assert len(parcels.digest) == 64


@settings(deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_fields_leaves_the_digest(parcels: Contract, random: Any) -> None:
    content = parcels.model_dump(mode="json")
    assert Contract.model_validate_json(json.dumps(shuffled(content, random))).digest == parcels.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: parcels", "name: parcel"),
        ("title: Parcels", "title: parcels"),
        ("CC0 1.0", "CC0"),
        ("location: parcels.csv", "location: parcels.tsv"),
        ("  title: Parcels of one week", "  title: Parcels of one week\n  note: Easter"),
        ("  island: {location: island.csv, title: Parcels of an island}\n", ""),
        ("unit: kg", "unit: lb"),
        ("min: 0.1", "min: 0.10000000000000002"),
        ("max: 10}", "max: 9}"),
        ("usual: {min: 0.5, max: 10}\n", "\n"),
        ("kind: integer", "kind: numeric"),
        ("markers: [-1]", "markers: ['-1']"),
        ("markers: [unknown], allowed: true", "markers: [unknown], allowed: false"),
        ("value: exp", "value: fast"),
        ("label: overnight", "label: by night"),
        ("{value: 3, label: abroad}", "{value: 4, label: abroad}"),
        ("[late, lost]", "[lost, late]"),
        ("positive: late", "positive: on time"),
        ("reason: known only on arrival", "reason: known afterwards"),
        ("id_column: parcel\n", ""),
        ("held_out: 0.25", "held_out: 0.3"),
        ("seed: 3", "seed: 4"),
        ("metric: roc_auc", "metric: brier"),
        ("rule: fixed", "rule: sensitivity_at_least"),
        ("value: 0.5", "value: 0.6"),
        ("floors: {roc_auc: 0.6}", "floors: {}"),
        ("stops: 3", "stops: null"),
        ("fragile: false", "fragile: 0"),
        ("format: 1", "format: 1\nmax_rows: 10"),
        ("format: 1", "format: 1\nduplicates: warn"),
        ("format: 1", "format: 1\nmissing_markers: ['?']"),
    ],
)
def test_every_content_counts_for_the_digest(
    parcels: Contract, parcels_text: str, tmp_path: Path, old: str, new: str
) -> None:
    assert old in parcels_text
    path = tmp_path / "contract.yaml"
    path.write_text(parcels_text.replace(old, new, 1), encoding="utf-8")
    assert load_contract(path).digest != parcels.digest


def test_the_order_of_features_counts_for_the_digest(parcels: Contract) -> None:
    swapped = parcels.model_copy(update={"features": parcels.features[::-1]})
    assert swapped.digest != parcels.digest


def test_a_contract_survives_json(parcels: Contract, heart: Contract) -> None:
    for contract in (parcels, heart):
        assert Contract.model_validate_json(contract.model_dump_json()) == contract


@pytest.mark.parametrize("rows", ["0", "-1", "1.5", "'10'", "true"])
def test_a_request_may_hold_a_whole_number_of_rows(parcels_text: str, tmp_path: Path, rows: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(f"max_rows: {rows}\n{parcels_text}", encoding="utf-8")
    with pytest.raises(Exception, match=":1: max_rows: must be "):
        load_contract(path)
