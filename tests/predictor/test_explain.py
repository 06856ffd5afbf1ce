"""Contributions are Shapley values of the served model: checked against closed forms and against every order."""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier

from contract.bundle import Bundle
from contract.errors import RequestRefused
from contract.profile import profile_of
from contract.scorer import Calibration, Scorer
from contract.transform import Transform
from predictor import v1
from predictor.errors import MalformedRequest
from predictor.explain import CLIPPED, EVALUATIONS, ROWS, answer, attribute, log_odds, typical_row
from predictor.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Worth = Callable[[Floats], Floats]
    Record = dict[str, Any]

CLEVELAND = Path(__file__).parents[2] / "datasets" / "heart" / "cleveland.csv"
PLATT = Calibration(method="sigmoid", slope=-1.7, intercept=0.4)
FLOAT32 = 1e-5  # what the log-odds of a model in float32 may be off by


def explained(served: Served, *instances: Record | list[Any]) -> dict[str, Any]:
    content = orjson.loads(answer(served, orjson.dumps({"instances": instances})))
    assert isinstance(content, dict)
    return content


def contributions(served: Served, instance: Record) -> dict[str, float]:
    (explanation,) = explained(served, instance)["explanations"]
    found: dict[str, float] = explanation["contributions"]
    return found


def with_scorer(served: Served, scorer: Scorer) -> Served:
    return Served(served.name, replace(served.bundle, scorer=scorer))


def transform_of(bundle: Bundle) -> Transform:
    return Transform.model_validate_json((bundle.directory / "transform.json").read_bytes())


def cleveland(served: Served) -> tuple[Floats, list[int]]:
    with CLEVELAND.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [feature.name for feature in served.features]
    values = [[None if row[name] == "?" else float(row[name]) for name in names] for row in rows]
    return served.encoder.from_arrays(values).matrix, [int(row["num"] != "0") for row in rows]


@pytest.fixture(scope="session")
def platt(served: Served) -> Served:
    """The logistic regression under a calibration that isn't the identity."""
    rule = served.bundle.scorer.rule.model_copy(update={"calibration": PLATT})
    model = (served.bundle.directory / "model.onnx").read_bytes()
    return with_scorer(served, Scorer(transform_of(served.bundle), model, rule))


@pytest.fixture(scope="session")
def forest(served: Served) -> Served:
    """A forest in the place of the logistic regression: features interact, in more than pairs."""
    matrix, target = cleveland(served)
    transform = transform_of(served.bundle)
    rows = transform.compile()(matrix)
    estimator = RandomForestClassifier(20, random_state=0).fit(rows, target)
    rule = served.bundle.scorer.rule.model_copy(
        update={"calibration": Calibration(method="sigmoid", slope=-5.0, intercept=2.5)}
    )
    model = to_onnx(estimator, rows[:1], options={"zipmap": False}).SerializeToString()
    return with_scorer(served, Scorer(transform, model, rule))


def by_every_order(worth: Worth, baseline: Floats, row: Floats, players: list[int]) -> Floats:
    """Shapley's definition: the mean gain of each player over all orders in which they may come."""
    subsets = [set(subset) for size in range(len(players) + 1) for subset in itertools.combinations(players, size)]
    rows = np.array([[row[at] if at in subset else baseline[at] for at in range(len(row))] for subset in subsets])
    values = dict(zip(map(frozenset, subsets), worth(rows).tolist(), strict=True))
    total = np.zeros(len(row))
    orders = list(itertools.permutations(players))
    for order in orders:
        for place, player in enumerate(order):
            total[player] += values[frozenset(order[: place + 1])] - values[frozenset(order[:place])]
    return total / len(orders)


def worth_of(served: Served) -> Worth:
    return lambda rows: log_odds(served.bundle.scorer(rows).probability)


