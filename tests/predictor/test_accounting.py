"""Numbers kept as they come and counted in bulk: nothing is lost, nothing piles up."""

from __future__ import annotations

import math
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from contract.errors import Violation
from contract.features import BooleanFeature, CategoricalFeature
from contract.scorer import Answer
from predictor.accounting import PENDING, SECONDS, STATUSES, Histogram, ModelAccount, RequestAccount, take
from predictor.drift import Window
from predictor.truth import Memory

if TYPE_CHECKING:
    from contract.scorer import Floats
    from predictor.served import Served


def random_rows(served: Served, size: int, seed: int) -> Floats:
    """Rows that the contract answers, evenly over everything that it allows; one value in twenty is missing."""
    rng = np.random.default_rng(seed)
    columns = []
    for feature in served.features:
        match feature:
            case CategoricalFeature():
                column = rng.integers(0, len(feature.values), size).astype(float)
            case BooleanFeature():
                column = rng.integers(0, 2, size).astype(float)
            case _:
                column = rng.uniform(feature.range.min, feature.range.max, size)
        columns.append(np.where(rng.random(size) < 0.05, np.nan, column))
    return np.stack(columns, axis=1)


@pytest.fixture
def account(served: Served) -> ModelAccount:
    return ModelAccount(served, Window(), Memory())


def test_a_histogram_counts_each_value_in_the_first_bucket_that_holds_it() -> None:
    histogram = Histogram((0.1, 0.5, 1), series=2)
    histogram.observe([0.1, 0.1000001, 0.5, 7, 0], np.array([0, 0, 0, 0, 1]))
    histogram.observe([0.2], 1)
    assert histogram.buckets(0) == [("0.1", 1), ("0.5", 3), ("1.0", 3), ("+Inf", 4)]
    assert histogram.buckets(1) == [("0.1", 1), ("0.5", 2), ("1.0", 2), ("+Inf", 2)]
    assert histogram.sums.tolist() == pytest.approx([7.7000001, 0.2])


def test_requests_are_counted_by_route_and_status_and_timed_by_route() -> None:
    account = RequestAccount(3)
    rng = np.random.default_rng(0)
    entries = [
        (int(rng.integers(3)), int(rng.choice([200, 400, 418, 503, 999])), float(rng.exponential(0.01)))
        for _ in range(500)
    ]
    for entry in entries:
        account.answered(*entry)
    account.count()
    for route in range(3):
        statuses = [status for number, status, _ in entries if number == route]
        expected = [*(statuses.count(status) for status in STATUSES), statuses.count(418) + statuses.count(999)]
        assert account.statuses[route].tolist() == expected
        seconds = [value for number, _, value in entries if number == route]
        counts = [count for _, count in account.seconds.buckets(route)]
        assert counts == [*(sum(value <= bound for value in seconds) for bound in SECONDS), len(seconds)]
        assert account.seconds.sums[route] == pytest.approx(math.fsum(seconds))


def test_requests_are_counted_before_they_pile_up() -> None:
    account = RequestAccount(1)
    for _ in range(PENDING - 1):
        account.answered(0, 200, 0.001)
    assert not account.statuses.any()
    account.answered(0, 200, 0.001)
    assert account.statuses.sum() == PENDING


def test_rows_are_counted_before_they_pile_up_however_they_come(served: Served, account: ModelAccount) -> None:
    rows = random_rows(served, PENDING, 1)
    answer = served.bundle.scorer(rows)
    for row in range(PENDING - 1):
        account.scored(rows[row : row + 1], Answer(answer.probability[row : row + 1], answer.decided[row : row + 1]), 0)
    assert not account.classes.any()
    account.scored(rows[:1], Answer(answer.probability[:1], answer.decided[:1]), 0)
    assert account.classes.sum() == PENDING
    account.scored(rows, answer, 0)
    assert account.classes.sum() == 2 * PENDING


