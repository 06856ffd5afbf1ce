"""Tables against walking through the same trees split by split."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from contract import forest
from contract.forest import Forest, forest_of
from contract.trees import Trees, exact_unit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats32 = npt.NDArray[np.float32]

NUMBERS, FLAGS = 3, 11
GRID = np.arange(-4, 5) / 2
OFF, ON = -0.4, 1.6


@pytest.fixture(scope="module")
def flags() -> Floats32:
    """Three columns of numbers, then eleven that mostly hold -0.4 or 1.6."""
    both = np.repeat([[OFF], [ON]], NUMBERS + FLAGS, axis=1).astype(np.float32)
    both[:, :NUMBERS] = np.nan
    return both


def grown(sizes: list[int], columns: list[int], seed: int = 0) -> Trees:
    """Random trees with that many leaves each, whose thresholds lie on the values of the rows, or between them."""
    random = np.random.default_rng(seed)
    column, threshold, leaves = [], [], []
    first = 0
    for size in sizes:
        open_ranges = [(first, first + size)]
        while open_ranges:
            start, end = open_ranges.pop()
            if end - start > 1:
                middle = int(random.integers(start + 1, end))
                column.append(int(random.choice(columns)))
                threshold.append(random.choice(GRID) if column[-1] < NUMBERS else random.uniform(-1, 2))
                leaves.append((start, middle, end))
                open_ranges += [(start, middle), (middle, end)]
        first += size
    value, size_of = random.normal(size=first), np.array(sizes)
    unit = exact_unit(value, size_of)
    arrays = {
        "column": np.array(column),
        "threshold": np.array(threshold),
        "leaves": np.array(leaves),
        "value": np.rint(value / unit) * unit,
        "size": size_of,
        "base": np.array([0.1]),
        "missing_left": np.zeros(len(column), dtype=np.int64),
        "set_size": np.zeros(len(column), dtype=np.int64),
        "category": np.empty(0, dtype=np.int64),
    }
    return Trees.of(arrays, NUMBERS + FLAGS)


def walked(trees: Trees, rows: Floats32) -> list[float]:
    """The sum of the leaves, by walking."""
    splits = {(start, end): split for split, (start, _, end) in enumerate(trees.leaves.tolist())}
    sums = []
    for row in rows.astype(np.float64):
        reached, first = [], 0
        for size in trees.size.tolist():
            start, end = first, first + size
            while end - start > 1:
                split = splits[start, end]
                middle = int(trees.leaves[split, 1])
                left = _goes_left(trees, split, row[trees.column[split]])
                start, end = (start, middle) if left else (middle, end)
            reached.append(trees.value[start])
            first += size
        sums.append(math.fsum(reached) + float(trees.base[0]))
    return sums


def _goes_left(trees: Trees, split: int, value: float) -> bool:
    if math.isnan(value):
        return bool(trees.missing_left[split])
    if trees.set_size[split]:
        end = trees.set_size[: split + 1].sum()
        return value in trees.category[end - trees.set_size[split] : end]
    return bool(value <= trees.threshold[split])


def with_sets(trees: Trees, column: int, largest: int = 40) -> Trees:
    """The same trees, but that column's splits ask for sets of categories, and NaN goes left in half of all splits."""
    random = np.random.default_rng(3)
    sets = [
        np.sort(random.choice(largest + 1, random.integers(1, largest), replace=False)) if own else np.array([], int)
        for own in trees.column == column
    ]
    return Trees.of(
        {
            **vars(trees),
            "missing_left": random.integers(0, 2, len(trees.column)),
            "set_size": np.array([len(item) for item in sets]),
            "category": np.concatenate(sets),
        },
        NUMBERS + FLAGS,
    )


def drawn(count: int, seed: int = 1) -> Floats32:
    """Rows on the grid of the thresholds; each tenth has flags that are neither on nor off, or numbers far out."""
    random = np.random.default_rng(seed)
    numbers = random.choice(GRID, size=(count, NUMBERS))
    switches = np.where(random.random((count, FLAGS)) < 0.5, OFF, ON)
    odd = random.random(count) < 0.1
    switches[odd, random.integers(0, FLAGS, count)[odd]] = random.uniform(-1, 2, odd.sum())
    numbers[odd, 0] = random.choice([-np.inf, np.inf, np.nan, 1e300], odd.sum())
    with np.errstate(over="ignore"):
        return np.hstack([numbers, switches]).astype(np.float32)


