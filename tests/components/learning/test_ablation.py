"""What is left of a model when the features that may know the answer are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from components.learning.ablation import ablation

if TYPE_CHECKING:
    import pandas as pd

    from components.learning.effort import Effort
    from contract.schema import Contract


def test_a_feature_that_gives_the_answer_away_is_worth_nothing_once_it_is_gone(
    heart: Contract, cleveland: pd.DataFrame, tiny: Effort
) -> None:
    told = [feature.model_copy(update={"suspect": "noted after the diagnosis"}) for feature in heart.features[:12]]
    contract = heart.model_copy(update={"features": (*told, heart.features[12])})
    nonsense = cleveland.assign(num=np.random.default_rng(2).permutation(cleveland["num"]))
    found = ablation("logistic-regression", contract, nonsense, nonsense, tiny)
    assert found.features == tuple(heart.feature_names[:12])
    assert found.candidate == "logistic-regression"
    assert found.resampled.estimates["roc_auc"].value < 0.65
    assert found.held_out.rows == 303


def test_a_contract_without_features_keeps_its_others_and_its_examples(heart: Contract) -> None:
    reduced = heart.without({"thal", "ca"})
    assert reduced.feature_names == [name for name in heart.feature_names if name not in {"thal", "ca"}]
    assert all("thal" not in example.instance for example in reduced.examples)
    assert not any(example.refused for example in reduced.examples)
    assert heart.suspects == ()
