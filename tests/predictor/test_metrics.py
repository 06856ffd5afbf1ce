"""What Prometheus reads: names, labels and numbers, out of the text that it is sent."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import kserve.metrics
import numpy as np
import prometheus_client
import pytest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families

from contract.encoding import RULES
from contract.errors import Violation
from contract.quality import Interval
from contract.scorer import Answer
from predictor.accounting import STATUSES
from predictor.drift import Window
from predictor.errors import RequestError
from predictor.metrics import KINDS, MISSING, ROUTES, SERVER_ROUTES, Metrics
from predictor.served import Served
from predictor.truth import Label, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    Sample = tuple[str, tuple[tuple[str, str], ...]]


def scrape(metrics: Metrics) -> dict[Sample, float]:
    registry = prometheus_client.CollectorRegistry()
    registry.register(metrics)
    text = prometheus_client.generate_latest(registry).decode()
    samples: dict[Sample, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples
            samples[key] = sample.value
    return samples


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return scrape(metrics)[name, tuple(sorted(labels.items()))]


def score(metrics: Metrics, served: Served, matrix: list[list[float]] | None = None) -> Answer:
    rows = np.array(matrix) if matrix else np.full((1, len(served.features)), np.nan)
    answer = served.bundle.scorer(rows)
    metrics.models[served.name].request_rows(len(rows))
    metrics.models[served.name].scored(rows, answer, 0.00003)
    return answer


def typical(served: Served) -> list[float]:
    records = [dict(served.bundle.contract.examples[0].instance)]
    row: list[float] = served.encoder.from_records(records).matrix[0].tolist()
    return row


def kinds(error: type[RequestError]) -> Iterator[str]:
    yield error.kind
    for child in error.__subclasses__():
        yield from kinds(child)


@pytest.fixture
def metrics(served: Served) -> Metrics:
    return Metrics([served], ready=lambda name: True)


def test_every_series_is_there_from_the_start_and_requests_make_no_further_ones(
    metrics: Metrics, served: Served
) -> None:
    before = scrape(metrics)
    counters = {
        key: number for key, number in before.items() if key[0].endswith(("_total", "_count", "_bucket", "_sum"))
    }
    assert len(counters) > 400
    assert not any(counters.values())
    for model, route in (("heart", "v1.predict"), ("heart", "/etc/passwd"), ("nobody", "v1.predict"), ("", "")):
        for status in (200, 404, 418, 599, 700, -1):
            metrics.answered(metrics.route(model, route), status, 0.01)
    for model in ("heart", "nobody", "<b>"):
        for kind in KINDS:
            metrics.error(model, kind)
    metrics.models["heart"].refused(
        [Violation(0, name, "?", rule, "") for name in ("age", "(row)", "a" * 1000) for rule in RULES]
    )
    score(metrics, served)
    after = scrape(metrics)
    assert set(after) == set(before)
    assert after != before


def test_requests_by_route_and_status(metrics: Metrics) -> None:
    predict, other = metrics.route("heart", "v1.predict"), metrics.route("nobody", "v1.predict")
    metrics.answered(predict, 200, 0.0003)
    metrics.answered(predict, 200, 0.02)
    metrics.answered(predict, 400, 0.0001)
    metrics.answered(other, 404, 20)
    metrics.answered(other, 301, 0.1)
    requests = "predictor_requests_total"
    assert value(metrics, requests, model="heart", route="v1.predict", status="200") == 2
    assert value(metrics, requests, model="heart", route="v1.predict", status="400") == 1
    assert value(metrics, requests, model="heart", route="v2.infer", status="200") == 0
    assert value(metrics, requests, model="other", route="other", status="404") == 1
    assert value(metrics, requests, model="other", route="other", status="other") == 1
    seconds = "predictor_request_duration_seconds"
    bucket = f"{seconds}_bucket"
    assert value(metrics, bucket, model="heart", route="v1.predict", le="0.00025") == 1
    assert value(metrics, bucket, model="heart", route="v1.predict", le="0.0005") == 2
    assert value(metrics, bucket, model="other", route="other", le="10.0") == 1
    assert value(metrics, f"{seconds}_count", model="other", route="other") == 2
    assert value(metrics, f"{seconds}_sum", model="heart", route="v1.predict") == pytest.approx(0.0204)


def test_every_route_and_every_status_has_its_series(metrics: Metrics) -> None:
    found = {labels for name, labels in scrape(metrics) if name == "predictor_requests_total"}
    routes = {(model, route) for labels in found for (_, model), (_, route), _ in [labels]}
    assert routes == {*(("heart", route) for route in ROUTES), *(("other", route) for route in SERVER_ROUTES)}
    assert len(found) == len(routes) * (len(STATUSES) + 1)
    assert len({metrics.route(model, route) for model, route in routes}) == len(routes)


def test_requests_in_flight_are_what_the_caller_says(metrics: Metrics) -> None:
    metrics.in_flight += 2
    assert value(metrics, "predictor_requests_in_flight") == 2
    metrics.in_flight -= 1
    assert value(metrics, "predictor_requests_in_flight") == 1


def test_errors_by_kind(metrics: Metrics) -> None:
    metrics.error("heart", "refused")
    metrics.error("nobody", "not_found")
    assert value(metrics, "predictor_errors_total", model="heart", kind="refused") == 1
    assert value(metrics, "predictor_errors_total", model="other", kind="not_found") == 1
    assert value(metrics, "predictor_errors_total", model="heart", kind="not_found") == 0


def test_every_error_of_a_request_has_its_kind() -> None:
    assert set(kinds(RequestError)) <= set(KINDS)


def test_rows_predictions_and_values(metrics: Metrics, served: Served) -> None:
    row = typical(served)
    names = served.bundle.contract.feature_names
    old = row.copy()
    old[names.index("age")] = 95
    old[names.index("ca")] = math.nan
    answer = score(metrics, served, [row, old, row])
    samples = scrape(metrics)

    def of(name: str, **labels: str) -> float:
        return samples[name, tuple(sorted({"model": "heart", **labels}.items()))]

    assert of("predictor_request_rows_count") == of("predictor_batch_rows_count") == 1
    assert of("predictor_batch_rows_bucket", le="2.0") == 0
    assert of("predictor_batch_rows_bucket", le="5.0") == 1
    assert of("predictor_batch_rows_bucket", le="10000.0") == 1
    assert of("predictor_inference_duration_seconds_sum") == pytest.approx(0.00003)
    assert of("predictor_predictions_total", label="disease") == answer.decided.sum()
    assert of("predictor_predictions_total", label="no disease") == 3 - answer.decided.sum()
    probability = "predictor_prediction_probability"
    assert of(f"{probability}_sum", label="disease") == pytest.approx(answer.probability.sum())
    assert of(f"{probability}_bucket", label="disease", le="1.0") == 3
    confidence = "predictor_prediction_confidence"
    assert of(f"{confidence}_sum", label="disease") == pytest.approx(answer.probability[answer.decided == 1].sum())
    assert of(f"{confidence}_sum", label="no disease") == pytest.approx(
        (1 - answer.probability[answer.decided == 0]).sum()
    )
    assert of(f"{confidence}_bucket", label="disease", le="1.0") == answer.decided.sum()
    assert of("predictor_missing_values_total", feature="ca") == 1
    assert of("predictor_missing_values_total", feature="age") == 0
    assert of("predictor_unusual_values_total", feature="age") == 1
    assert of("predictor_unusual_values_total", feature="ca") == 0
    assert of("predictor_drift_window_rows") == 3
    ages = served.bundle.profile.features[names.index("age")]
    assert of("predictor_feature_values_total", feature="age", bin=ages.labels[-1]) >= 1
    assert sum(of("predictor_feature_values_total", feature="age", bin=label) for label in ages.labels) == 3
    categories = served.bundle.profile.features[names.index("ca")].labels
    assert sum(of("predictor_feature_values_total", feature="ca", bin=label) for label in categories) == 2


def test_refusals_by_feature_and_rule(metrics: Metrics, served: Served) -> None:
    record = {**served.bundle.contract.examples[0].instance, "age": 756, "shoe_size": 43}
    metrics.models["heart"].refused(served.encoder.from_records([record]).violations)
    refused = "predictor_refused_values_total"
    assert value(metrics, refused, model="heart", feature="age", rule="out-of-range") == 1
    assert value(metrics, refused, model="heart", feature="other", rule="unknown-feature") == 1
    assert value(metrics, refused, model="heart", feature="sex", rule="out-of-range") == 0


def test_drift_is_nan_until_there_are_enough_rows_then_names_the_feature(served: Served) -> None:
    metrics = Metrics([served], lambda name: True, Window(rows=100, minimum=50))
    rows = [typical(served)] * 30
    score(metrics, served, rows)
    samples = scrape(metrics)
    gauges = [number for (name, _), number in samples.items() if "_drift_psi" in name]
    assert len(gauges) == 2 * (len(served.features) + 1)
    assert all(map(math.isnan, gauges))
    score(metrics, served, rows)
    samples = scrape(metrics)
    assert not any(math.isnan(number) for (name, _), number in samples.items() if "_drift_psi" in name)
    labels = {"model": "heart", "feature": "age"}
    drift = value(metrics, "predictor_feature_drift_psi", **labels)
    assert drift > value(metrics, "predictor_feature_drift_psi_chance", **labels) > 0
    predictions = value(metrics, "predictor_prediction_drift_psi", model="heart", label="disease")
    assert predictions > value(metrics, "predictor_prediction_drift_psi_chance", model="heart", label="disease") > 0


def test_a_model_says_what_it_is_and_whether_it_answers(served: Served) -> None:
    ready = True
    metrics = Metrics([served], ready=lambda name: ready and name == "heart")
    manifest = served.bundle.manifest
    info = {"version": "7", "digest": manifest.digest, "run_id": "test", "candidate": "logistic_regression"}
    assert value(metrics, "predictor_model_info", model="heart", **info) == 1
    assert value(metrics, "predictor_model_created_timestamp_seconds", model="heart") == 1_767_225_600
    assert value(metrics, "predictor_model_threshold", model="heart") == 0.4
    assert value(metrics, "predictor_model_ready", model="heart") == 1
    ready = False
    assert value(metrics, "predictor_model_ready", model="heart") == 0


def test_a_bundle_that_does_not_say_when_it_was_made_has_no_age(served: Served) -> None:
    manifest = served.bundle.manifest.model_copy(update={"created": "last spring"})
    undated = Served("heart", replace(served.bundle, manifest=manifest))
    metrics = Metrics([undated], ready=lambda name: True)
    assert math.isnan(value(metrics, "predictor_model_created_timestamp_seconds", model="heart"))


def test_models_are_told_apart(served: Served) -> None:
    second = Served("second", served.bundle)
    metrics = Metrics([served, second], ready=lambda name: name == "heart")
    score(metrics, second)
    metrics.answered(metrics.route("second", "ready"), 200, 0.001)
    metrics.error("second", "internal")
    samples = scrape(metrics)

    def total(name: str, model: str) -> float:
        series = samples.items()
        return sum(number for (found, labels), number in series if found == name and ("model", model) in labels)

    for name in ("predictor_predictions_total", "predictor_requests_total", "predictor_errors_total"):
        assert total(name, "second") == 1
        assert total(name, "heart") == 0
    assert total("predictor_model_ready", "heart") == 1
    assert total("predictor_model_ready", "second") == 0


def test_names_follow_the_conventions_and_share_a_registry_with_kserve(metrics: Metrics) -> None:
    assert kserve.metrics.PRE_HIST_TIME
    prometheus_client.REGISTRY.register(metrics)
    try:
        families = list(text_string_to_metric_families(prometheus_client.generate_latest().decode()))
    finally:
        prometheus_client.REGISTRY.unregister(metrics)
    ours = {family.name: family for family in families if family.name.startswith("predictor_")}
    assert len(ours) == len(list(metrics.collect()))
    assert len({family.name for family in families}) == len(families)
    assert {"process_cpu_seconds", "request_predict_seconds"} <= {family.name for family in families}
    for family in ours.values():
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_ms", "_milliseconds", "_percent"))


def test_openmetrics_can_be_written_and_read(metrics: Metrics, served: Served) -> None:
    score(metrics, served)
    registry = prometheus_client.CollectorRegistry()
    registry.register(metrics)
    text = exposition.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    found = parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    families = {family.name: family.type for family in found}
    assert families["predictor_requests"] == "counter"
    assert families["predictor_request_duration_seconds"] == "histogram"
    assert families["predictor_feature_drift_psi"] == "gauge"


def test_the_training_profile_and_the_evaluation_stand_beside_what_is_live(served: Served) -> None:
    profile = served.bundle.profile
    quality = {"roc_auc": Interval(value=0.9, low=0.8, high=0.95), "brier": Interval(value=0.1, low=0.08, high=0.13)}
    measured = replace(served.bundle, profile=profile.model_copy(update={"quality": quality}))
    samples = scrape(Metrics([Served("heart", measured)], lambda name: True))

    def of(name: str, **labels: str) -> float:
        return samples[name, tuple(sorted({"model": "heart", **labels}.items()))]

    ca = next(item for item in profile.features if item.name == "ca")
    shares = [of("predictor_profile_share", feature="ca", bin=name) for name in (*ca.labels, MISSING)]
    assert shares == pytest.approx([count / 303 for count in (*ca.counts, ca.missing)])
    assert sum(shares) == pytest.approx(1)
    assert of("predictor_evaluated_quality", measure="roc_auc") == 0.9
    assert of("predictor_evaluated_quality_low", measure="roc_auc") == 0.8
    assert of("predictor_evaluated_quality_high", measure="brier") == 0.13
    assert math.isnan(of("predictor_truth_quality", measure="roc_auc"))
    assert not any("evaluated" in name for name, _ in scrape(Metrics([served], lambda name: True)))


def test_labels_become_quality_with_an_interval(served: Served) -> None:
    metrics = Metrics([served], lambda name: True, memory=Memory(minimum=2))
    account = metrics.models["heart"]
    account.answered(b"a", [0.9, 0.1, 0.3])
    account.count()
    account.truth.label([Label(b"a", 0, 1), Label(b"a", 1, 0), Label(b"b", 0, 1)])
    of_model = {"model": "heart"}
    assert value(metrics, "predictor_truth_rows_total", **of_model, actual="disease", predicted="disease") == 1
    assert value(metrics, "predictor_truth_confusion_rows", **of_model, actual="disease", predicted="no disease") == 0
    assert value(metrics, "predictor_truth_waiting_rows", **of_model) == 1
    assert value(metrics, "predictor_truth_window_rows", **of_model) == 2
    assert value(metrics, "predictor_truth_unmatched_total", **of_model) == 1
    ends = [f"predictor_truth_quality{end}" for end in ("_low", "", "_high")]
    assert [value(metrics, name, **of_model, measure="accuracy") for name in ends] == [1, 1, 1]


def test_views_of_the_page_scrapes_and_probes_are_told_apart_from_strangers(client: httpx.Client) -> None:
    def counted() -> dict[str, float]:
        text = client.get("/metrics").text
        return {
            sample.labels["route"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "predictor_requests_total"
            and (sample.labels["model"], sample.labels["status"]) == ("other", "200")
        }

    before = counted()
    for path in ("/docs", "/v2/health/live", "/v2/health/ready", "/v1/models", "/"):
        assert client.get(path).status_code == 200
    assert client.get("/docs/nothing").status_code == 404
    after = counted()
    assert {route: after[route] - before[route] for route in after} == {
        "docs": 1,
        "metrics": 1,
        "health": 2,
        "other": 2,
    }


def test_ten_thousand_odd_requests_add_no_series(client: httpx.Client, records: list[dict[str, Any]]) -> None:
    def series() -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        return {
            (sample.name, tuple(sorted(sample.labels.items())))
            for family in text_string_to_metric_families(client.get("/metrics").text)
            for sample in family.samples
        }

    generator = random.Random(4)
    before = series()
    for number in range(10_000):
        word = "".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=12))
        match number % 5:
            case 0:
                answer = client.get(f"/{word}/{number}")
            case 1:
                answer = client.post(f"/v1/models/{word}:predict", json={"instances": []})
            case 2:
                answer = client.post("/v1/models/heart:predict", json={"instances": [{**records[0], word: number}]})
            case 3:
                answer = client.request(word.upper(), "/v2/models/heart/infer", headers={"x-request-id": word})
            case _:
                answer = client.post("/v1/models/heart:truth", json={"truth": [{"id": word, "label": word}]})
        assert 400 <= answer.status_code < 500
    assert series() == before
