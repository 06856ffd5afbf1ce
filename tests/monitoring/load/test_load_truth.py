"""Labels wait for their time, are told once, and what becomes of them is counted."""

from __future__ import annotations

import orjson

from monitoring.load.request import Answer, Request
from monitoring.load.truth import Truth

VALID = Request(
    "valid", "v1 records", "POST", "/there", 200, b"{}", rows=3, labels=("disease", None, "no disease"), identity="a-1"
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_labels_are_told_with_the_id_and_row_of_their_prediction() -> None:
    truth = Truth("heart")
    truth.answered(VALID)
    assert truth.waiting == 2
    request = truth.request()
    assert request
    assert (request.kind, request.path, request.status) == ("truth", "/v1/models/heart:truth", 200)
    assert orjson.loads(request.body) == {
        "truth": [{"id": "a-1", "row": 0, "label": "disease"}, {"id": "a-1", "row": 2, "label": "no disease"}]
    }
    assert truth.request() is None


def test_labels_wait_for_their_time() -> None:
    clock = Clock()
    truth = Truth("heart", 30, clock=clock)
    assert truth.seconds == 0
    truth.answered(VALID)
    clock.now += 10
    truth.answered(VALID)
    assert truth.request() is None
    assert truth.seconds == 20
    clock.now += 20
    request = truth.request()
    assert request
    assert len(orjson.loads(request.body)["truth"]) == 2
    assert truth.waiting == 2


def test_one_request_tells_so_many_at_most() -> None:
    truth = Truth("heart", at_once=3)
    for _ in range(2):
        truth.answered(VALID)
    requests = [truth.request(), truth.request(), truth.request()]
    assert [len(orjson.loads(request.body)["truth"]) for request in requests if request] == [3, 1]


def test_what_becomes_of_labels_is_counted() -> None:
    truth = Truth("heart")
    truth.answered(VALID)
    request = truth.request()
    assert request
    good = Answer(200, b'{"counted": 1, "unmatched": [{"id": "a-1", "row": 2}]}')
    assert request.objection(good) is None
    truth.told(request, good)
    assert (truth.sent, truth.counted, truth.unmatched) == (2, 1, 1)
    for bad in (Answer(404, b'{"error": "?"}'), Answer(0, error="refused"), Answer(200, b"[]")):
        assert request.objection(bad)
        truth.told(request, bad)
    assert (truth.sent, truth.counted, truth.unmatched) == (8, 1, 1)
