from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix, roc_auc_score

from components.learning import judgement
from components.learning.evaluation import CandidateEvaluation
from components.learning.fitting import calibrated_of, probability_of
from components.learning.judgement import SMALLEST_SLICE, Judge
from contract.features import CategoricalFeature
from contract.scorer import decided

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from components.learning.fitting import Estimator, Fitted
    from components.learning.rows import Rows
    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]
    Labels = npt.NDArray[np.int64]

Parts = dict[tuple[str, str], Any]


@pytest.fixture
def slices(judged: CandidateEvaluation) -> Parts:
    return {(item.feature, item.label): item for item in judged.slices}


def test_the_held_out_rows_are_predicted_by_the_estimator(
    judged: CandidateEvaluation, judge: Judge, fitted: Callable[[str], Fitted]
) -> None:
    found = fitted("logistic-regression")
    probability = found.probability(judge.held_out.matrix)
    assert judged.held_out.probabilities == tuple(probability)
    assert judged.held_out.labels == tuple(judge.held_out.labels)
    counts = judged.held_out.confusion
    assert [
        [counts.true_negative, counts.false_positive],
        [counts.false_negative, counts.true_positive],
    ] == confusion_matrix(judge.held_out.labels, decided(probability, found.threshold)).tolist()


def test_every_site_is_measured(judged: CandidateEvaluation, judge: Judge) -> None:
    assert {site: sample.rows for site, sample in judged.external.items()} == {
        site: len(rows.labels) for site, rows in judge.external.items()
    }
    hungarian = judged.external["hungarian"]
    assert hungarian.estimates["roc_auc"].value == pytest.approx(
        roc_auc_score(hungarian.labels, hungarian.probabilities)
    )
    assert hungarian.estimates["roc_auc"].value > 0.8


def test_the_out_of_fold_sample_is_what_cross_validation_predicted(
    judged: CandidateEvaluation, judge: Judge, rows: Rows
) -> None:
    assert judged.out_of_fold.rows == len(rows.labels)
    assert judged.out_of_fold.estimates["sensitivity"].value == pytest.approx(
        judged.out_of_fold.confusion.true_positive / judged.out_of_fold.positives
    )


def test_slices_are_the_rows_of_a_category(slices: Parts, judged: CandidateEvaluation, rows: Rows) -> None:
    women = rows.matrix[:, 1] == 0
    found = slices["sex", "female"]
    assert found.class_counts == tuple(np.bincount(rows.labels[women]))
    assert found.rows == 97
    probability = np.array(judged.out_of_fold.probabilities)
    assert found.estimates["roc_auc"].value == pytest.approx(roc_auc_score(rows.labels[women], probability[women]))
    assert slices["sex", "male"].rows == 206


def test_numbers_are_cut_at_their_median_and_booleans_are_yes_or_no(slices: Parts, rows: Rows) -> None:
    middle = np.median(rows.matrix[:, 0])
    assert slices["age", f"below {middle:g}"].rows == (rows.matrix[:, 0] < middle).sum()
    assert slices["age", f"{middle:g} and above"].rows == (rows.matrix[:, 0] >= middle).sum()
    assert slices["exang", "no"].rows + slices["exang", "yes"].rows == 303


def test_parts_too_small_for_a_number_are_left_out(slices: Parts) -> None:
    assert ("restecg", "ST-T wave abnormality") not in slices  # 4 rows
    assert ("thal", "fixed defect") not in slices  # 18 rows
    assert ("ca", "three") in slices  # 20 rows
    assert min(item.rows for item in slices.values()) == SMALLEST_SLICE


def test_parts_of_one_class_and_features_without_values_are_left_out(
    judge: Judge, evaluate: Callable[..., CandidateEvaluation], rows: Rows
) -> None:
    matrix = rows.matrix.copy()
    matrix[:, 1] = rows.labels  # every man is ill, no woman is
    matrix[:, 4] = np.nan
    found = evaluate(replace(judge, training=replace(rows, matrix=matrix)))
    assert {item.feature for item in found.slices}.isdisjoint({"sex", "chol"})
    assert {item.feature for item in found.slices} > {"age", "cp"}


