"""Every request that can be drawn, against a real predictor: it is answered as it says that it must be."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from contract.encoding import RULES
from monitoring.load.forms import Form, body
from monitoring.load.oddities import oddities
from monitoring.load.request import Answer, Request
from monitoring.load.spoiling import rules, spoil
from monitoring.load.traffic import Shares, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.schema import Contract
    from monitoring.load.rows import Rows


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client


def answered(client: httpx.Client, request: Request) -> Answer:
    response = client.request(request.method, request.path, content=request.body, headers=request.headers)
    return Answer(response.status_code, response.content)


def test_all_that_is_drawn_is_answered_as_expected(client: httpx.Client, heart: Contract, source: Rows) -> None:
    traffic = Traffic(heart, "heart", source, Shares(1, 1, 1, batches=0.3, batch_rows=40), seed=11)
    requests = [traffic.draw() for _ in range(1_500)]
    assert [wrong for request in requests if (wrong := request.objection(answered(client, request)))] == []
    assert {request.name for request in requests if request.kind == "invalid"} == set(RULES) - {"not-finite"}


@pytest.mark.parametrize("form", Form)
def test_each_broken_rule_is_refused_by_its_name(
    client: httpx.Client, heart: Contract, source: Rows, form: Form
) -> None:
    chance = random.Random(3)
    seen = set()
    for _ in range(300):
        kept = [dict(row) for row in source.instances[:5]]
        spoilt = spoil(chance, form, heart, source.instances[:5])
        assert list(source.instances[:5]) == kept
        request = Request("invalid", spoilt.rule, "POST", form.path("heart"), 400, body(form, heart, spoilt.rows))
        answer = answered(client, request)
        assert answer.status == 400
        assert all(word.encode() in answer.body for word in spoilt.words), (spoilt.rule, answer.body)
        seen.add(spoilt.rule)
        if form.names_features:
            named = [name for name in (*heart.feature_names, "unheard-of") if f"{name}" in " ".join(spoilt.words)]
            assert named
    assert seen == set(rules(form, heart))


def test_each_oddity_gets_its_status(client: httpx.Client, heart: Contract, source: Rows) -> None:
    requests = oddities("heart", body(Form.RECORDS, heart, source.instances[:1]))
    got = {request.name: answered(client, request).status for request in requests}
    assert got == {request.name: request.status for request in requests}
    assert len(got) == len(requests)
    assert set(got.values()) == {400, 404, 405, 415}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(500, b'{"error": "oh"}'), 'was answered 500, not 400: {"error": "oh"}'),
        (Answer(200, b"{}"), "was answered 200, not 400: {}"),
        (Answer(400, b"bad\nluck"), "was answered 400, which is right, but without 'row 0, age:': bad luck"),
        (Answer(400, b""), "was answered 400, which is right, but without 'row 0, age:'"),
        (Answer(0, error="Connection refused"), "got no answer: Connection refused"),
    ],
)
def test_an_unexpected_answer_is_shown_in_one_line(answer: Answer, said: str) -> None:
    request = Request("invalid", "out-of-range", "POST", "/there", 400, b"{}", words=("row 0, age:",))
    assert request.objection(answer) == f"POST /there {said}"
    assert request.objection(Answer(400, b"row 0, age: 756 breaks")) is None


@pytest.mark.parametrize(
    "content", [b"{}", b"no JSON", b'{"predictions": [1]}', b'{"outputs": [{"shape": [1]}]}', b"[]"]
)
def test_an_answer_with_fewer_rows_than_asked_for_is_wrong(content: bytes) -> None:
    request = Request("valid", "v1 records", "POST", "/there", 200, b"{}", rows=2)
    assert "of its 2 rows are in the answer" in (request.objection(Answer(200, content)) or "")
    assert request.objection(Answer(200, b'{"predictions": [{}, {}]}')) is None
    assert request.objection(Answer(200, b'{"outputs": [{"shape": [2]}]}')) is None


def test_a_long_answer_is_cut() -> None:
    request = Request("odd", "empty body", "POST", "/there", 400)
    said: Any = request.objection(Answer(500, b"x" * 10_000))
    assert len(said) < 400
    assert said.endswith("…")
