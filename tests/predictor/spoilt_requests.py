"""Requests made from a contract, and what can be done to spoil them.

The number of a request is the seed of its randomness: `spoilt(number, …)` makes the same one again.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contract.features import Feature

LENGTH = "Inference-Header-Content-Length"
PREDICT, EXPLAIN, INFER = "/v1/models/heart:predict", "/v1/models/heart:explain", "/v2/models/heart/infer"
LAYOUT = {"FP64": "<f8", "FP32": "<f4", "INT64": "<i8", "INT32": "<i4", "INT8": "<i1", "UINT8": "<u1", "BOOL": "?"}


class Token(str):
    """Text that goes into the JSON as it is, without quotes."""

    __slots__ = ()


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 63.5, -0.0, 5e-324, 1e308, -1e308, 1e22),
    *(2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**400, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        "63",
        "true",
        "NaN",
        "\0",
        "\ud800",
        "x" * 5_000,
        "𝒳é",
        "age",
        "?",
        [],
        {},
        [[]],
        [None],
        {"age": 63},
        [1, "a"],
    ),
    *map(Token, ("1e400", "-1e999999", "01", "1.", "+1", "0x10", "'a'", "nul", "", "1,", "}", "9" * 5_000)),
    *(Token("[" * depth + "]" * depth) for depth in (100, 1_200, 20_000)),
    Token('{"a":' * 3_000 + "1" + "}" * 3_000),
)
METHODS = ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE")
PATHS = (
    *(
        "/v1/models/lung:predict",
        "/v1/models/heart:",
        "/v1/models/:predict",
        "/v1/models/heart:predict/",
        "/v1/models/",
    ),
    *("/v1/models/heart:forecast", "/v1/models/%00:predict", "/v1/models/%ff%fe:predict", "/v1//models/heart:predict"),
    *(
        "/v2/models/lung/infer",
        "/v2/models/heart/versions/6/infer",
        "/v2/models/heart/versions//infer",
        "/v2/models//infer",
    ),
    *("/v2/models/../infer", "/v2/models/%2e%2e/infer", "/v2/models/heart%2Finfer", "/v2/models/heart/infer?x=%00"),
    *("/v2/models/heart/load", "/v2/repository/models/heart/unload", "/v2/repository/index", "/docs/../settings.py"),
    *(
        "/",
        "/nowhere",
        "/v2/models/heart",
        "/v2/models/heart/ready",
        "/v2/health/live",
        f"/v2/models/{'x' * 5_000}/infer",
    ),
)
CONTENT_TYPES = (
    *(
        "application/json",
        "application/json; charset=utf-8",
        "application/octet-stream",
        "text/plain",
        "application/xml",
    ),
    *("application/json; charset=utf-16", "", ";", "multipart/form-data; boundary=x", "x" * 5_000, "application/jsonx"),
)
ENCODINGS = ("gzip", "GZIP", "deflate", "br", "identity", "gzip, gzip", "x")
LENGTHS = ("0", "1", "-1", "", "abc", "1e3", "1.0", " 12 ", "9" * 30, "9" * 5_000, "\xb2", "0x10")


def value(chance: random.Random, feature: Feature) -> Any:
    """A value that the contract allows."""
    if feature.missing.allowed and chance.random() < 0.2:
        return chance.choice([None, *feature.missing.markers])
    match feature:
        case CategoricalFeature():
            return chance.choice(feature.values)
        case BooleanFeature():
            return chance.choice([True, False])
        case IntegerFeature():
            return chance.randint(int(feature.range.min), int(feature.range.max))
        case _:
            return round(chance.uniform(feature.range.min, feature.range.max), 3)


def v1_request(chance: random.Random, features: Sequence[Feature], rows: int) -> Request:
    instances: list[Any] = [{feature.name: value(chance, feature) for feature in features} for _ in range(rows)]
    if chance.random() < 0.5:
        instances = [list(instance.values()) for instance in instances]
    path = EXPLAIN if rows < 3 and chance.random() < 0.05 else PREDICT
    return Request("POST", path, {"Content-Type": "application/json"}, dumped({"instances": instances}))


def v2_request(chance: random.Random, features: Sequence[Feature], rows: int) -> Request:
    """Tensors by name or one matrix, as JSON or as bytes after it."""
    columns = {feature.name: [value(chance, feature) for _ in range(rows)] for feature in features}
    binary = chance.random() < 0.5
    if chance.random() < 0.4:
        flat = [None if cell is None else float(cell) for row in zip(*columns.values(), strict=True) for cell in row]
        inputs = [tensor("rows", "FP64", [rows, len(features)], flat)]
    else:
        inputs = [tensor(name, datatype(cells), [rows], cells) for name, cells in columns.items()]
        chance.shuffle(inputs)
    content: dict[str, Any] = {"id": f"{chance.random()}", "inputs": inputs}
    if chance.random() < 0.3:
        content["outputs"] = [{"name": name} for name in chance.sample(["label", "probability", "decision"], 2)]
    if chance.random() < 0.3:
        content["parameters"] = {"binary_data_output": True}
    if not binary:
        return Request("POST", INFER, {"Content-Type": "application/json"}, dumped(content))
    parts = []
    for one in inputs:
        parts.append(np.array(one.pop("data"), dtype=np.float64).astype(LAYOUT[one["datatype"]]).tobytes())
        one["parameters"] = {"binary_data_size": len(parts[-1])}
    head = dumped(content)
    headers = {"Content-Type": "application/octet-stream", LENGTH: str(len(head))}
    return Request("POST", INFER, headers, b"".join([head, *parts]))


def datatype(cells: Sequence[Any]) -> str:
    """A datatype that holds these cells; missing ones need NaN."""
    kinds = set(map(type, cells))
    if kinds == {bool}:
        return "BOOL"
    return "INT64" if kinds == {int} else "FP64"


def tensor(name: str, kind: str, shape: list[int], cells: list[Any]) -> dict[str, Any]:
    if kind == "FP64":
        cells = [None if cell is None else float(cell) for cell in cells]
    return {"name": name, "shape": shape, "datatype": kind, "data": cells}


def dumped(content: Any) -> bytes:
    """JSON, with what JSON doesn't have too: NaN, Infinity and tokens."""
    tokens: list[str] = []

    def marked(node: Any) -> Any:
        if isinstance(node, Token):
            tokens.append(node)
            return f"@{len(tokens) - 1}@"
        if isinstance(node, dict):
            return {key: marked(item) for key, item in node.items()}
        return [marked(item) for item in node] if isinstance(node, list) else node

    text = json.dumps(marked(content))
    return re.sub(r'"@(\d+)@"', lambda found: tokens[int(found[1])], text).encode() if tokens else text.encode()


