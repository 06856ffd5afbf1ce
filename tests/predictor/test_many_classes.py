"""Three classes over every protocol of the real server: each answers what scikit-learn's scores come to."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import jsonschema_rs
import numpy as np
import orjson
import pytest
import schemathesis
import skops.io
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub
from prometheus_client.parser import text_string_to_metric_families
from sklearn import metrics as peer

from contract.transform import Transform
from predictor import explain, v1
from predictor.errors import GoldenMismatch, MalformedRequest
from predictor.golden import check_golden
from predictor.labels import read
from predictor.openapi import document
from predictor.served import Served
from predictor.truth import Label, Memory, Truth
from tests.serving import INVERSE_TEMPERATURE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LABELS = ["setosa", "versicolor", "virginica"]
FLOAT32 = 1e-5  # what the log-odds of a model in float32 may be off by
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 5.1, 1.6], [8.4, 3.0, 7.2, 2.6], [5.9, 3.0, 4.2, 1.5]]
PREDICT, EXPLAIN, TRUTH = "/v1/models/iris:predict", "/v1/models/iris:explain", "/v1/models/iris:truth"
INFER = "/v2/models/iris/infer"


@pytest.fixture(scope="module")
def reference(irises: Served) -> Callable[[list[list[float]]], Floats]:
    """Probabilities by scikit-learn's scores at their temperature, written out: (rows, classes)."""
    estimator = skops.io.load(irises.bundle.directory / "model.skops", trusted=[])
    transform = Transform.model_validate_json((irises.bundle.directory / "transform.json").read_bytes()).compile()

    def of(rows: list[list[float]]) -> Floats:
        scores = estimator.decision_function(transform(np.array(rows)))
        shares = np.exp(INVERSE_TEMPERATURE * scores)
        found: Floats = shares / shares.sum(axis=1, keepdims=True)
        return found

    return of


def records(irises: Served) -> list[dict[str, float]]:
    return [dict(zip(irises.bundle.contract.feature_names, row, strict=True)) for row in ROWS]


def of_labels(probabilities: Floats) -> list[str]:
    return [LABELS[position] for position in probabilities.argmax(axis=1)]


@pytest.mark.parametrize("form", ["records", "arrays"])
@pytest.mark.parametrize("times", [1, 300])
def test_v1_answers_every_probability_and_no_decision(
    iris_client: httpx.Client, irises: Served, reference: Callable[..., Floats], form: str, times: int
) -> None:
    instances: list[Any] = (records(irises) if form == "records" else ROWS) * times
    content = iris_client.post(PREDICT, json={"instances": instances}).raise_for_status().json()
    assert set(content) == {"predictions", "model_name", "model_version"}
    expected = reference(ROWS * times)
    assert [list(item) for item in content["predictions"]] == [["label", "probabilities", "warnings"]] * 4 * times
    assert [item["label"] for item in content["predictions"]] == of_labels(expected)
    assert {item["label"] for item in content["predictions"]} == set(LABELS)
    assert [list(item["probabilities"]) for item in content["predictions"]] == [LABELS] * 4 * times
    found = [list(item["probabilities"].values()) for item in content["predictions"]]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    warned = [[item["feature"] for item in prediction["warnings"]] for prediction in content["predictions"]]
    assert warned == [[], [], ["sepal_length", "petal_length", "petal_width"], []] * times


def test_v1_writes_json_as_a_library_would(irises: Served) -> None:
    scored = irises.bundle.scorer(np.array(ROWS))
    body = v1.render(irises, {}, scored.probability.tolist(), scored.decided.tolist())
    content = {
        "predictions": [
            {
                "label": LABELS[position],
                "probabilities": dict(zip(LABELS, probability, strict=True)),
                "warnings": [],
            }
            for position, probability in zip(scored.decided.tolist(), scored.probability.tolist(), strict=True)
        ],
        "model_name": "iris",
        "model_version": "7",
    }
    assert body == orjson.dumps(content)


def test_what_is_refused_of_two_classes_is_refused_of_three(iris_client: httpx.Client) -> None:
    response = iris_client.post(PREDICT, json={"instances": [[51, 35, 14, 2]]})
    assert response.status_code == httpx.codes.BAD_REQUEST
    assert response.json()["error"].startswith("row 0, sepal_length: 51")


def matrix(**further: Any) -> dict[str, Any]:
    data = [value for row in ROWS for value in row]
    return {"inputs": [{"name": "rows", "shape": [4, 4], "datatype": "FP64", "data": data}], **further}