@pytest.mark.parametrize("largest", [2, 8, 9, 16, 17, 32, 33, 64, 65, 128, 300])
def test_tables_answer_what_walking_answers(flags: Floats32, largest: int) -> None:
    trees = grown([largest, 2, max(2, largest // 2), 5, largest] * 8, list(range(NUMBERS + FLAGS)))
    rows = drawn(100)
    assert Forest(trees, flags, 1)(rows).tolist() == walked(trees, rows)


@pytest.mark.parametrize(
    "columns", [[0], [NUMBERS], [0, 2], list(range(NUMBERS, NUMBERS + FLAGS)), [1, 4, 5, 13]], ids=str
)
def test_trees_may_ask_for_any_columns(flags: Floats32, columns: list[int]) -> None:
    trees = grown([7, 3, 20], columns)
    rows = drawn(200)
    assert Forest(trees, flags, 1)(rows).tolist() == walked(trees, rows)


def test_a_value_on_a_threshold_goes_left_and_the_next_float32_right(flags: Floats32) -> None:
    for threshold in (0.1, 1 / 3, -1 / 3, 0.5, 1e300, -1e300, np.inf, -np.inf):
        trees = replace(grown([2], [0]), threshold=np.array([threshold]))
        with np.errstate(over="ignore"):
            near = np.float32(threshold)
        values = [np.nextafter(near, np.float32(-np.inf)), near, np.nextafter(near, np.float32(np.inf)), np.nan]
        rows = np.zeros((4, NUMBERS + FLAGS), dtype=np.float32)
        rows[:, 0] = values
        assert Forest(trees, flags, 1)(rows).tolist() == walked(trees, rows), threshold


def test_all_flags_may_be_unknown_and_all_columns_flags_or_numbers(flags: Floats32) -> None:
    trees = grown([30, 30, 90], list(range(NUMBERS + FLAGS)))
    rows = drawn(100)
    expected = walked(trees, rows)
    for known in (flags, flags + 0.01, np.full_like(flags, np.nan), np.nan_to_num(flags)):
        assert Forest(trees, known, 1)(rows).tolist() == expected


def test_a_row_does_not_depend_on_its_batch_in_any_bit(flags: Floats32) -> None:
    whole = Forest(grown([25] * 100, list(range(NUMBERS + FLAGS))), flags, 1)
    rows = drawn(2100)
    scores = whole(rows)
    for size in (1, 2, 7, 16, 100, 512, 513, 1000):
        parts = [whole(rows[start : start + size]) for start in range(0, len(rows), size)]
        np.testing.assert_array_equal(np.concatenate(parts), scores)
    np.testing.assert_array_equal(whole(np.asfortranarray(rows)), scores)
    np.testing.assert_array_equal(whole(rows[::-3]), scores[::-3])


def test_no_rows_have_no_scores(flags: Floats32) -> None:
    assert Forest(grown([4], [0]), flags, 1)(drawn(0)).shape == (0,)


def test_threads_share_a_forest(flags: Floats32) -> None:
    trees = Forest(grown([25] * 20, list(range(NUMBERS + FLAGS))), flags, 1)
    batches = [drawn(size, seed=size) for size in range(1, 65)]
    alone = [trees(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for answer, expected in zip(pool.map(trees, batches * 4), alone * 4, strict=True):
            np.testing.assert_array_equal(answer, expected)


def test_a_forest_is_worth_tables_from_some_rows_on(flags: Floats32) -> None:
    columns = list(range(NUMBERS + FLAGS))
    fewer, more = (forest_of(grown([25] * count, columns), flags) for count in (50, 200))
    assert fewer
    assert more
    assert 1 < more.worthwhile < fewer.worthwhile < 64


@pytest.mark.parametrize("sizes", [[25], [4000] * 5], ids=["one small tree", "trees of thousands of leaves"])
def test_trees_that_tables_would_not_speed_up_get_none(flags: Floats32, sizes: list[int]) -> None:
    assert forest_of(grown(sizes, list(range(NUMBERS + FLAGS))), flags) is None


def test_tables_that_would_be_too_large_are_not_built(flags: Floats32, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = grown([25] * 100, list(range(NUMBERS + FLAGS)))
    built = forest_of(trees, flags)
    assert built
    monkeypatch.setattr(forest, "LARGEST_TABLES", 100_000)
    assert forest_of(trees, flags) is None


def test_thousands_of_thresholds_in_thousands_of_trees_are_too_many(flags: Floats32) -> None:
    trees = grown([25] * 2000, [0, 1, 2])
    fitting = forest_of(trees, flags)
    scattered = replace(trees, threshold=np.random.default_rng(0).normal(size=len(trees.column)))
    assert fitting
    assert forest_of(scattered, flags) is None


def test_leaves_whose_sum_would_be_rounded_get_no_tables(flags: Floats32) -> None:
    trees = grown([25] * 100, list(range(NUMBERS + FLAGS)))
    inexact = replace(trees, value=trees.value / 3)
    assert forest_of(trees, flags)
    assert forest_of(inexact, flags) is None


@pytest.mark.parametrize("largest", [2, 16, 64, 65, 200])
def test_gaps_and_sets_of_categories_lead_where_walking_leads(flags: Floats32, largest: int) -> None:
    trees = with_sets(grown([largest, 2, 7, largest] * 8, [0, 1, 2, 4, 5]), column=1)
    rows = drawn(150)
    rows[:, 1] = np.arange(150) % 60  # categories beyond the largest of any set too
    rows[np.random.default_rng(0).random(rows.shape) < 0.2] = np.nan
    assert Forest(trees, flags, 1)(rows).tolist() == walked(trees, rows)


def test_a_column_may_be_asked_for_sets_and_thresholds(flags: Floats32) -> None:
    trees = with_sets(grown([30] * 10, [0, 1]), column=1)
    some = (np.cumsum(trees.column == 1) % 3 == 0) & (trees.column == 1)  # an empty set is a threshold below all
    owner = np.repeat(np.arange(len(trees.column)), trees.set_size)
    mixed = replace(
        trees,
        threshold=np.where(some, -np.inf, trees.threshold),
        set_size=np.where(some, 0, trees.set_size),
        category=trees.category[~some[owner]],
    )
    rows = drawn(60)
    rows[:, 1] = [*range(45), *[np.nan] * 15]
    assert Forest(mixed, flags, 1)(rows).tolist() == walked(mixed, rows)


def test_nan_on_either_side_of_an_infinite_threshold(flags: Floats32) -> None:
    for left in (0, 1):
        trees = replace(grown([2], [0]), threshold=np.array([np.inf]), missing_left=np.array([left]))
        rows = np.zeros((3, NUMBERS + FLAGS), dtype=np.float32)
        rows[:, 0] = [np.inf, np.nan, -np.inf]
        assert Forest(trees, flags, 1)(rows).tolist() == walked(trees, rows)