def nodes(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON document: its container and the key or position there."""
    for key in list(content) if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from nodes(content[key])


def change_tree(chance: random.Random, request: Request) -> Request:
    """Replace, drop, repeat, rename or wrap something in the JSON; a header with its length stays right."""
    length = request.headers.get(LENGTH, str(len(request.body)))
    if not length.isascii() or not length.isdigit() or len(length) > 10:
        return request
    head, rest = request.body[: int(length)], request.body[int(length) :]
    try:
        content = {"": json.loads(head)}
    except (ValueError, RecursionError):
        return request
    container, key = chance.choice(list(nodes(content))[: chance.choice([5, 50, None])])
    match chance.randrange(7):
        case 0 if container is not content:
            del container[key]
        case 1 if isinstance(container, list):
            container.insert(key, container[key])
        case 2 if isinstance(container, dict) and container is not content:
            container[chance.choice(["", "Age", "age ", "\0", "x" * 300, "inputs", "name", "é"])] = container.pop(key)
        case 3:
            container[key] = [container[key]]
        case 4 if isinstance(container, list):
            chance.shuffle(container)
        case 5 if isinstance(container[key], int) and not isinstance(container[key], bool):
            container[key] += chance.choice([-1, 1, 2**31, 2**63])
        case _:
            container[key] = chance.choice(NASTY)
    head = dumped(content[""])
    headers = {**request.headers, LENGTH: str(len(head))} if LENGTH in request.headers else request.headers
    return request._replace(headers=headers, body=head + rest)


def change_bytes(chance: random.Random, request: Request) -> Request:
    """Spoil the body below the level of JSON."""
    body = request.body
    at = chance.randrange(len(body) + 1)
    match chance.randrange(9):
        case 0:
            body = body[:at]
        case 1:
            body = (
                body[:at]
                + chance.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0", b"\\u12", b'"', b"\xef\xbb\xbf"])
                + body[at:]
            )
        case 2:
            body = bytes(byte ^ (1 << chance.randrange(8)) if place == at else byte for place, byte in enumerate(body))
        case 3:
            body += chance.choice([b" ", b"\n", b"x", b"{}", b"\0" * 8, body])
        case 4:
            keys = list(re.finditer(rb'"(\w+)": ', body))
            if keys:
                found = chance.choice(keys)
                body = body[: found.start()] + found[0] + b"1, " + body[found.start() :]
        case 5:
            body = chance.choice([b"", b"{", b"null", b"[]", b"3", b'"x"', b"[" * 5_000, b"\xef\xbb\xbf" + body])
        case 6:
            body = chance.randbytes(chance.choice([1, 100, 10_000]))
        case 7:
            body = body[at:]
        case _:
            tail = chance.choice([8, 1, 104])
            body = body[:-tail] + chance.randbytes(tail)
    return request._replace(body=body)


def change_message(chance: random.Random, request: Request) -> Request:
    """Spoil what stands around the body."""
    headers = dict(request.headers)
    match chance.randrange(8):
        case 0:
            return request._replace(method=chance.choice(METHODS))
        case 1:
            return request._replace(path=chance.choice(PATHS))
        case 2:
            return request._replace(path=PREDICT if request.path == INFER else INFER)
        case 3:
            headers["Content-Type"] = chance.choice(CONTENT_TYPES)
        case 4:
            headers[LENGTH] = chance.choice([*LENGTHS, str(len(request.body) + chance.randint(-9, 9))])
        case 5:
            headers["Content-Encoding"] = chance.choice(ENCODINGS)
        case 6:
            headers["Transfer-Encoding"] = "chunked"
        case _:
            headers["Content-Encoding"] = "gzip"
            packed = gzip.compress(request.body, compresslevel=1, mtime=0)
            at = chance.randrange(len(packed))
            bomb = gzip.compress(bytes(2**25), compresslevel=9, mtime=0) if chance.random() < 0.02 else packed
            forms = [packed, packed[:at], packed[:at] + b"\xff" + packed[at + 1 :], packed + b"x", packed * 2, bomb]
            return request._replace(headers=headers, body=chance.choice(forms))
    return request._replace(headers=headers)


CHANGES: tuple[Callable[[random.Random, Request], Request], ...] = (
    change_tree,
    change_tree,
    change_bytes,
    change_message,
)


def spoilt(number: int, features: Sequence[Feature]) -> tuple[Request, int | None]:
    """Request `number`, and its rows if it was left as it was: then it must be answered."""
    chance = random.Random(number)
    rows = chance.choices([1, 2, 5, 30, 300], [50, 20, 20, 9, 1])[0]
    request = chance.choice([v1_request, v2_request])(chance, features, rows)
    changes = chance.choice([0, 1, 1, 1, 1, 2, 3])
    for _ in range(changes):
        request = chance.choice(CHANGES)(chance, request)
    return request, None if changes else rows
