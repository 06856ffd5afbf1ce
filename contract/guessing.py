"""What a column probably is, from what was counted in it: a first guess with its reason, for a person to review."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from contract.encoding import shown
from contract.features import plain
from contract.tally import SENTINELS, number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from contract.features import Code
    from contract.tally import Column

MOST_CODES = 10
"""Different whole numbers that are taken for codes; with more they are taken for amounts."""
MOST_CATEGORIES = 200
"""Categories of one feature, each of which becomes a column for most models."""

_ROWS_PER_CODE = 2
_ROWS_PER_CATEGORY = 5
_LONGEST_CODE = 100
_FEW_ROWS = 10
_SENTINEL_FACTOR = 5
_MIDDLE = (0.01, 0.99)
_FAR = 3
_GAP = 0.1
_EXACT = 10**15
_LEAST_SPAN = 1e-100
_LONGEST_NAME = 63
_SAID_MISSING = frozenset({"unknown", "missing", "none", "nil", "not available", "not known", "#n/a", "*", ".", "--"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_GROUP = "names something that stands in several rows"
_CODE_NAME = re.compile(r"(^|_)(cat|category|code|class|kind|type)$")
_ID_NAME = re.compile(r"(^|_)(id|uid|uuid|guid)$")
_ROW_NAME = re.compile(r"(^|_)(id|uid|uuid|guid|key|index|row|row_number)$|^unnamed_0$")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")

Kind = Literal["numeric", "integer", "boolean", "categorical"]


@dataclass(frozen=True)
class FeatureGuess:
    """A column that becomes a feature.

    `low` and `high` are the smallest and largest number seen, `codes` the values of a categorical with their rows.
    `missing` counts rows without a value, `notes` are what else a person should look at.
    """

    column: Column
    name: str
    kind: Kind
    seen: str
    markers: tuple[Code, ...] = ()
    missing: int = 0
    low: float = math.nan
    high: float = math.nan
    codes: tuple[tuple[Code, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """A column that becomes no feature.

    `identifies` if its values seem to name rows, `groups` if they name what several rows have in common, `dates` if
    rows could be ordered by them.
    """

    column: Column
    reason: str
    identifies: bool = False
    groups: bool = False
    dates: bool = False


def guesses(columns: Iterable[Column], target: Column) -> list[FeatureGuess | Exclusion]:
    """Guess what each column but the target is, in the table's order."""
    columns = list(columns)
    taken = {column.name for column in columns}
    certain = any(-1 in _sentinels(column, certain=False) for column in columns)
    found: list[FeatureGuess | Exclusion] = []
    for column in columns:
        if column is target:
            continue
        name = column.name if _is_name(column.name) else named(column, taken)
        taken.add(name)
        guess = _guess(column, name, certain=certain)
        if not column.name and isinstance(guess, FeatureGuess):
            guess = Exclusion(column, "give it one in the table to use it")
        found.append(guess)
    return found


def codes_of(column: Column, markers: Collection[Code] = ()) -> tuple[tuple[Code, int], ...] | None:
    """Each value as a contract writes it, with its rows: whole numbers if all of them are, else text.

    `None` where they aren't counted one by one. Values with leading zeros, such as postcodes, are text.
    """
    if column.counts is None:
        return None
    kept = {text: rows for text, rows in column.counts.items() if text not in markers}
    if column.whole and not column.padded and max(-column.low, column.high) < _EXACT and all(map(_is_number, kept)):
        totals: dict[int, int] = {}
        for text, rows in kept.items():
            totals[int(float(text))] = totals.get(int(float(text)), 0) + rows
        return tuple(sorted((value, rows) for value, rows in totals.items() if value not in markers))
    return tuple(sorted(kept.items()))


