"""True labels over HTTP, as JSON and as a file, for predictions of every protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from predictor.errors import MalformedRequest
from predictor.labels import read
from predictor.truth import Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from predictor.served import Served

TRUTH, PREDICT, INFER = "/v1/models/heart:truth", "/v1/models/heart:predict", "/v2/models/heart/infer"


def body(*items: Any) -> bytes:
    return json.dumps({"truth": items}).encode()


def value(client: httpx.Client, name: str, **labels: str) -> float:
    text = client.get("/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == {"model": "heart", **labels}:
                return sample.value
    raise AssertionError(name)


@pytest.fixture
def own(bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[httpx.Client]:
    """A server of the test's own, as its counts are what is looked at."""
    process, url = start(bundle, "--truth_minimum", "1")
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client
    process.terminate()
    assert process.wait(30) == 0


def test_a_label_is_a_class_or_a_raw_value_of_the_target(served: Served) -> None:
    items = [{"id": "a", "label": "disease"}, {"id": "b", "row": 2, "label": 0}, {"id": "c", "label": 3}]
    expected = [Label(b"a", 0, 1), Label(b"b", 2, 0), Label(b"c", 0, 1)]
    assert read(served, body(*items), is_csv=False) == expected
    numbers = {"id": "b", "row": 2.0, "label": 0.0}
    assert read(served, body(numbers), is_csv=False) == expected[1:2]
    table = b"id,row,label\r\na,,disease\r\nb,2,0\r\nc,0,3\r\n"
    assert read(served, table, is_csv=True) == expected
    assert read(served, body({"id": "d", "label": 4, "probability": 0.25}), is_csv=False) == [Label(b"d", 0, 1, 0.25)]
    assert read(served, b"\xef\xbb\xbfprobability,label,id\n.5,no disease,d\n", is_csv=True) == [Label(b"d", 0, 0, 0.5)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the body is empty; send"),
        (b"[]", "the body is a list, not an object"),
        (b'{"labels": []}', 'no list "truth"'),
        (b'{"truth": [{"id": "a", "label": 1}], "model": "heart"}', "the body has 'model' besides \"truth\"; send"),
        (body({"id": "a", "label": 1, "row": 2**31}), "truth 0, row: input should be less than or equal to 2147483647"),
        (body(), "holds no rows"),
        (body({"label": 1}), "truth 0, id: field required"),
        (body({"id": "a", "label": 1}, {"id": "b", "label": True}), "truth 1, label: "),
        (body({"id": "a", "label": "ill"}), "truth 0, label: 'ill' is no class; send 'no disease' or 'disease', or a"),
        (body({"id": "a", "label": 7}), "or a code of num: 0, 1, 2, 3, 4"),
        (body({"id": "a" * 129, "label": 1}), "truth 0, id: string should have at most 128 characters"),
        (body({"id": "a", "label": 1, "row": -1}), "truth 0, row: input should be greater than or equal to 0"),
        (body({"id": "a", "label": 1, "row": 1.5}), "truth 0, row: "),
        (body({"id": "a", "label": 1, "probability": 1.01}), "truth 0, probability: input should be less than or"),
        (body({"id": "a", "label": 1, "weight": 2}), "truth 0, weight: extra inputs are not permitted"),
        (body("a"), "truth 0: input should be a valid dictionary"),
        (body(*[{"id": "a", "label": 1}] * 10_001), "holds 10001 rows, at most 10000"),
    ],
)
def test_what_is_no_label_is_refused_by_name(served: Served, content: bytes, told: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read(served, content, is_csv=False)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the columns are none; send a header"),
        (b"id;label\na;1\n", "the columns are 'id;label'; send a header with id and label"),
        (b"id,label,age\na,1,63\n", "the columns are 'id', 'label', 'age'"),
        (b"id,label\n", "holds no rows"),
        (b"id,label\na,1,2\n", "truth 0"),
        (b"id,row,label\na,one,1\n", "truth 0, row: "),
        (b"id,label\n,1\n", "truth 0, id: field required"),
        (b"id,label\n\xff,1\n", "no CSV in UTF-8"),
        (b'id,label\n"a,1\n', "no CSV in UTF-8"),
    ],
)
def test_a_file_is_refused_by_line(served: Served, content: bytes, told: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read(served, content, is_csv=True)
    assert told in str(caught.value)


@given(content=st.binary(max_size=60) | st.text(alphabet='id,label\n"0;', max_size=60).map(str.encode))
@settings(max_examples=300, deadline=None)
@pytest.mark.parametrize("is_csv", [False, True])
def test_any_bytes_are_labels_or_refused(served: Served, content: bytes, is_csv: bool) -> None:
    try:
        labels = read(served, content, is_csv=is_csv)
    except MalformedRequest:
        return
    assert labels
    assert all(isinstance(label, Label) for label in labels)


def test_predictions_of_every_route_find_their_labels(own: httpx.Client, records: list[dict[str, Any]]) -> None:
    rows = [[*record.values()] for record in records]
    matrix = [float(value or 0) for value in rows[0]]
    tensor = {"name": "rows", "shape": [1, 13], "datatype": "FP64", "data": matrix}
    many = [rows[0]] * 500
    sent: dict[str, tuple[str, dict[str, Any]]] = {
        "short": (PREDICT, {"instances": rows[:1]}),
        "warned": (PREDICT, {"instances": rows}),
        "large": (PREDICT, {"instances": many}),
        "tensor": (INFER, {"inputs": [tensor]}),
        "chosen": (INFER, {"inputs": [tensor], "outputs": [{"name": "label"}]}),
    }
    for identity, (path, content) in sent.items():
        answer = own.post(path, json=content, headers={"x-request-id": identity})
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, identity)
    counted = own.post(TRUTH, content=body(*({"id": identity, "label": 1} for identity in sent)))
    assert counted.json() == {"model_name": "heart", "counted": len(sent), "unmatched": []}
    last = own.post(
        TRUTH, json={"truth": [{"id": "large", "row": 499, "label": 1}, {"id": "large", "row": 500, "label": 1}]}
    )
    assert last.json() == {"model_name": "heart", "counted": 1, "unmatched": [{"id": "large", "row": 500}]}
    assert value(own, "predictor_truth_window_rows") == len(sent) + 1
    assert value(own, "predictor_truth_waiting_rows") == 500 - 2 + len(records) - 1
    assert value(own, "predictor_truth_unmatched_total") == 1
    assert value(own, "predictor_requests_total", route="v1.truth", status="200") == 2