def test_a_linear_model_gets_coefficient_times_difference(platt: Served, records: list[Record]) -> None:
    """Grouped by feature: the indicators of a category move together."""
    estimator = skops.io.load(platt.bundle.directory / "model.skops")
    transform = transform_of(platt.bundle)
    record = records[0]
    assert None not in record.values()
    baseline = typical_row(platt.bundle.profile, platt.features)
    row = platt.encoder.from_records([record]).matrix[0]
    change = transform.compile()(row[None])[0].astype(float) - transform.compile()(baseline[None])[0]
    expected = dict.fromkeys((feature.name for feature in platt.features), 0.0)
    for column, coefficient, difference in zip(transform.layout.columns, estimator.coef_[0], change, strict=True):
        expected[column.split("=")[0]] += -PLATT.slope * coefficient * difference
    assert contributions(platt, record) == pytest.approx(expected, abs=FLOAT32)
    assert max(map(abs, expected.values())) > 1


def test_a_forest_gets_the_mean_over_every_order(forest: Served) -> None:
    baseline = typical_row(forest.bundle.profile, forest.features)
    matrix, _ = cleveland(forest)
    players = [0, 2, 7, 9, 11, 12]
    interacting = 0
    for patient in matrix[:5]:
        row = baseline.copy()
        row[players] = patient[players]
        found = attribute(worth_of(forest), baseline, row)
        expected = by_every_order(worth_of(forest), baseline, row, players)
        assert found.contributions == pytest.approx(expected, abs=1e-9)
        assert found.standard_error == 0
        one_by_one = np.tile(baseline, (len(players), 1))
        one_by_one[range(len(players)), players] = row[players]
        alone = worth_of(forest)(one_by_one) - found.baseline
        interacting += bool(np.abs(alone - expected[players]).max() > 0.01)
    assert interacting >= 3


def test_missing_is_a_value_like_any_other(forest: Served) -> None:
    baseline = typical_row(forest.bundle.profile, forest.features)
    row = baseline.copy()
    players = [7, 9, 11, 12]
    row[players] = [120, np.nan, 2, np.nan]
    found = attribute(worth_of(forest), baseline, row)
    assert found.contributions == pytest.approx(by_every_order(worth_of(forest), baseline, row, players), abs=1e-9)
    assert found.contributions[9] != 0
    assert found.contributions[12] != 0
    never_recorded = np.where(np.isin(range(len(row)), [9]), np.nan, baseline)
    assert attribute(worth_of(forest), never_recorded, row).contributions[9] == 0


@pytest.mark.parametrize("model", ["served", "platt", "forest"])
def test_contributions_add_up_to_the_prediction(
    model: str, records: list[Record], request: pytest.FixtureRequest
) -> None:
    served: Served = request.getfixturevalue(model)
    content = explained(served, *records)
    for explanation in content["explanations"]:
        total = content["baseline"]["log_odds"] + sum(explanation["contributions"].values())
        assert total == pytest.approx(explanation["log_odds"], abs=FLOAT32)
        assert 1 / (1 + np.exp(-explanation["log_odds"])) == pytest.approx(explanation["probability"], abs=FLOAT32)


def test_an_explanation_is_of_the_prediction_served(forest: Served, records: list[Record]) -> None:
    scored = forest.bundle.scorer(v1.encode(forest, records).matrix)
    explanations = explained(forest, *records)["explanations"]
    found = [explanation["probability"] for explanation in explanations]
    assert found == pytest.approx(scored.probability.tolist(), abs=1e-6)
    labels = [forest.labels[decision] for decision in scored.decided.tolist()]
    assert [explanation["label"] for explanation in explanations] == labels
    assert set(labels) == set(forest.labels)


def test_an_answer_has_everything_in_contract_terms(served: Served, records: list[Record]) -> None:
    content = explained(served, records[0])
    (explanation,) = content.pop("explanations")
    assert list(explanation) == ["label", "probability", "log_odds", "contributions", "standard_error"]
    assert list(explanation["contributions"]) == served.bundle.contract.feature_names
    baseline = content.pop("baseline")
    assert list(baseline) == ["values", "probability", "log_odds"]
    assert orjson.dumps(baseline["values"]) == (
        b'{"age":56,"sex":1,"cp":4,"trestbps":130,"chol":241,"fbs":false,"restecg":0,"thalach":153,"exang":false,'
        b'"oldpeak":0.8,"slope":1,"ca":0,"thal":3}'
    )
    assert content == {
        "method": {
            "name": "Shapley values",
            "scale": "log-odds",
            "positive": "disease",
            "baseline": "median or commonest value of each feature in training",
            "evaluations": EVALUATIONS,
        },
        "model_name": "heart",
        "model_version": "7",
    }