def named(column: Column, taken: Collection[str]) -> str:
    """A feature's name made of a column's: `SepalLength (cm)` becomes `sepal_length_cm`, or with 2 if that is taken."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z]|ID$)", "_", column.name).casefold()
    latin = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", latin).strip("_")
    if not name or name[0].isdigit():
        name = f"column_{name or column.position + 1}"
    name = name[:_LONGEST_NAME].rstrip("_")
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name[: _LONGEST_NAME - len(str(count)) - 1]}_{count}"
    return free


def hard_range(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """A range to refuse values by: as far again beyond what was seen, rounded outwards, and never across zero."""
    span = high - low
    if not _LEAST_SPAN < span < 1 / _LEAST_SPAN:
        return low, high
    digits = 1 - math.floor(math.log10(span))
    step = 5 * 10.0**-digits
    least = min(low, round(math.floor((low - span) / step) * step, digits))
    most = max(high, round(math.ceil((high + span) / step) * step, digits))
    least = 0.0 if low >= 0 > least else least
    most = 0.0 if high <= 0 < most else most
    return (math.floor(least), math.ceil(most)) if whole else (least, most)


def _is_number(text: str) -> bool:
    return number(text) is not None


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[a-z][a-z0-9_]{0,62}", text) is not None


def _guess(column: Column, name: str, *, certain: bool) -> FeatureGuess | Exclusion:
    if not column.present:
        return Exclusion(column, "no row has a value")
    stray = _stray(column)
    if column.numbers == column.present - _rows(column, stray) and not column.padded:
        return _of_numbers(column, name, stray, certain=certain)
    return _of_texts(column, name)


def _stray(column: Column) -> tuple[str, ...]:
    """Words among numbers that say that there is no value."""
    return tuple(word for word in column.words if word.lower() in _SAID_MISSING) if column.numbers else ()


def _of_numbers(column: Column, name: str, stray: tuple[str, ...], *, certain: bool) -> FeatureGuess | Exclusion:
    sentinels = _sentinels(column, certain=certain)
    values = [value for value in column.tracked if value not in sentinels]
    low, high = min([column.low, *values]), max([column.high, *values])
    if low >= high:
        return Exclusion(column, f"constant: no row has anything but {plain(low)}")
    if excluded := _identifying(column, name, low, high):
        return excluded
    guess = FeatureGuess(
        column,
        name,
        kind="integer" if column.whole else "numeric",
        seen=f"{column.distinct} different numbers, with fractions",
        markers=(*sentinels, *stray),
        missing=column.missing.total() + sum(column.tracked[value] for value in sentinels) + _rows(column, stray),
        low=low,
        high=high,
        notes=tuple(_notes(column, sentinels, low, high)),
    )
    if not column.whole:
        return guess
    codes = codes_of(column, guess.markers) or ()
    if tuple(value for value, _ in codes) == (0, 1):
        seen = ", ".join(f"{value} in {rows_in_words(rows)}" for value, rows in codes)
        return replace(
            guess, kind="boolean", seen=f"only {seen}; if they are codes, as for a sex: categorical", notes=()
        )
    most = MOST_CATEGORIES if _CODE_NAME.search(name) else MOST_CODES
    if 0 < len(codes) <= most and _often(codes):
        seen = f"{len(codes)} different whole numbers, so taken for codes; if they are amounts: integer"
        return replace(guess, kind="categorical", seen=seen, codes=codes, notes=())
    return replace(guess, seen=f"{column.distinct} different whole numbers; if they are codes: categorical")


def _sentinels(column: Column, *, certain: bool) -> tuple[int, ...]:
    """Numbers that plainly mean a missing value: the only negative ones, or one far above all others.

    -1 beside 0 and 1 alone may be a direction; it is taken where `certain`, as another column has it plainly.
    """
    others = {value for value in column.tracked if value >= 0} | {column.low, column.high} - {math.inf, -math.inf}
    negative = [value for value in column.tracked if value < 0]
    found = set()
    if column.low >= 0 and len(others) > 1 and (certain or not (others == {0, 1} and negative == [-1])):
        found.update(negative)
    for value in sorted(column.tracked, reverse=True):
        below = max([column.high, *(other for other in column.tracked if other < value)])
        if value in SENTINELS and value >= _SENTINEL_FACTOR * below > 0 and len(others - {value}) > 1:
            found.add(value)
    return tuple(sorted(int(value) for value in found))


def _identifying(column: Column, name: str, low: float, high: float) -> Exclusion | None:
    if not column.whole:
        return None
    numbered = low in {0, 1} and high - low + 1 == column.rows >= _FEW_ROWS
    if column.unique and column.present == column.rows and (_ROW_NAME.search(name) or numbered):
        return Exclusion(column, "every row has another number", identifies=True)
    if _ID_NAME.search(name) and (column.counts is None or len(column.counts) > MOST_CODES):
        return Exclusion(column, _GROUP, groups=True)
    if max(-low, high) >= _EXACT:
        return Exclusion(column, "whole numbers of more than 15 digits, which are names rather than amounts")
    return None


def _notes(column: Column, sentinels: Collection[int], low: float, high: float) -> Iterator[str]:
    """What looks odd in the numbers of a column."""
    if low == 0 and column.low >= _GAP * high and (column.counts is None or len(column.counts) > MOST_CODES):
        rows = rows_in_words(column.tracked[0])
        yield f"0 stands in {rows}, and nothing else below {plain(column.low)}: does it mean missing?"
    counted = column.numbers_counted()
    values = np.array(column.sample if counted is None else list(counted.elements()))
    least, most = np.quantile(values[~np.isin(values, list(sentinels))], _MIDDLE, method="inverted_cdf")
    if least < most and high > most + _FAR * (most - least):
        yield f"99 % of the rows have at most {plain(most)}: is {plain(high)} right?"
    if least < most and low < least - _FAR * (most - least):
        yield f"99 % of the rows have at least {plain(least)}: is {plain(low)} right?"


def _of_texts(column: Column, name: str) -> FeatureGuess | Exclusion:
    texts = set(column.counts or column.words)
    codes = codes_of(column) or ()
    if excluded := _no_category(column, texts):
        return excluded
    guess = FeatureGuess(column, name, "categorical", f"{len(codes)} different texts", missing=column.missing.total())
    if codes and texts <= _TRUE | _FALSE and texts & _TRUE and texts & _FALSE:
        return replace(guess, kind="boolean", seen="only words for true and false")
    if 0 < len(codes) <= MOST_CATEGORIES and _often(codes):
        return replace(guess, codes=codes)
    if _ID_NAME.search(name):
        return Exclusion(column, _GROUP, groups=True)
    mixed = (
        f", with numbers among them and {shown(next(iter(column.words)))}" if column.numbers and column.words else ""
    )
    return Exclusion(column, f"too many categories: {column.distinct} in {rows_in_words(column.present)}{mixed}")


def _no_category(column: Column, texts: set[str]) -> Exclusion | None:
    if len(texts) == 1:
        return Exclusion(column, f"constant: no row has anything but {shown(*texts)}")
    if column.unique and column.present == column.rows:
        return Exclusion(column, "every row has another text", identifies=True)
    if not column.numbers and all(_DATE.fullmatch(text) for text in column.words):
        return Exclusion(column, "dates, which no model reads as they are", dates=True)
    if not column.numbers and all(_DECIMAL_COMMA.fullmatch(text) for text in column.words):
        return Exclusion(column, "numbers with a decimal comma; write them with a point to use them")
    if any(len(text) > _LONGEST_CODE for text in texts):
        return Exclusion(column, f"text of more than {_LONGEST_CODE} characters, which is no category")
    return None


def _often(codes: Collection[tuple[Code, int]]) -> bool:
    """Whether there are rows enough to learn something of each value."""
    least = _ROWS_PER_CODE if len(codes) <= MOST_CODES else _ROWS_PER_CATEGORY
    return sum(rows for _, rows in codes) >= least * len(codes)


def _rows(column: Column, words: Iterable[str]) -> int:
    return sum(column.words[word] for word in words)


def rows_in_words(count: int) -> str:
    """A number of rows, as a person writes it."""
    return "1 row" if count == 1 else f"{count:,} rows"
