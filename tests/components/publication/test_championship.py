from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from components.learning.candidates import CANDIDATES
from components.publication import championship
from components.publication.championship import Duel, duel, obstacle
from components.table import encode, target
from contract.bundle import Bundle, load_bundle
from contract.quality import bootstrap_weights
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    import pandas as pd

    from components.learning.effort import Effort
    from contract.schema import Contract
    from tests.conftest import FinishedRun


@pytest.fixture(scope="module")
def artifacts(finished: FinishedRun) -> Artifacts:
    return Artifacts(finished)


@pytest.fixture(scope="module")
def good(finished: FinishedRun) -> Bundle:
    return load_bundle(finished.bundle)


@pytest.fixture(scope="module")
def crippled(artifacts: Artifacts, tiny: Effort, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that learnt from shuffled labels."""
    shuffled = artifacts.training.assign(num=artifacts.training["num"].sample(frac=1, random_state=0).to_numpy())
    directory = tmp_path_factory.mktemp("crippled") / "bundle"
    return load_bundle(artifacts.bundle_of(CANDIDATES["decision-tree"], tiny, directory, shuffled))


def with_contract(bundle: Bundle, **change: Any) -> Bundle:
    return replace(bundle, contract=bundle.contract.model_copy(update=change))


def on(bundle: Bundle, metric: str) -> Bundle:
    return with_contract(bundle, decision=bundle.contract.decision.model_copy(update={"metric": metric}))


@pytest.mark.parametrize(
    ("metric", "score"),
    [
        ("roc_auc", lambda labels, values, weights: roc_auc_score(labels, values, sample_weight=weights)),
        ("brier", lambda labels, values, weights: brier_score_loss(labels, values, sample_weight=weights)),
    ],
)
def test_its_numbers_are_scikit_learns(
    good: Bundle,
    crippled: Bundle,
    artifacts: Artifacts,
    monkeypatch: pytest.MonkeyPatch,
    metric: str,
    score: Any,
) -> None:
    monkeypatch.setattr(championship, "RESAMPLES", 200)
    found = duel(on(good, metric), crippled, artifacts.held_out)
    labels = target(artifacts.contract, artifacts.held_out)
    matrix = encode(artifacts.contract, artifacts.held_out).matrix
    first, second = (bundle.scorer(matrix).probability for bundle in (good, crippled))
    (drawn,) = bootstrap_weights(labels, 200)
    gaps = [score(labels, first, weights) - score(labels, second, weights) for weights in drawn]
    assert (found.metric, found.rows) == (metric, len(labels))
    assert found.challenger == pytest.approx(score(labels, first, None))
    assert found.champion == pytest.approx(score(labels, second, None))
    assert found.difference == pytest.approx(found.challenger - found.champion)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(gaps, [0.025, 0.975])))


@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc", "brier", "log_loss", "accuracy", "f1"])
def test_the_better_one_wins_whichever_way_the_metric_points(
    good: Bundle, crippled: Bundle, artifacts: Artifacts, metric: str
) -> None:
    won = duel(on(good, metric), crippled, artifacts.held_out)
    lost = duel(on(crippled, metric), good, artifacts.held_out)
    assert not won.worse
    assert lost.worse
    assert won.difference == -lost.difference
    assert won.low <= won.difference <= won.high
    assert (won.difference < 0) is (metric in {"brier", "log_loss"})


def test_an_equal_challenger_is_not_worse(good: Bundle, artifacts: Artifacts) -> None:
    found = duel(good, good, artifacts.held_out)
    assert (found.difference, found.low, found.high, found.worse) == (0.0, 0.0, 0.0, False)


def test_it_reads_as_a_sentence() -> None:
    item = Duel(
        metric="roc_auc",
        rows=61,
        challenger=0.9,
        champion=0.925,
        difference=-0.025,
        low=-0.06,
        high=0.011,
        worse=True,
        same_origin=True,
    )
    text = (
        "ROC-AUC 0.9000 against the champion's 0.9250 on the same 61 held-out rows"
        " (difference -0.0250 [-0.0600, +0.0110])"
    )
    assert str(item) == text
    caveat = "; the champion learnt from another table or split, and may know them"
    assert str(item.model_copy(update={"same_origin": False})) == text + caveat


def test_it_knows_whether_both_learnt_from_the_same_split(good: Bundle, artifacts: Artifacts) -> None:
    other_table = replace(good, manifest=good.manifest.model_copy(update={"data_sha256": "0" * 64}))
    other_split = with_contract(good, split=good.contract.split.model_copy(update={"seed": 7}))
    assert duel(good, good, artifacts.held_out).same_origin
    assert not duel(good, other_table, artifacts.held_out).same_origin
    assert not duel(good, other_split, artifacts.held_out).same_origin


def renamed(contract: Contract) -> dict[str, Any]:
    first, *others = contract.features
    return {"features": (first.model_copy(update={"name": "years"}), *others)}


def recoded(contract: Contract) -> dict[str, Any]:
    """Chest pain from 0, as in the copies that circulate."""
    changed = [
        feature.model_copy(
            update={
                "categories": tuple(
                    item.model_copy(update={"value": int(item.value) - 1}) for item in feature.categories
                )
            }
        )
        if feature.name == "cp" and feature.kind == "categorical"
        else feature
        for feature in contract.features
    ]
    return {"features": tuple(changed)}


def turned(contract: Contract) -> dict[str, Any]:
    return {"target": contract.target.model_copy(update={"positive": "no disease"})}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (renamed, "it needs years, which the table doesn't have"),
        (turned, "it predicts another target"),
        (recoded, "its contract refuses {asymptomatic} held-out rows (row "),
    ],
)
def test_what_can_not_be_compared(good: Bundle, artifacts: Artifacts, change: Any, reason: str) -> None:
    asymptomatic = int((artifacts.held_out["cp"] == 4).sum())
    found = obstacle(good, with_contract(good, **change(good.contract)), artifacts.held_out)
    assert found is not None
    assert found.startswith(reason.format(asymptomatic=asymptomatic))
    assert obstacle(good, good, artifacts.held_out) is None


def test_rows_of_one_class_compare_nothing(good: Bundle, artifacts: Artifacts) -> None:
    healthy: pd.DataFrame = artifacts.held_out[artifacts.held_out["num"] == 0]
    assert obstacle(good, good, healthy) == "the held-out rows don't have all classes"