def test_the_baseline_itself_has_nothing_to_explain(forest: Served, records: list[Record]) -> None:
    baseline = explained(forest, records[0])["baseline"]
    (explanation,) = explained(forest, baseline["values"])["explanations"]
    assert set(explanation["contributions"].values()) == {0}
    assert explanation["log_odds"] == pytest.approx(baseline["log_odds"], abs=FLOAT32)
    assert explanation["probability"] == pytest.approx(baseline["probability"], abs=FLOAT32)


def test_a_feature_never_recorded_is_missing_in_the_baseline(forest: Served, records: list[Record]) -> None:
    matrix, _ = cleveland(forest)
    matrix[:, [7, 12]] = np.nan
    profile = profile_of(forest.features, matrix, np.full(len(matrix), 0.5), forest.labels)
    unrecorded = Served(forest.name, replace(forest.bundle, profile=profile))
    values = explained(unrecorded, records[0])["baseline"]["values"]
    assert [name for name, value in values.items() if value is None] == ["thalach", "thal"]
    assert contributions(unrecorded, {**records[0], "thalach": None})["thalach"] == 0
    assert contributions(unrecorded, records[0])["thalach"] != 0


def test_a_feature_as_in_the_baseline_contributes_nothing(forest: Served, records: list[Record]) -> None:
    values = explained(forest, records[0])["baseline"]["values"]
    found = contributions(forest, {**values, "cp": 1, "thalach": 100})
    assert {name for name, value in found.items() if value} == {"cp", "thalach"}


def test_a_row_gets_the_same_explanation_in_any_company(forest: Served, records: list[Record]) -> None:
    alone = [explained(forest, record)["explanations"][0] for record in records]
    together = explained(forest, *reversed(records), *records)["explanations"]
    assert together == [*reversed(alone), *alone]
    arrays = [[record[name] for name in forest.bundle.contract.feature_names] for record in records]
    assert explained(forest, *arrays)["explanations"] == alone


def test_certain_probabilities_have_bounded_log_odds(served: Served, records: list[Record]) -> None:
    rule = served.bundle.scorer.rule.model_copy(
        update={"calibration": Calibration(method="sigmoid", slope=-500.0, intercept=0.0)}
    )
    model = (served.bundle.directory / "model.onnx").read_bytes()
    content = explained(with_scorer(served, Scorer(transform_of(served.bundle), model, rule)), *records)
    bound = np.log((1 - CLIPPED) / CLIPPED)
    found = [explanation["log_odds"] for explanation in content["explanations"]]
    assert np.abs(found) == pytest.approx([bound] * len(records))
    for explanation in content["explanations"]:
        total = content["baseline"]["log_odds"] + sum(explanation["contributions"].values())
        assert total == pytest.approx(explanation["log_odds"], abs=1e-9)


def test_log_odds_undo_the_calibration() -> None:
    scores = np.linspace(-15, 15, 61)
    identity = Calibration(method="sigmoid", slope=-1.0, intercept=0.0)
    assert log_odds(identity(scores)) == pytest.approx(scores, abs=1e-7)
    assert log_odds(np.array([0.0, 1.0])) == pytest.approx([-20.7232658, 20.7232658])


def test_more_rows_than_the_limit_are_refused_before_any_is_explained(served: Served, records: list[Record]) -> None:
    assert len(explained(served, *records[:1] * ROWS)["explanations"]) == ROWS
    with pytest.raises(MalformedRequest) as refused:
        explained(served, *records[:1] * (ROWS + 1))
    assert str(refused.value) == "the request holds 101 rows, at most 100 can be explained at once; send it in parts"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"instances": {}}',
        b'{"instances": []}',
        b'{"instances": [1]}',
        b'{"instances": [[1], {}]}',
        b'{"instances": [[1]]}',
        b'{"instances": [{"age": 756}]}',
        b'{"instances": [], "instances": []}',
    ],
)
def test_what_cannot_be_predicted_cannot_be_explained(served: Served, body: bytes) -> None:
    with pytest.raises((MalformedRequest, RequestRefused)) as by_predict:
        v1.encode(served, v1.parse(body))
    with pytest.raises(by_predict.type) as by_explain:
        answer(served, body)
    assert str(by_explain.value) == str(by_predict.value)


