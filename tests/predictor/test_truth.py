"""Predictions meet their labels: each once, within bounds, measured as scikit-learn measures them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as peer

from contract.quality import WATCHED
from predictor.errors import InvalidSettings
from predictor.truth import Label, Memory, Truth

if TYPE_CHECKING:
    from pathlib import Path

    from predictor.served import Served

THRESHOLD = 0.4  # of the bundle


def answered(truth: Truth, probability: list[float], prefix: str = "") -> list[bytes]:
    """Requests of one row each; returns their ids."""
    identities = [f"{prefix}{number}".encode() for number in range(len(probability))]
    truth.remember([(identity, [value]) for identity, value in zip(identities, probability, strict=True)])
    return identities


def labels(identities: list[bytes], actual: list[int]) -> list[Label]:
    return [Label(identity, 0, value) for identity, value in zip(identities, actual, strict=True)]


def test_measures_are_scikit_learns_and_lie_in_their_intervals(served: Served) -> None:
    generator = np.random.default_rng(1)
    probability = generator.uniform(size=500)
    actual = (generator.uniform(size=500) < probability).astype(int)
    truth = Truth(served, Memory())
    assert truth.label(labels(answered(truth, probability.tolist()), actual.tolist())) == []
    positive = probability >= THRESHOLD
    quality = truth.quality()
    assert {name: interval.value for name, interval in quality.items()} == pytest.approx(
        {
            "roc_auc": peer.roc_auc_score(actual, probability),
            "brier": peer.brier_score_loss(actual, probability),
            "accuracy": peer.accuracy_score(actual, positive),
            "sensitivity": peer.recall_score(actual, positive),
            "specificity": peer.recall_score(actual, positive, pos_label=0),
            "precision": peer.precision_score(actual, positive),
            "f1": peer.f1_score(actual, positive),
        }
    )
    assert set(quality) == set(WATCHED)
    for interval in quality.values():
        assert interval.low < interval.value < interval.high
        assert interval.high - interval.low < 0.15
    expected = peer.confusion_matrix(actual, positive)
    assert truth.confusion.tolist() == expected.tolist()
    assert truth.window_confusion().tolist() == expected.tolist()


def test_quality_is_told_from_the_minimum_on_and_of_the_newest_rows_only(served: Served) -> None:
    truth = Truth(served, Memory(window=20, minimum=10))
    good = answered(truth, [0.1, 0.9] * 20, "good")
    truth.label(labels(good[:9], ([0, 1] * 20)[:9]))
    assert truth.quality() == {}
    truth.label(labels(good[9:], ([0, 1] * 20)[9:]))
    assert truth.quality()["roc_auc"].value == 1.0
    assert truth.window_rows == 20
    truth.label(labels(answered(truth, [0.1, 0.9] * 10, "bad"), [1, 0] * 10))
    assert truth.quality()["roc_auc"].value == 0.0
    assert truth.confusion.sum() == 60


def test_one_class_leaves_undefined_what_it_must(served: Served) -> None:
    truth = Truth(served, Memory(minimum=1))
    truth.label(labels(answered(truth, [0.9, 0.8]), [1, 1]))
    quality = truth.quality()
    assert np.isnan(quality["roc_auc"].value)
    assert quality["accuracy"].value == quality["sensitivity"].value == 1.0


def test_rows_of_a_request_are_told_apart_and_each_counts_once(served: Served) -> None:
    truth = Truth(served, Memory())
    truth.remember([(b"batch", [0.1, 0.9, 0.5])])
    second, strange, negative = Label(b"batch", 1, 1), Label(b"batch", 3, 1), Label(b"who", 0, 1)
    assert truth.label([second, strange, negative, second]) == [strange, negative, second]
    assert truth.unmatched == 3
    assert truth.waiting_rows == 2
    assert truth.label([Label(b"batch", 0, 0), Label(b"batch", 2, 0)]) == []
    assert truth.waiting_rows == 0
    assert truth.confusion.tolist() == [[1, 1], [0, 1]]
    assert truth.label([second]) == [second]


def test_a_row_that_another_process_answered_brings_its_probability(served: Served) -> None:
    truth = Truth(served, Memory())
    truth.remember([(b"here", [0.9])])
    assert truth.label([Label(b"there", 0, 0, 0.2), Label(b"here", 0, 1, 0.1)]) == []
    assert truth.confusion.tolist() == [[1, 0], [0, 1]]


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first(served: Served) -> None:
    truth = Truth(served, Memory(rows=100))
    for number in range(500):
        truth.remember([(b"%d" % number, [0.5] * (number % 7 + 1))])
        assert truth.waiting_rows < 100 + 7
    newest = Label(b"499", 0, 1)
    assert truth.label([Label(b"0", 0, 1), newest]) == [Label(b"0", 0, 1)]
    for number in range(500, 900):
        truth.remember([(b"%d" % number, [0.5] * (number % 7 + 1))])
        truth.label([Label(b"%d" % number, 0, 1)])
        assert truth.waiting_rows <= 100
    truth.remember([(b"huge", [0.5] * 1_000)])
    assert truth.waiting_rows == 1_000
    truth.remember([(b"one", [0.5] * 100)])
    assert truth.waiting_rows == 100
    assert truth.label([newest, Label(b"one", 99, 1)]) == [newest]


def test_of_two_requests_with_one_id_the_later_counts(served: Served) -> None:
    truth = Truth(served, Memory())
    truth.remember([(b"again", [0.1, 0.1]), (b"again", [0.9])])
    truth.label([Label(b"again", 0, 1)])
    assert truth.waiting_rows == 0
    assert truth.confusion[1, 1] == 1


def test_nothing_is_remembered_where_that_is_switched_off(served: Served) -> None:
    truth = Truth(served, Memory(rows=0))
    assert answered(truth, [0.5])
    assert truth.waiting_rows == 0


def test_both_kinds_of_rows_outlive_a_process(served: Served, tmp_path: Path) -> None:
    memory = Memory(minimum=1, path=tmp_path)
    first = Truth(served, memory)
    first.remember([(b"labelled", [0.9, 0.1]), (b"open\xe9", [0.7])])
    first.label([Label(b"labelled", 0, 1), Label(b"labelled", 1, 0)])
    quality = dict(first.quality())
    # No close: it was killed.
    second = Truth(served, memory)
    assert second.quality() == quality
    assert (second.window_rows, second.waiting_rows) == (2, 1)
    again = Label(b"labelled", 0, 1)
    assert second.label([Label(b"open\xe9", 0, 1), again]) == [again]
    first.close()
    second.close()
    assert {path.name for path in tmp_path.rglob("*.jsonl")} == {"predictions.jsonl", "labels.jsonl"}


def test_another_bundle_does_not_inherit_the_rows(served: Served, tmp_path: Path) -> None:
    from dataclasses import replace

    first = Truth(served, Memory(path=tmp_path))
    answered(first, [0.5])
    manifest = served.bundle.manifest.model_copy(update={"digest": "f" * 64})
    other = Truth(replace(served, bundle=replace(served.bundle, manifest=manifest)), Memory(path=tmp_path))
    assert other.waiting_rows == 0
    first.close()
    other.close()


def test_a_window_that_can_never_tell_is_refused() -> None:
    with pytest.raises(InvalidSettings, match=r"from 30 labelled rows on, but the window holds only 20; lower"):
        Memory(window=20, minimum=30)