@pytest.mark.parametrize("further", [{}, {"parameters": {}}], ids=["plain", "not plain"])
def test_v2_answers_a_matrix_of_probabilities(
    iris_client: httpx.Client, reference: Callable[..., Floats], further: dict[str, Any]
) -> None:
    content = iris_client.post(INFER, json=matrix(id="a", **further)).raise_for_status().json()
    assert content["id"] == "a"
    assert content["parameters"].keys() == {"digest", "warnings"}
    label, probability = content["outputs"]
    expected = reference(ROWS)
    assert label == {"name": "label", "datatype": "BYTES", "shape": [4], "data": of_labels(expected)}
    assert (probability["name"], probability["datatype"], probability["shape"]) == ("probability", "FP64", [4, 3])
    np.testing.assert_allclose(np.reshape(probability["data"], (4, 3)), expected, atol=1e-6)


def test_v2_answers_in_binary(iris_client: httpx.Client, reference: Callable[..., Floats]) -> None:
    response = iris_client.post(INFER, json=matrix(parameters={"binary_data_output": True})).raise_for_status()
    length = int(response.headers["inference-header-content-length"])
    label, probability = json.loads(response.content[:length])["outputs"]
    assert probability["shape"] == [4, 3]
    assert probability["parameters"]["binary_data_size"] == 4 * 3 * 8
    start = length + label["parameters"]["binary_data_size"]
    found = np.frombuffer(response.content[start:], dtype="<f8").reshape(4, 3)
    np.testing.assert_allclose(found, reference(ROWS), atol=1e-6)


def test_v2_has_no_decision(iris_client: httpx.Client) -> None:
    response = iris_client.post(INFER, json=matrix(outputs=[{"name": "decision"}]))
    assert response.status_code == httpx.codes.BAD_REQUEST
    assert response.json()["error"] == "output 'decision' doesn't exist; there are label, probability"


def test_metadata_says_the_classes_in_the_order_of_the_probabilities(iris_client: httpx.Client) -> None:
    content = iris_client.get("/v2/models/iris").raise_for_status().json()
    assert content["outputs"] == [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probability", "datatype": "FP64", "shape": [-1, 3]},
    ]
    assert content["parameters"].keys() == {"digest", "classes", "max_rows"}
    assert content["parameters"]["classes"] == LABELS


@pytest.fixture
def over_grpc(
    flowers: Path, start: Callable[..., tuple[subprocess.Popen[str], str]], free_port: Callable[[], int]
) -> Iterator[Any]:
    port = free_port()
    process, _ = start(flowers, "--enable_grpc", "true", "--grpc_port", str(port))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield GRPCInferenceServiceStub(channel)
    process.terminate()
    assert process.wait(30) == 0


def test_grpc_answers_the_same(over_grpc: Any, reference: Callable[..., Floats]) -> None:
    metadata = over_grpc.ModelMetadata(messages.ModelMetadataRequest(name="iris"), wait_for_ready=True)
    assert [(item.name, list(item.shape)) for item in metadata.outputs] == [("label", [-1]), ("probability", [-1, 3])]
    values = np.array(ROWS)
    tensor = {"name": "rows", "datatype": "FP64", "shape": [4, 4]}
    contents = messages.InferTensorContents(fp64_contents=values.ravel())
    typed = messages.ModelInferRequest.InferInputTensor(**tensor, contents=contents)
    label, probability = over_grpc.ModelInfer(messages.ModelInferRequest(model_name="iris", inputs=[typed])).outputs
    expected = reference(ROWS)
    assert [name.decode() for name in label.contents.bytes_contents] == of_labels(expected)
    assert (list(label.shape), list(probability.shape)) == ([4], [4, 3])
    np.testing.assert_allclose(np.reshape(probability.contents.fp64_contents, (4, 3)), expected, atol=1e-6)
    raw = messages.ModelInferRequest(
        model_name="iris",
        inputs=[messages.ModelInferRequest.InferInputTensor(**tensor)],
        raw_input_contents=[values.tobytes()],
    )
    found = over_grpc.ModelInfer(raw)
    assert list(found.outputs[1].shape) == [4, 3]
    np.testing.assert_array_equal(
        np.frombuffer(found.raw_output_contents[1]), np.array(probability.contents.fp64_contents)
    )
    assert set(found.parameters) == {"digest", "warnings"}


