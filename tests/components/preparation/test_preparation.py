from __future__ import annotations

from components.preparation import PREPARATIONS, baac


def test_a_contract_finds_its_preparation_by_name() -> None:
    assert PREPARATIONS["baac"] is baac.prepare