def test_an_id_that_the_predictor_made_finds_its_prediction(own: httpx.Client, records: list[dict[str, Any]]) -> None:
    answer = own.post(PREDICT, json={"instances": records[:1]})
    predicted = answer.json()["predictions"][0]["label"]
    identity = answer.headers["x-request-id"]
    counted = own.post(
        TRUTH, content=f"id,label\n{identity},disease\n", headers={"content-type": "Text/CSV; charset=UTF-8"}
    )
    assert counted.json()["counted"] == 1
    assert value(own, "predictor_truth_rows_total", actual="disease", predicted=predicted) == 1
    assert value(own, "predictor_truth_confusion_rows", actual="disease", predicted=predicted) == 1
    assert value(own, "predictor_truth_quality", measure="accuracy") == (predicted == "disease")


def test_labels_are_counted_all_or_none(own: httpx.Client, records: list[dict[str, Any]]) -> None:
    own.post(PREDICT, json={"instances": records[:1]}, headers={"x-request-id": "a"})
    refused = own.post(TRUTH, content=body({"id": "a", "label": 1}, {"id": "b", "label": "ill"}))
    assert refused.status_code == 400
    assert "truth 1, label" in refused.json()["error"]
    assert value(own, "predictor_truth_window_rows") == 0
    assert own.post(TRUTH, content=body({"id": "a", "label": 1})).json()["counted"] == 1


def test_the_route_takes_post_in_json_or_csv_only(own: httpx.Client) -> None:
    assert own.get(TRUTH).status_code == 405
    wrong = own.post(TRUTH, content=b"id\tlabel\n", headers={"content-type": "text/tab-separated-values"})
    assert wrong.status_code == 415
    assert wrong.json()["error"].endswith("send application/json or text/csv")
    assert own.post("/v1/models/nobody:truth", content=body({"id": "a", "label": 1})).status_code == 404


def test_a_grpc_request_finds_its_label_by_its_id(
    bundle: Path, start: Callable[..., tuple[subprocess.Popen[str], str]], free_port: Callable[[], int], served: Served
) -> None:
    port = free_port()
    process, url = start(bundle, "--enable_grpc", "true", "--grpc_port", str(port))
    example = served.bundle.contract.examples[0].instance
    row = [example[name] for name in served.bundle.contract.feature_names]
    client = Path(__file__).with_name("triton_grpc.py")
    asked = subprocess.run(
        [sys.executable, client, f"127.0.0.1:{port}", "heart"],
        input=json.dumps([row]),
        text=True,
        capture_output=True,
        check=False,
    )
    assert json.loads(asked.stdout)["id"] == "42", asked.stderr
    counted = httpx.post(url + TRUTH, content=body({"id": "42", "label": 1}, {"id": "", "label": 1}))
    assert counted.status_code == 400
    counted = httpx.post(url + TRUTH, content=body({"id": "42", "label": 1}))
    assert counted.json() == {"model_name": "heart", "counted": 1, "unmatched": []}
    process.terminate()
    assert process.wait(30) == 0


def test_rows_outlive_the_server_where_a_path_is_given(
    bundle: Path,
    start: Callable[..., tuple[subprocess.Popen[str], str]],
    records: list[dict[str, Any]],
    tmp_path: Path,
) -> None:
    arguments = ("--truth_path", str(tmp_path), "--truth_minimum", "1")
    process, url = start(bundle, *arguments)
    httpx.post(url + PREDICT, json={"instances": records}, headers={"x-request-id": "before"})
    httpx.post(url + TRUTH, content=body({"id": "before", "row": 1, "label": 0}))
    process.kill()
    process.wait(30)
    process, url = start(bundle, *arguments)
    with httpx.Client(base_url=url) as client:
        assert value(client, "predictor_truth_window_rows") == 1
        again = client.post(TRUTH, content=body(*({"id": "before", "row": row, "label": 0} for row in (0, 1))))
        assert again.json()["unmatched"] == [{"id": "before", "row": 1}]
    process.terminate()
    assert process.wait(30) == 0
