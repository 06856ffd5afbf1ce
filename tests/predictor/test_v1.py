"""v1 over HTTP, against the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from contract.errors import SHOWN_VIOLATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from predictor.served import Served

    Record = dict[str, Any]

ROUTE = "/v1/models/heart:predict"


def refused(client: httpx.Client, **request: Any) -> str:
    response = client.post(ROUTE, **request)
    assert response.status_code == httpx.codes.BAD_REQUEST, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == ["error"]
    return str(body["error"])


def test_records_get_the_references_answers(client: httpx.Client, served: Served) -> None:
    for golden in served.bundle.golden.requests:
        if golden.refused:
            assert f"breaks '{golden.refused}'" in refused(client, json={"instances": golden.instances})
            continue
        response = client.post(ROUTE, json={"instances": golden.instances})
        assert response.status_code == httpx.codes.OK
        predictions = response.json()["predictions"]
        assert [prediction["label"] for prediction in predictions] == list(golden.labels)
        for prediction, probabilities in zip(predictions, golden.probabilities, strict=True):
            assert prediction["probabilities"] == pytest.approx(probabilities, abs=1e-6)


def test_an_answer_has_everything_and_no_null(client: httpx.Client, records: list[Record]) -> None:
    response = client.post(ROUTE, json={"instances": records[:1]})
    body = response.json()
    (prediction,) = body.pop("predictions")
    assert body == {"model_name": "heart", "model_version": "7", "threshold": 0.4}
    assert prediction["label"] == "disease"
    assert prediction["decision"] is True
    assert list(prediction["probabilities"]) == ["no disease", "disease"]
    assert sum(prediction["probabilities"].values()) == pytest.approx(1.0)
    assert prediction["warnings"] == []
    assert "null" not in response.text


def test_arrays_in_contract_order_are_the_same_as_records(
    client: httpx.Client, served: Served, records: list[Record]
) -> None:
    arrays = [[record[name] for name in served.bundle.contract.feature_names] for record in records]
    shuffled = [dict(reversed(record.items())) for record in records]
    by_array = client.post(ROUTE, json={"instances": arrays})
    assert by_array.status_code == httpx.codes.OK
    assert by_array.content == client.post(ROUTE, json={"instances": shuffled}).content


def test_the_label_is_the_decision_at_the_threshold(
    client: httpx.Client, served: Served, records: list[Record]
) -> None:
    predictions = client.post(ROUTE, json={"instances": records}).json()["predictions"]
    for prediction in predictions:
        assert prediction["decision"] == (prediction["probabilities"]["disease"] >= served.threshold)
        assert prediction["label"] == ("disease" if prediction["decision"] else "no disease")
    assert {prediction["decision"] for prediction in predictions} == {True, False}


def test_a_row_outside_the_usual_range_is_answered_with_a_warning(client: httpx.Client, records: list[Record]) -> None:
    unusual = {**records[0], "age": 84, "oldpeak": -0.5}
    predictions = client.post(ROUTE, json={"instances": [records[0], unusual]}).json()["predictions"]
    assert predictions[0]["warnings"] == []
    assert predictions[1]["warnings"] == [
        {"feature": "age", "value": 84, "usual": {"min": 29, "max": 77}},
        {"feature": "oldpeak", "value": -0.5, "usual": {"min": 0, "max": 6.2}},
    ]


def test_missing_values_are_answered_where_the_contract_allows_them(
    client: httpx.Client, records: list[Record]
) -> None:
    by_null = client.post(ROUTE, json={"instances": [{**records[0], "chol": None, "thal": None}]})
    by_marker = client.post(ROUTE, json={"instances": [{**records[0], "chol": 0, "thal": None}]})
    complete = client.post(ROUTE, json={"instances": [records[0]]})
    assert by_null.status_code == httpx.codes.OK
    assert by_null.content == by_marker.content != complete.content
    assert refused(client, json={"instances": [{**records[0], "age": None}]}) == (
        "row 0, age: null breaks 'missing-value'; allowed: a whole number from 18 to 120"
    )


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", None])
def test_json_may_be_called_json_with_its_charset_or_nothing(
    client: httpx.Client, records: list[Record], content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post(ROUTE, content=orjson.dumps({"instances": records}), headers=headers)
    assert response.status_code == httpx.codes.OK


def test_a_batch_too_large_for_the_event_loop_gets_the_same_answers(
    client: httpx.Client, records: list[Record]
) -> None:
    single = client.post(ROUTE, json={"instances": records}).json()["predictions"]
    batch = client.post(ROUTE, json={"instances": records * 250}).json()["predictions"]
    assert batch == single * 250


CHANGES: list[tuple[str, Callable[[Record], Any], str]] = [
    ("age", lambda _: 756, "row 1, age: 756 breaks 'out-of-range'; allowed: a whole number from 18 to 120"),
    ("age", lambda _: 63.5, "row 1, age: 63.5 breaks 'not-whole'; allowed: a whole number from 18 to 120"),
    ("age", lambda _: "63", "row 1, age: '63' breaks 'wrong-type'; allowed: a whole number from 18 to 120"),
    ("age", lambda _: True, "row 1, age: True breaks 'wrong-type'; allowed: a whole number from 18 to 120"),
    ("age", lambda _: [63], "row 1, age: [63] breaks 'wrong-type'; allowed: a whole number from 18 to 120"),
    ("fbs", lambda _: 2, "row 1, fbs: 2 breaks 'wrong-type'; allowed: true, false, 1 or 0, or null"),
    (
        "oldpeak",
        lambda _: 1e300,
        "row 1, oldpeak: 1e+300 breaks 'out-of-range'; allowed: a number from -5 to 10, or null",
    ),
    (
        "cp",
        lambda _: 0,
        "row 1, cp: 0 breaks 'unknown-category'; allowed: one of 1 (typical angina), 2 (atypical angina)",
    ),
]


@pytest.mark.parametrize(("field", "change", "words"), CHANGES)
def test_one_bad_value_refuses_the_whole_batch_and_is_named(
    client: httpx.Client, records: list[Record], field: str, change: Callable[[Record], Any], words: str
) -> None:
    spoiled = {**records[1], field: change(records[1])}
    assert refused(client, json={"instances": [records[0], spoiled, records[2]]}).startswith(words)


def test_twenty_problems_are_listed_and_the_rest_counted(client: httpx.Client, records: list[Record]) -> None:
    error = refused(client, json={"instances": [{**records[0], "age": 756}] * (SHOWN_VIOLATIONS + 3)})
    assert error.count("breaks 'out-of-range'") == SHOWN_VIOLATIONS
    assert error.endswith("; and 3 more")


def test_absent_and_unknown_features_are_named(client: httpx.Client, records: list[Record]) -> None:
    record = {**records[0], "Age": 63}
    del record["age"]
    error = refused(client, json={"instances": [record]})
    assert "row 0, age: (absent) breaks 'missing-feature'" in error
    assert "row 0, Age: 63 breaks 'unknown-feature'; allowed: age, sex, cp" in error


def test_an_array_of_another_length_is_named(client: httpx.Client) -> None:
    whole = [67, 1, 4, 160, 286, False, 2, 108, True, 1.5, 2, 3, 3]
    error = refused(client, json={"instances": [whole, whole[:12]]})
    assert error.startswith("row 1, (row): 12 values breaks 'wrong-length'; allowed: 13 values: age, sex, cp")


@pytest.mark.parametrize(
    ("instances", "words"),
    [
        ([{"age": 63}, [63]], "row 1 is an array, unlike row 0, which is a record; send records only or arrays only"),
        ([[63], {"age": 63}], "row 1 is a record, unlike row 0, which is an array; send records only or arrays only"),
        ([{"age": 63}, 5], "row 1 is neither a record nor an array, unlike row 0, which is a record"),
        ([1, 2], "row 0 is neither a record nor an array; send records only or arrays only"),
        ([[], None], "row 1 is neither a record nor an array"),
        ([], "the request holds no rows; send at least one"),
        ({"age": 63}, '"instances" is no list; send {"instances": [{…}, {…}]}'),
        (None, '"instances" is no list'),
        ([[1]] * 10_001, "the request holds 10001 rows, at most 10000 are allowed; send it in parts"),
    ],
)
def test_instances_that_are_no_rows_are_refused(client: httpx.Client, instances: Any, words: str) -> None:
    assert refused(client, json={"instances": instances}).startswith(words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", 'the body is empty; send {"instances": [{…}, {…}]}'),
        (b"{", "the body is no valid JSON: line 1, column 2"),
        (b'{"instances": [[NaN]]}', "the body is no valid JSON: line 1, column 17 (JSON has no NaN or Infinity"),
        (b'{"instances": [[Infinity]]}', "the body is no valid JSON: line 1, column 17"),
        (b'{"instances": ["\xff"]}', "the body is no valid JSON"),
        (b"[" * 5000, "the body is no valid JSON"),
        (b"[[1, 2]]", 'the body is a list, not an object; send {"instances": [{…}, {…}]}'),
        (b'"text"', "the body is text, not an object"),
        (b"null", "the body is null, not an object"),
        (b"3", "the body is a number, not an object"),
        (b"{}", 'the body has no "instances"; send {"instances": [{…}, {…}]}'),
        (b'{"inputs": []}', 'the body has no "instances"'),
    ],
)
def test_a_body_that_is_no_request_is_refused(client: httpx.Client, body: bytes, words: str) -> None:
    assert refused(client, content=body).startswith(words)