def test_the_class_decided_on_is_explained_unless_another_is_asked_for(
    iris_client: httpx.Client, reference: Callable[..., Floats]
) -> None:
    content = iris_client.post(EXPLAIN, json={"instances": ROWS}).raise_for_status().json()
    asked = iris_client.post(EXPLAIN, json={"instances": ROWS, "class": "virginica"}).raise_for_status().json()
    expected = reference(ROWS)
    assert [item["class"] for item in content["explanations"]] == of_labels(expected)
    assert {item["class"] for item in asked["explanations"]} == {"virginica"}
    for found in (content, asked):
        assert "positive" not in found["method"]
        assert [item["label"] for item in found["explanations"]] == of_labels(expected)
        assert sum(found["baseline"]["probabilities"].values()) == pytest.approx(1)
        for item, probabilities in zip(found["explanations"], expected, strict=True):
            probability = probabilities[LABELS.index(item["class"])]
            assert item["probability"] == pytest.approx(probability, abs=1e-6)
            assert 1 / (1 + np.exp(-item["log_odds"])) == pytest.approx(probability, abs=1e-6)
            total = found["baseline"]["log_odds"][item["class"]] + sum(item["contributions"].values())
            assert total == pytest.approx(item["log_odds"], abs=FLOAT32)


@pytest.mark.parametrize("wanted", ["rose", 2, ["setosa"], {}, True])
def test_a_class_that_is_none_cannot_be_explained(irises: Served, wanted: Any) -> None:
    with pytest.raises(MalformedRequest, match=r'"class": .+ is no class; send one of .setosa., .versicolor., .virgin'):
        explain.answer(irises, json.dumps({"instances": ROWS, "class": wanted}).encode())


def test_of_two_classes_only_the_positive_one_is_explained(served: Served, records: list[dict[str, Any]]) -> None:
    def answered(**further: Any) -> bytes:
        return explain.answer(served, json.dumps({"instances": records[:1], **further}).encode())

    assert answered() == answered(**{"class": "disease"}) == answered(**{"class": None})
    refused: list[Any] = ["no disease", [], 1]
    for wanted in refused:
        with pytest.raises(MalformedRequest, match="of two classes it is always 'disease' that is explained"):
            answered(**{"class": wanted})


@pytest.fixture
def own(flowers: Path, start: Callable[..., tuple[subprocess.Popen[str], str]]) -> Iterator[httpx.Client]:
    """A server of the test's own, as its counts are what is looked at."""
    process, url = start(flowers, "--truth_minimum", "3", "--drift_minimum", "3", "--drift_rows", "100")
    with httpx.Client(base_url=url, timeout=30) as client:
        yield client
    process.terminate()
    assert process.wait(30) == 0


def samples(client: httpx.Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset((sample.labels.items()) - {("model", "iris")})): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def test_metrics_and_truth_tell_classes_apart(own: httpx.Client, reference: Callable[..., Floats]) -> None:
    expected = reference(ROWS)
    own.post(PREDICT, json={"instances": ROWS}, headers={"x-request-id": "a"}).raise_for_status()
    labels = [{"id": "a", "row": row, "label": label} for row, label in enumerate([*of_labels(expected)[:3], "setosa"])]
    elsewhere = {"id": "b", "label": "virginica", "probability": [0.2, 0.7, 0.1]}
    told = own.post(TRUTH, json={"truth": [*labels, elsewhere, {"id": "c", "label": "setosa"}]}).raise_for_status()
    assert told.json() == {"model_name": "iris", "counted": 5, "unmatched": [{"id": "c", "row": 0}]}
    table = "id,label,probability\nd,setosa,0.9 0.05 0.05\n"
    own.post(TRUTH, content=table, headers={"content-type": "text/csv"}).raise_for_status()
    found = samples(own)

    def of(name: str, **labels: str) -> float:
        return found[f"predictor_{name}", frozenset(labels.items())]

    for position, label in enumerate(LABELS):
        answered = expected.argmax(axis=1) == position
        assert of("predictions_total", label=label) == answered.sum()
        assert of("prediction_probability_count", label=label) == 4
        assert of("prediction_probability_sum", label=label) == pytest.approx(expected[:, position].sum(), abs=1e-5)
        confidence = of("prediction_confidence_sum", label=label)
        assert confidence == pytest.approx(expected.max(axis=1)[answered].sum(), abs=1e-5)
        assert of("prediction_drift_psi", label=label) > 0
        assert of("prediction_drift_psi_chance", label=label) > 0
    confusion = {
        (actual, predicted): of("truth_confusion_rows", actual=actual, predicted=predicted)
        for actual in LABELS
        for predicted in LABELS
    }
    last = of_labels(expected)[3]
    right = {label: of_labels(expected)[:3].count(label) for label in LABELS}
    assert confusion["setosa", "setosa"] == right["setosa"] + 1
    assert confusion["setosa", last] == 1
    assert confusion["virginica", "versicolor"] == 1
    assert sum(confusion.values()) == sum(
        of("truth_rows_total", actual=actual, predicted=predicted) for actual in LABELS for predicted in LABELS
    )
    assert sum(confusion.values()) == of("truth_window_rows") == 6
    assert of("truth_quality", measure="accuracy") == pytest.approx(4 / 6)
    assert not [name for name, _ in found if name == "predictor_model_threshold"]