def test_coefficients_explain_the_log_odds_under_names_that_people_know(
    judged: CandidateEvaluation, rows: Rows, fitted: Callable[[str], Fitted], heart: Contract
) -> None:
    found = fitted("logistic-regression")
    prepare = calibrated_of(found.estimator).estimator.named_steps["prepare"]
    labels = {
        (item.name, str(category.value)): f"{item.name}: {category.label}"
        for item in heart.features
        if isinstance(item, CategoricalFeature)
        for category in item.categories
    }
    named = [name.partition("=")[::2] for name in prepare.fitted.layout.columns]
    expected = [labels[feature, code] if code else feature for feature, code in named]
    assert {"age", "exang", "sex: male", "cp: asymptomatic", "thal: reversible defect"} < set(expected)
    assert {item.kind for item in judged.importances} == {"coefficient"}
    weights = {item.name: item.value for item in judged.importances}
    assert set(weights) == set(expected)

    probability = found.probability(rows.matrix)
    explained = prepare.transform(rows.matrix) @ [weights[name] for name in expected]
    rest = np.log(probability / (1 - probability)) - explained
    assert rest == pytest.approx(np.full(303, rest[0]), abs=1e-6)


def test_importances_stand_in_order_of_size(judged: CandidateEvaluation) -> None:
    sizes = [abs(item.value) for item in judged.importances]
    assert sizes == sorted(sizes, reverse=True)


def test_what_has_no_coefficients_is_judged_by_shuffling_features(
    judge: Judge, evaluate: Callable[..., CandidateEvaluation], fitted: Callable[[str], Fitted], heart: Contract
) -> None:
    found = evaluate(judge, "decision-tree").importances
    assert {item.kind for item in found} == {"permutation"}
    assert {item.name for item in found} == set(heart.feature_names)
    pipeline = calibrated_of(fitted("decision-tree").estimator).estimator
    columns = pipeline.named_steps["prepare"].fitted.layout.columns
    asked = pipeline.named_steps["model"].feature_importances_ > 0
    used = {name.partition("=")[0] for name, is_asked in zip(columns, asked, strict=True) if is_asked}
    # ca and thal have gaps, which are filled from the other features.
    unused = {item.name: item.value for item in found if item.name not in used}
    assert unused
    assert max(abs(value) for value in unused.values()) < 0.01
    assert found[0].name in used
    assert found[0].value > 0.05


def test_importances_are_scikit_learns_though_only_what_shuffling_changes_is_predicted_again(
    judge: Judge,
    evaluate: Callable[..., CandidateEvaluation],
    fitted: Callable[[str], Fitted],
    rows: Rows,
    heart: Contract,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimator = fitted("decision-tree").estimator
    expected = permutation_importance(
        estimator, rows.matrix, rows.labels, scoring="roc_auc", n_repeats=5, random_state=0
    )
    predicted = []

    def counted(estimator: Estimator, matrix: Floats) -> Floats:
        predicted.append(len(matrix))
        return probability_of(estimator, matrix)

    monkeypatch.setattr(judgement, "probability_of", counted)
    found = {item.name: item.value for item in evaluate(judge, "decision-tree").importances}
    assert found == dict(zip(heart.feature_names, expected.importances_mean, strict=True))
    shuffled = predicted[-5 * len(heart.features) :]
    binary = shuffled[5:10]  # sex: two rows drawn at random differ in .44 of all cases
    assert np.mean(binary) == pytest.approx(0.44 * 303, rel=0.15)
    assert sum(shuffled) < 0.75 * 303 * len(shuffled)


def test_of_many_rows_equally_many_of_each_class_are_shuffled(
    judge: Judge, evaluate: Callable[..., CandidateEvaluation], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = []

    def remembered(estimator: Estimator, matrix: Floats, labels: Labels, **options: Any) -> Any:
        known.append((matrix, labels, options["n_repeats"]))
        return permutation_importance(estimator, matrix, labels, **options)

    monkeypatch.setattr(judgement, "permutation_importance", remembered)
    evaluate(judge, "decision-tree")
    monkeypatch.setattr(judgement, "MOST_SHUFFLED", 100)
    found = evaluate(judge, "decision-tree").importances
    (everything, _, _), (matrix, labels, repeats) = known
    np.testing.assert_array_equal(everything, judge.training.matrix)
    assert np.bincount(labels).tolist() == [50, 50]
    assert repeats == 2
    assert {row.tobytes() for row in matrix} <= {row.tobytes() for row in judge.training.matrix}
    assert found[0].value > 0.05


def test_one_class_at_a_site_leaves_numbers_undefined_and_the_rest_sound(
    judge: Judge, evaluate: Callable[..., CandidateEvaluation]
) -> None:
    site = judge.external["hungarian"]
    ill = site.take(np.flatnonzero(site.labels == 1))
    found = evaluate(replace(judge, external={"hospice": ill}))
    again = CandidateEvaluation.model_validate_json(found.model_dump_json())
    estimates = again.external["hospice"].estimates
    assert math.isnan(estimates["roc_auc"].value)
    assert math.isnan(estimates["specificity"].value)
    assert 0 < estimates["sensitivity"].value <= 1
