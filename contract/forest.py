"""Many rows through many trees at once, in numpy: five times as fast as ONNX Runtime on a thousand rows.

Each tree has a word with one bit a leaf. Where a value lies among a column's thresholds decides all splits on that
column, and so which leaves are still in reach; a table has the words of every such position. The words of all columns
combined by `and` keep one bit a tree: the leaf that the row reaches. After Lucchese et al. (2015), "QuickScorer: a fast
algorithm to rank documents with additive ensembles of regression trees", which goes through the thresholds instead.

The result is ONNX Runtime's, bit for bit, because sums of leaves are never rounded: see `contract.trees.exact_unit`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.trees import Trees

    Floats = npt.NDArray[np.float64]
    Floats32 = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.int64]
    Words = npt.NDArray[Any]  # unsigned integers of 8 to 64 bits

LARGEST_TABLES = 16 * 2**20
"""Bytes. Trees whose tables would be larger are left to ONNX Runtime."""

_FLAGS = 8  # looked up at once
_UNKNOWN = 2**_FLAGS  # the entry for flags that aren't all 0 or 1
_BLOCK = 2**17  # words, of as many rows as it takes, that stay in the cache together
_MANTISSA, _EXPONENT_OF_1 = 52, 1023  # of float64

# Nanoseconds on one core (Xeon, AVX-512); what matters is how they compare.
_A_CALL, _A_NUMBER, _A_WORD, _A_BYTE, _A_SPLIT = 20_000.0, 35.0, 4.0, 0.06, 4.5


class Forest:
    """Tables for trees. It never changes, so threads may share it.

    `worthwhile` is the number of rows from which on it is expected to be faster than ONNX Runtime.
    """

    def __init__(self, trees: Trees, flags: Floats32, worthwhile: int) -> None:
        """Build the tables; see `forest_of`."""
        self.worthwhile = worthwhile
        self._base = trees.base
        words = _Words(trees)
        self._values, self._all_leaves = words.values, words.all_leaves
        self._entries = np.arange(words.count) * (words.bits + 1) - (_EXPONENT_OF_1 - 1)
        used = np.unique(trees.column)
        is_flag = ~np.isnan(flags[0, used])
        self._numbers, self._flags = used[~is_flag], used[is_flag]
        self._zero, self._one = flags[:, self._flags]
        columns = {column: _Column(words, trees, column) for column in used.tolist()}
        self._of_numbers = [columns[column] for column in self._numbers.tolist()]
        of_flags = [columns[column] for column in self._flags.tolist()]
        self._groups = [of_flags[start : start + _FLAGS] for start in range(0, len(of_flags), _FLAGS)]
        values = np.split(flags[:, self._flags].T, range(_FLAGS, len(of_flags), _FLAGS))
        self._combinations = [
            self._combined(words, group, both) for group, both in zip(self._groups, values, strict=False)
        ]

    def __call__(self, rows: Floats32) -> Floats:
        """Scores of rows, float32 (rows, columns) to float64 (rows,)."""
        step = max(_BLOCK // len(self._all_leaves), 1)
        blocks = [self._sums(rows[start : start + step]) for start in range(0, max(len(rows), 1), step)]
        return np.concatenate(blocks) + self._base

    def _sums(self, rows: Floats32) -> Floats:
        entry = self._reached(rows).astype(np.float64).view(np.int64)
        entry >>= _MANTISSA  # the exponent of a power of two is the number of its bit; that of 0 is far below
        np.maximum(entry, _EXPONENT_OF_1 - 1, out=entry)
        entry += self._entries
        sums: Floats = self._values.take(entry, mode="clip").sum(axis=1)
        return sums

    def _reached(self, rows: Floats32) -> Words:
        """The leaves that rows reach: (rows, words), where one word of each tree has one bit."""
        numbers, flags = rows.T.take(self._numbers, axis=0), rows.take(self._flags, axis=1)
        ones = flags == self._one
        combinations = np.packbits(ones, axis=1).T.astype(np.intp)
        unknown = np.packbits(~(ones | (flags == self._zero)), axis=1).T != 0
        combinations[unknown] = _UNKNOWN
        words = np.tile(self._all_leaves, (len(rows), 1))
        looked_up = np.empty_like(words)
        for column, values in zip(self._of_numbers, numbers, strict=True):
            column.table.take(column.positions(values), axis=0, out=looked_up, mode="clip")
            words &= looked_up
        for table, combination in zip(self._combinations, combinations, strict=True):
            table.take(combination, axis=0, out=looked_up, mode="clip")
            words &= looked_up
        for place in np.flatnonzero(unknown.any(axis=1)).tolist():
            chosen = np.flatnonzero(unknown[place])
            left = words[chosen]
            of_group = flags[chosen, place * _FLAGS : (place + 1) * _FLAGS].T
            for column, values in zip(self._groups[place], of_group, strict=True):
                left &= column.table.take(column.positions(values), axis=0, mode="clip")
            words[chosen] = left
        return words

    def _combined(self, words: _Words, group: list[_Column], values: Floats32) -> Words:
        """The words of every combination of flags, whose values are (flags, 2); the first flag is the highest bit."""
        table = np.tile(words.all_leaves, (_UNKNOWN + 1, 1))
        for place, (column, both) in enumerate(zip(group, values, strict=True)):
            bit = np.arange(_UNKNOWN) >> (_FLAGS - 1 - place) & 1
            table[:_UNKNOWN] &= column.table[column.positions(both)[bit]]
        return table


class _Words:
    """How leaves become bits: each tree begins a word, and takes as many as it needs."""

    def __init__(self, trees: Trees) -> None:
        self.bits = next(bits for bits in (8, 16, 32, 64) if bits >= min(trees.size.max(), 64))
        taken = -(-trees.size // self.bits)
        self.count = int(taken.sum())
        start = (np.cumsum(taken) - taken) * self.bits
        self._shift = start - (np.cumsum(trees.size) - trees.size)
        self.dtype = np.dtype(f"u{self.bits // 8}")
        leaf = np.arange(len(trees.value))
        bit = leaf + self._shift[trees.tree_of(leaf)]
        self.values = np.zeros((self.count, self.bits + 1))
        self.values[bit // self.bits, bit % self.bits + 1] = trees.value
        padding = np.full((1, self.count), -1).astype(self.dtype)
        self.clear(padding, np.zeros_like(start), start, start + trees.size)
        self.all_leaves: Words = ~padding[0]

    @property
    def row_bytes(self) -> int:
        """The size of all words of a row."""
        return self.count * self.dtype.itemsize

    def clear(self, table: Words, entry: Integers, first: Integers, end: Integers) -> None:
        """Rule out leaves: clear the bits from `first` to `end` in entries of a table (entries, words).

        The three have one item a range; `first` and `end` count bits through all words.
        """
        word, last = first // self.bits, (end - 1) // self.bits
        touched = last - word + 1
        item = np.repeat(np.arange(len(word)), touched)
        word = np.arange(len(item)) - (np.cumsum(touched) - touched - word)[item]
        kept = ~(self._below(end[item] - word * self.bits) & ~self._below(first[item] - word * self.bits))
        np.bitwise_and.at(table, (entry[item], word), kept.astype(self.dtype))

    def _below(self, bit: Integers) -> Words:
        """Words whose bits below the given one are set."""
        count = np.clip(bit, 0, self.bits).astype(np.uint64)
        some = np.uint64(2**64 - 1) >> (np.uint64(64) - np.maximum(count, np.uint64(1)))
        return np.where(count > 0, some, np.uint64(0))

    def bit_ranges(self, trees: Trees, chosen: npt.NDArray[np.bool_]) -> Integers:
        """The `leaves` of the chosen splits, as bits: (3, splits)."""
        leaves = trees.leaves[chosen]
        return (leaves + self._shift[trees.tree_of(leaves[:, 0]), None]).T


class _Column:
    """The words of every position that a value can have: how many of a column's thresholds it is above.

    Sets have a threshold at each category up to their largest. The last one is infinite, so that only NaN is above it.
    """

    def __init__(self, words: _Words, trees: Trees, column: int) -> None:
        chosen = trees.column == column
        self._thresholds = _thresholds(trees, column)
        positions = len(self._thresholds)
        self.table = np.tile(words.all_leaves, (positions + 1, 1))
        is_set = trees.set_size[chosen] > 0
        first, middle, end = words.bit_ranges(trees, chosen)
        missing_left = trees.missing_left[chosen] > 0
        self._rule_out(
            words,
            self.table[:positions],
            self._thresholds.searchsorted(_as_float32(trees.threshold[chosen][~is_set])),
            (first[~is_set], middle[~is_set], end[~is_set]),
        )
        splits = np.flatnonzero(is_set)
        member = np.zeros((len(is_set), positions), dtype=np.bool_)
        owner, category = _members(trees, chosen)
        member[owner, self._thresholds.searchsorted(category.astype(np.float32))] = True
        goes_left = member[splits].ravel()
        split, position = np.repeat(splits, positions), np.tile(np.arange(positions), len(splits))
        gone = np.where(goes_left, middle[split], first[split]), np.where(goes_left, end[split], middle[split])
        words.clear(self.table, position, *gone)
        last = np.full(len(first), positions)
        words.clear(self.table, last, np.where(missing_left, middle, first), np.where(missing_left, end, middle))

    @staticmethod
    def _rule_out(words: _Words, table: Words, rank: Integers, ranges: tuple[Integers, Integers, Integers]) -> None:
        """Of splits at these thresholds: what lies above loses the leaves on the left, the rest those on the right."""
        first, middle, end = ranges
        some = rank + 1 < len(table)
        words.clear(table, rank[some] + 1, first[some], middle[some])
        np.bitwise_and.accumulate(table, axis=0, out=table)
        up_to = np.full_like(table, -1 % 2**words.bits)
        words.clear(up_to, rank, middle, end)
        table &= np.bitwise_and.accumulate(up_to[::-1], axis=0)[::-1]

    def positions(self, values: Floats32) -> npt.NDArray[np.intp]:
        """Of float32 values, (values,); NaN is above all."""
        return self._thresholds.searchsorted(values)


def _members(trees: Trees, chosen: npt.NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """The sets of the chosen splits: the place among these of each, and its categories."""
    split = np.repeat(np.arange(len(chosen)), trees.set_size)
    kept = chosen[split]
    return (np.cumsum(chosen) - 1)[split[kept]], trees.category[kept]


def _thresholds(trees: Trees, column: int) -> Floats32:
    chosen = trees.column == column
    _, categories = _members(trees, chosen)
    codes = np.arange(categories.max(initial=-1) + 1, dtype=np.float32)
    compared = _as_float32(trees.threshold[chosen & (trees.set_size == 0)])
    return np.unique(np.concatenate([codes, compared, np.array([np.inf], dtype=np.float32)]))


def _as_float32(thresholds: Floats) -> Floats32:
    """The largest float32 up to each threshold: no float32 value lies between the two."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def forest_of(trees: Trees, flags: Floats32) -> Forest | None:
    """Tables for trees, or None if ONNX Runtime should score all rows: the tables would be too large, or no faster.

    `flags`, float32 (2, columns), is what 0 and 1 look like in a column that mostly holds these, NaN in any other. They
    are looked up eight at a time; other values are right there too, but take longer.
    """
    used = np.unique(trees.column)
    numbers = int(np.isnan(flags[0, used]).sum())
    groups = -(-(len(used) - numbers) // _FLAGS)
    words = _Words(trees)
    first, _, end = trees.leaves.T
    depth = float(((end - first) / trees.size[trees.tree_of(first)]).sum())  # of the leaves, summed over trees
    lookups = (numbers + groups) * words.row_bytes
    saved = depth * _A_SPLIT - numbers * _A_NUMBER - words.count * _A_WORD - lookups * _A_BYTE  # for one row
    if saved <= 0 or not trees.is_exact:
        return None
    positions = sum(len(_thresholds(trees, column)) + 1 for column in used.tolist())
    if (positions + groups * (_UNKNOWN + 1)) * words.row_bytes + words.values.nbytes > LARGEST_TABLES:
        return None
    return Forest(trees, flags, math.ceil(_A_CALL / saved))