def test_rows_are_counted_as_one_by_one(served: Served, account: ModelAccount) -> None:
    rows = random_rows(served, 700, 2)
    answer = served.bundle.scorer(rows)
    sizes = [1, 2, 97, 300, 300]
    for start, size in zip(np.cumsum([0, *sizes[:-1]]), sizes, strict=True):
        part = slice(int(start), int(start) + size)
        account.request_rows(size)
        account.scored(rows[part], Answer(answer.probability[part], answer.decided[part]), 0.0002 * size)
    account.count()
    assert account.classes.tolist() == [int((answer.decided == 0).sum()), int(answer.decided.sum())]
    for histogram in (account.requests, account.batches):
        counts = dict(histogram.buckets())
        expected = {"1.0": 1, "2.0": 2, "50.0": 2, "100.0": 3, "200.0": 3, "500.0": 5, "10000.0": 5, "+Inf": 5}
        assert expected.items() <= counts.items()
        assert histogram.sums[0] == 700
    assert account.inference.sums[0] == pytest.approx(0.14)
    assert dict(account.inference.buckets())["0.025"] == 3
    for histogram, series, values in (
        (account.probability, 0, answer.probability.tolist()),
        (account.confidence, 0, (1 - answer.probability[answer.decided == 0]).tolist()),
        (account.confidence, 1, answer.probability[answer.decided == 1].tolist()),
    ):
        for bound, count in histogram.buckets(series):
            assert count == sum(value <= float(bound) for value in values)
        assert histogram.sums[series] == pytest.approx(math.fsum(values))
    of_features = account.window.by_distribution(account.cells)[:-1]
    for position, (item, cells) in enumerate(zip(served.bundle.profile.features, of_features, strict=True)):
        expected_cells = [0] * (len(item.counts) + 1)
        for value in rows[:, position]:
            expected_cells[-1 if math.isnan(value) else sum(value >= edge for edge in item.edges)] += 1
        assert cells.tolist() == expected_cells
        usual = getattr(served.features[position], "usual", None)
        present = [value for value in rows[:, position] if not math.isnan(value)]
        outside = sum(not usual.min <= value <= usual.max for value in present) if usual else 0
        assert account.unusual[position] == outside
    assert account.unusual.any()
    assert account.window.rows == 700


def test_what_was_unusual_to_the_encoder_is_what_is_counted(served: Served, account: ModelAccount) -> None:
    records = [dict(example.instance) for example in served.bundle.contract.examples if not example.refused]
    encoded = served.encoder.from_records(records)
    assert encoded.unusual.any()
    account.scored(encoded.matrix, served.bundle.scorer(encoded.matrix), 0.0)
    account.count()
    assert account.unusual.tolist() == encoded.unusual.sum(axis=0).tolist()


def test_refusals_are_counted_by_feature_and_rule_and_strange_names_together(
    served: Served, account: ModelAccount
) -> None:
    known = set(account.refusals)
    record: dict[str, object] = {**served.bundle.contract.examples[0].instance, "age": 756, "<script>": 1, "ages": 2}
    account.refused(served.encoder.from_records([record, record]).violations)
    account.refused(served.encoder.from_arrays([[1]]).violations)
    assert account.refusals["age", "out-of-range"] == 2
    assert account.refusals["other", "unknown-feature"] == 4
    assert account.refusals["other", "wrong-length"] == 1
    assert account.refusals.total() == 7
    assert set(account.refusals) == known
    account.refused([Violation(0, "age", "x", "wrong-type", "a number")])
    assert account.refusals["age", "wrong-type"] == 1


def test_what_comes_while_the_rest_is_taken_stays_for_the_next_time() -> None:
    class Written(list[int]):
        """A list that another thread appends to as soon as it was read."""

        def __getitem__(self, key: Any) -> Any:
            found = super().__getitem__(key)
            self.append(99)
            return found

    pending = Written([1, 2, 3])
    assert take(pending) == [1, 2, 3]
    assert list(pending) == [99]


def test_nothing_is_lost_while_another_thread_counts(served: Served, account: ModelAccount) -> None:
    requests = RequestAccount(1)
    rows = random_rows(served, 3, 3)
    answer = served.bundle.scorer(rows)
    finished = threading.Event()
    counted = 0

    def count() -> None:
        nonlocal counted
        while not finished.is_set():
            for item in (requests, account):
                with item.lock:
                    item.count()
            counted += 1

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread = threading.Thread(target=count)
        thread.start()
        for _ in range(20_000):
            account.request_rows(3)
            account.scored(rows, answer, 0.001)
            requests.answered(0, 200, 0.001)
        finished.set()
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counted > 1
    for item in (requests, account):
        item.count()
    assert requests.statuses.sum() == requests.seconds.counts.sum() == 20_000
    assert account.requests.counts.sum() == account.batches.counts.sum() == 20_000
    assert account.classes.sum() == account.probability.counts.sum() == 60_000
    assert account.cells.sum() == 60_000 * (len(served.features) + 1)