NUMBERS = st.lists(st.integers(30, 80) | st.just(40), min_size=1, max_size=80)


@given(numbers=NUMBERS, missing=st.integers(0, 5), categories=st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_the_typical_row_is_the_median_or_the_commonest(
    served: Served, numbers: list[int], missing: int, categories: list[int]
) -> None:
    rows = max(len(numbers) + missing, len(categories))
    matrix = np.full((rows, len(served.features)), np.nan)
    matrix[: len(numbers), 0] = numbers
    matrix[: len(categories), 2] = categories
    found = typical_row(profile_of(served.features, matrix, np.full(rows, 0.5), served.labels), served.features)
    assert found[0] == np.quantile(numbers, 0.5, method="inverted_cdf")
    assert found[2] == np.bincount(categories).argmax()
    assert np.isnan(np.delete(found, [0, 2])).all()


def random_game(rng: np.random.Generator, features: int) -> Worth:
    """Interactions of any order: products of saturated sums."""
    first, second, third = (rng.normal(size=(features, 4)) for _ in range(3))
    return lambda rows: (np.tanh(rows @ first) * np.tanh(rows @ second) + np.sin(rows @ third)).sum(axis=1)


def test_an_additive_model_is_exact_with_any_number_of_features() -> None:
    rng = np.random.default_rng(1)
    baseline, row, slopes = rng.normal(size=(3, 40))
    found = attribute(lambda rows: rows @ slopes + np.exp(rows[:, 0]), baseline, row)
    expected = slopes * (row - baseline)
    expected[0] += np.exp(row[0]) - np.exp(baseline[0])
    assert found.contributions == pytest.approx(expected, abs=1e-9)
    assert found.standard_error < 1e-9


def test_interactions_in_pairs_are_exact_with_any_number_of_features() -> None:
    """A pair's product is shared equally: the mean of an order and its reverse gets that right."""
    rng = np.random.default_rng(2)
    row = rng.normal(size=30)
    pairs = np.triu(rng.normal(size=(30, 30)), 1)
    found = attribute(lambda rows: np.einsum("ni,ij,nj->n", rows, pairs, rows), np.zeros(30), row)
    products = pairs * np.outer(row, row)
    assert found.contributions == pytest.approx((products.sum(axis=0) + products.sum(axis=1)) / 2, abs=1e-9)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sampled_contributions_are_as_close_as_they_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = random_game(rng, 14)
    baseline, row = rng.normal(size=(2, 14))
    exact = attribute(worth, baseline, row, evaluations=2**14)
    sampled = attribute(worth, baseline, row)
    assert exact.standard_error == 0 < sampled.standard_error
    assert np.abs(sampled.contributions - exact.contributions).max() < 4 * sampled.standard_error
    assert attribute(worth, baseline, row).contributions.tolist() == sampled.contributions.tolist()
    coarse = attribute(worth, baseline, row, evaluations=300)
    assert coarse.standard_error > 2 * sampled.standard_error
    for found in (exact, sampled, coarse):
        assert found.baseline + found.contributions.sum() == pytest.approx(found.prediction, abs=1e-9)


@pytest.mark.parametrize("features", [1, 12, 13, 14, 40, 500])
def test_a_row_costs_no_more_evaluations_than_allowed(features: int) -> None:
    calls: list[int] = []

    def worth(rows: Floats) -> Floats:
        calls.append(len(rows))
        total: Floats = rows.prod(axis=1)
        return total

    attribute(worth, np.zeros(features), np.ones(features))
    (evaluations,) = calls
    assert evaluations == 2**features if features <= 13 else EVALUATIONS / 2 < evaluations <= EVALUATIONS
