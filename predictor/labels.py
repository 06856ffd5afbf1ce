"""True labels as they come: JSON or CSV, each naming the request and the row whose prediction it is about."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from pydantic import BeforeValidator, Field, StrictInt, TypeAdapter, ValidationError

from contract.encoding import shown
from contract.errors import SHOWN_VIOLATIONS
from contract.features import Code, Strict
from predictor.errors import MalformedRequest
from predictor.json_body import load_object
from predictor.truth import LONGEST_ID, Label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from predictor.accounting import ModelAccount
    from predictor.served import Served

_EXAMPLE = '{"truth": [{"id": "the request\'s x-request-id", "row": 0, "label": "a class"}, …]}'
_CSV_EXAMPLE = "a header with id and label, and row where requests had several; probability for rows answered elsewhere"
_OF_EACH = ": that of each class, in the order of the model's metadata, separated by spaces"
_COLUMNS = frozenset({"id", "row", "label", "probability"})
_LONGEST_NUMBER = 12


LAST_ROW = 2**31 - 1
"""The last row that a request could have; beyond any limit, and small enough for every client's integers."""


def _whole(value: object) -> object:
    """JSON has one kind of number: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Share = Annotated[float, Field(ge=0, le=1)]


class _Named(Strict):
    """One row's label. `row` counts from 0 within the request, and may be left out where that had one."""

    id: Annotated[str, Field(min_length=1, max_length=LONGEST_ID)]
    row: Annotated[StrictInt, Field(ge=0, le=LAST_ROW), BeforeValidator(_whole)] = 0
    label: Annotated[Code, BeforeValidator(_whole)]


class Item(_Named):
    """The label of a row that has one of two classes."""

    probability: Share | None = None


class ItemOfMany(_Named):
    """The label of a row that has one of more classes; it has a probability of each, in their order."""

    probability: list[Share] | None = None


_ITEMS: TypeAdapter[list[Any]] = TypeAdapter(list[Item])
_ITEMS_OF_MANY: TypeAdapter[list[Any]] = TypeAdapter(list[ItemOfMany])


def answer(served: Served, account: ModelAccount, body: bytes, *, is_csv: bool) -> bytes:
    """Count the labels in a body, all or none; says how many, and which have no prediction here.

    May run in any thread. Raises `MalformedRequest`.
    """
    labels = read(served, body, is_csv=is_csv)
    with account.lock:
        account.count()
        unmatched = account.truth.label(labels)
    return orjson.dumps(
        {
            "model_name": served.name,
            "counted": len(labels) - len(unmatched),
            "unmatched": [{"id": label.identity.decode(), "row": label.row} for label in unmatched],
        }
    )


def read(served: Served, body: bytes, *, is_csv: bool) -> list[Label]:
    """The labels in a body. Raises `MalformedRequest` naming each item that isn't one."""
    content = _from_csv(served, body) if is_csv else _from_json(body)
    served.check_rows(len(content))
    try:
        items = (_ITEMS if served.is_binary else _ITEMS_OF_MANY).validate_python(content)
    except ValidationError as error:
        problems = [_problem(detail["loc"], detail["msg"]) for detail in error.errors()[:SHOWN_VIOLATIONS]]
        example = _csv_example(served) if is_csv else _EXAMPLE
        raise MalformedRequest(f"{'; '.join(problems)}; send {example}") from None
    if not served.is_binary:
        _check_lengths(served, items)
    classes = [_class_of(served, item.label) for item in items]
    unknown = [
        f"truth {position}, label: {shown(item.label)} is no class"
        for position, (item, found) in enumerate(zip(items, classes, strict=True))
        if found is None
    ]
    if unknown:
        target = served.bundle.contract.target
        codes = [str(code) for item in target.classes for code in item.values]
        raise MalformedRequest(
            f"{'; '.join(unknown[:SHOWN_VIOLATIONS])}; send {' or '.join(map(repr, served.labels))}, or a code of"
            f" {target.column}: {', '.join(codes)}"
        )
    return [
        Label(item.id.encode(), item.row, found, item.probability)
        for item, found in zip(items, classes, strict=True)
        if found is not None
    ]


def _check_lengths(served: Served, items: list[ItemOfMany]) -> None:
    classes = len(served.labels)
    problems = [
        f"truth {position}, probability: has {len(item.probability)} numbers"
        for position, item in enumerate(items)
        if item.probability is not None and len(item.probability) != classes
    ]
    if problems:
        raise MalformedRequest(
            f"{'; '.join(problems[:SHOWN_VIOLATIONS])}; send {classes}, of {', '.join(map(repr, served.labels))}"
        )


def _class_of(served: Served, label: Code) -> int | None:
    """The position of the class with this label, or with this raw value of the target column."""
    if label in served.labels:
        return served.labels.index(str(label))
    found = served.bundle.contract.class_of(label)
    if found is None and isinstance(label, str) and label.isdecimal() and len(label) <= _LONGEST_NUMBER:
        return served.bundle.contract.class_of(int(label))
    return found


def _from_json(body: bytes) -> list[Any]:
    content = load_object(body, _EXAMPLE)
    items = content.get("truth")
    if not isinstance(items, list):
        raise MalformedRequest(f'the body has no list "truth"; send {_EXAMPLE}')
    if len(content) > 1:
        unknown = ", ".join(shown(name) for name in content if name != "truth")
        raise MalformedRequest(f'the body has {unknown} besides "truth"; send {_EXAMPLE}')
    return items


def _csv_example(served: Served) -> str:
    return _CSV_EXAMPLE if served.is_binary else f"{_CSV_EXAMPLE}{_OF_EACH}"


def _from_csv(served: Served, body: bytes) -> list[dict[str, Any]]:
    example = _csv_example(served)
    try:
        reader = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedRequest(f"the body is no CSV in UTF-8: {error}; send {example}") from None
    columns = set(reader.fieldnames or ())
    if not {"id", "label"} <= columns <= _COLUMNS:
        names = ", ".join(map(shown, reader.fieldnames or ())) or "none"
        raise MalformedRequest(f"the columns are {names}; send {example}")
    ragged = [position for position, row in enumerate(rows) if None in row]
    if ragged:
        raise MalformedRequest(f"truth {ragged[0]} has more cells than the header; send {example}")
    reads = {"row": int, "probability": float if served.is_binary else _floats}
    return [dict(_cells(row, reads)) for row in rows]


def _floats(text: str) -> list[float]:
    return [float(word) for word in text.split()]


def _cells(row: dict[str, str | None], reads: Mapping[str, Callable[[str], Any]]) -> Iterable[tuple[str, Any]]:
    """A row's cells as JSON would have them; an empty one is left out, and what is no number is for pydantic to say."""
    for name, text in row.items():
        if not text:
            continue
        value: Any = text
        if name in reads:
            with suppress(ValueError):
                value = reads[name](text)
        yield name, value


def _problem(path: tuple[int | str, ...], message: str) -> str:
    position, *field = path
    where = f"truth {position}" + (f", {field[0]}" if field else "")
    return f"{where}: {message[:1].lower()}{message[1:]}"
