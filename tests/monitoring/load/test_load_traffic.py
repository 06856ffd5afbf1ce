"""Which requests are drawn: the shares, the rows, and the same again for the same seed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest

from monitoring.load.forms import Form
from monitoring.load.traffic import Shares, Traffic

if TYPE_CHECKING:
    from contract.schema import Contract
    from monitoring.load.request import Request
    from monitoring.load.rows import Rows


def drawn(contract: Contract, source: Rows, shares: Shares, count: int, seed: int = 0) -> list[Request]:
    traffic = Traffic(contract, "heart", source, shares, seed)
    return [traffic.draw() for _ in range(count)]


def within_chance(count: int, of: int, share: float) -> bool:
    return abs(count / of - share) < 4 * math.sqrt(share * (1 - share) / of)


@pytest.mark.parametrize("shares", [Shares(), Shares(3, 1, 1), Shares(1, 1, 8, batches=0.5)])
def test_kinds_and_batches_keep_their_shares(heart: Contract, source: Rows, shares: Shares) -> None:
    requests = drawn(heart, source, shares, 4_000)
    kinds = Counter(request.kind for request in requests)
    total = sum(shares.of_kinds)
    assert within_chance(kinds["valid"], 4_000, shares.valid / total)
    assert within_chance(kinds["invalid"], 4_000, shares.invalid / total)
    assert within_chance(kinds["odd"], 4_000, shares.odd / total)
    with_rows = [request for request in requests if request.kind != "odd"]
    assert {request.rows for request in with_rows} == {1, 20}
    assert within_chance(sum(request.rows == 20 for request in with_rows), len(with_rows), shares.batches)


def test_forms_are_drawn_equally(heart: Contract, source: Rows) -> None:
    forms = Counter(request.name for request in drawn(heart, source, Shares(1, 0, 0, batches=0), 2_000))
    assert set(forms) == set(Form)
    assert all(within_chance(count, 2_000, 1 / 4) for count in forms.values())


def test_a_share_of_0_is_never_drawn(heart: Contract, source: Rows) -> None:
    assert {request.kind for request in drawn(heart, source, Shares(0, 1, 0), 500)} == {"invalid"}
    assert {request.rows for request in drawn(heart, source, Shares(1, 1, 0, batches=0), 500)} == {1}
    assert {request.rows for request in drawn(heart, source, Shares(1, 1, 0, batches=1, batch_rows=7), 500)} == {7}


def test_a_seed_gives_the_same_requests_again_under_other_ids(heart: Contract, source: Rows) -> None:
    first, again, other = (drawn(heart, source, Shares(), 300, seed) for seed in (5, 5, 6))
    assert [replace(request, identity="") for request in first] == [replace(request, identity="") for request in again]
    assert [request.body for request in first] != [request.body for request in other]
    identities = {request.identity for request in [*first, *again, *other]}
    assert len(identities) == 900
    assert all(request.headers["x-request-id"] == request.identity for request in first)


def test_rows_are_drawn_with_replacement_and_keep_their_labels(heart: Contract, source: Rows) -> None:
    few = replace(source, instances=source.instances[:3], labels=("disease", None, "no disease"))
    labels = {orjson.dumps(row): label for row, label in zip(few.instances, few.labels, strict=True)}
    requests = drawn(heart, few, Shares(1, 0, 0, batches=1, batch_rows=10), 100)
    records = [request for request in requests if request.name.startswith("v1 records")]
    assert records
    for request in records:
        instances = orjson.loads(request.body)["instances"]
        assert len(instances) == 10
        assert [labels[orjson.dumps(row)] for row in instances] == list(request.labels)


def test_what_is_not_valid_has_no_labels(heart: Contract, source: Rows) -> None:
    assert not any(request.labels for request in drawn(heart, source, Shares(0, 1, 1), 300))