def test_quality_is_scikit_learns_macro_average(irises: Served) -> None:
    rng = np.random.default_rng(3)
    probability = rng.dirichlet((1, 1, 1), size=300)
    actual = np.array([rng.choice(3, p=row) for row in probability])
    truth = Truth(irises, Memory())
    truth.remember([(b"all", probability.tolist())])
    assert truth.label([Label(b"all", row, int(position)) for row, position in enumerate(actual)]) == []
    decided = probability.argmax(axis=1)
    assert truth.window_confusion().tolist() == peer.confusion_matrix(actual, decided).tolist()
    quality = truth.quality()
    assert {name: quality[name].value for name in ("roc_auc", "accuracy", "sensitivity", "f1")} == pytest.approx(
        {
            "roc_auc": peer.roc_auc_score(actual, probability, multi_class="ovr"),
            "accuracy": peer.accuracy_score(actual, decided),
            "sensitivity": peer.recall_score(actual, decided, average="macro"),
            "f1": peer.f1_score(actual, decided, average="macro"),
        }
    )
    assert all(interval.low < interval.value < interval.high for interval in quality.values())


def test_predictions_and_labels_of_three_classes_outlive_the_process(irises: Served, tmp_path: Path) -> None:
    probabilities = irises.bundle.scorer(np.array(ROWS)).probability.tolist()
    first = Truth(irises, Memory(path=tmp_path))
    first.remember([(b"a", probabilities)])
    first.label([Label(b"a", 1, 2)])
    first.close()
    second = Truth(irises, Memory(path=tmp_path))
    assert (second.window_rows, second.waiting_rows) == (1, 3)
    assert second.window_confusion().tolist() == first.window_confusion().tolist()
    assert second.label([Label(b"a", 0, 0), Label(b"a", 1, 2)]) == [Label(b"a", 1, 2)]
    second.close()


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.5, "truth 0, probability: input should be a valid list"),
        ([0.5, 0.5], "truth 0, probability: has 2 numbers; send 3, of 'setosa', 'versicolor', 'virginica'"),
        ([0.5, 0.4, 1.1], "truth 0, probability: input should be less than or equal to 1"),
    ],
)
def test_a_label_from_elsewhere_brings_a_probability_of_each_class(
    irises: Served, probability: Any, words: str
) -> None:
    body = json.dumps({"truth": [{"id": "a", "label": "setosa", "probability": probability}]}).encode()
    with pytest.raises(MalformedRequest) as refused:
        read(irises, body, is_csv=False)
    assert words in str(refused.value)


def test_golden_requests_are_compared_class_by_class(irises: Served) -> None:
    check_golden(irises)
    (first, *_) = irises.bundle.golden.requests
    probabilities = dict(first.probabilities[0])
    probabilities["virginica"], probabilities["versicolor"] = probabilities["versicolor"], probabilities["virginica"]
    swapped = first.model_copy(update={"probabilities": (probabilities,)})
    golden = irises.bundle.golden.model_copy(update={"requests": (swapped,)})
    with pytest.raises(GoldenMismatch, match=r"row 0: probability .+ of 'versicolor', the reference has"):
        check_golden(Served("iris", replace(irises.bundle, golden=golden)))


def test_the_openapi_document_describes_three_classes(iris_client: httpx.Client, irises: Served) -> None:
    described = iris_client.get("/openapi.json").json()
    assert described == document([irises])
    schemathesis.openapi.from_dict(described).validate()
    for path in (PREDICT, EXPLAIN, INFER, TRUTH):
        operation = described["paths"][path]["post"]
        for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
            answer = iris_client.post(path, json=example["value"]).raise_for_status().json()
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            whole = {**schema, "components": described["components"]}
            jsonschema_rs.Draft202012Validator(whole).validate(answer)
            with pytest.raises(jsonschema_rs.ValidationError):
                jsonschema_rs.Draft202012Validator(whole).validate({**answer, "threshold": 0.5, "decision": True})
