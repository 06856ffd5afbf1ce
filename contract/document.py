"""Reading a contract file so that an error points at its line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import yaml
from pydantic import ValidationError

from contract.errors import Inconsistent, InvalidContract, Problem, UnreadableContract
from contract.schema import Contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

_Path = tuple[str | int, ...]

_TEXT = "tag:yaml.org,2002:str"
_FLOAT = "tag:yaml.org,2002:float"
_TAGS = {_TEXT, _FLOAT, *(f"tag:yaml.org,2002:{name}" for name in ("int", "bool", "null", "seq", "map"))}
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is no field of a contract; remove it or correct its name",
    "union_tag_not_found": "is required",
    "union_tag_invalid": "must be one of {expected_tags}, not '{tag}'",
    "string_too_short": "must not be empty",
    "too_short": "needs at least {min_length} entries, not {actual_length}",
    "too_long": "may have at most {max_length} entries, not {actual_length}",
}
_LONGEST_SHOWN = 60


class _PlainLoader(yaml.SafeLoader):
    """YAML as JSON has it: no timestamps (`2021-03-01` stays text), and `_flaws` refuses what else JSON lacks."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_contract(path: Path | str) -> Contract:
    """Read and check a contract.

    Raises `UnreadableContract` if there is no such YAML file and `InvalidContract` with every broken rule otherwise.
    Rules about several fields together are checked once each field is right by itself.
    """
    path = Path(path)
    root, data = _parsed(path, _text(path))
    try:
        return Contract.model_validate_json(data)
    except ValidationError as error:
        found = [problem for detail in error.errors() for problem in _problems(root, detail)]
        raise InvalidContract(path, found) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableContract(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UnreadableContract(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def _parsed(path: Path, text: str) -> tuple[yaml.MappingNode, str]:
    """The file's nodes, which know their lines, and its content as JSON."""
    try:
        loader = _PlainLoader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise UnreadableContract(f"{path}:1: a contract is a mapping; start with `format: 1`")
        found = _flaws(root, (), _line(root), set())
        flaws = [Problem(line, _located(root, where).field, rule) for where, line, rule in found]
        if flaws:
            raise InvalidContract(path, flaws)
        return root, json.dumps(loader.construct_document(root))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableContract(f"{path}:{line}: has a control character, which YAML doesn't allow") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        words = [part for part in (error.context, error.problem) if part]
        hint = "; indent with spaces, not tabs" if "\\t" in str(error.problem) else ""
        raise UnreadableContract(f"{path}:{line}: is not valid YAML: {' '.join(words)}{hint}") from None
    except RecursionError:
        raise UnreadableContract(f"{path}: is nested too deeply") from None
    except (ValueError, KeyError):
        raise UnreadableContract(f"{path}: has a number or a truth value that can't be read") from None


def _flaws(node: yaml.Node, where: _Path, line: int, seen: set[int]) -> Iterator[tuple[_Path, int, str]]:
    """What YAML allows and a contract doesn't: aliases, foreign tags, infinite numbers, odd and repeated keys."""
    if id(node) in seen:
        yield where, line, "is an alias (*) of another part; write it out"
        return
    seen.add(id(node))
    if node.tag not in _TAGS:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        yield where, line, f"has the tag {tag}, which no contract needs; remove it"
    elif isinstance(node, yaml.ScalarNode) and not _is_finite(node):
        yield where, line, f"must be a finite number, not {node.value}"
    elif isinstance(node, yaml.SequenceNode):
        for position, child in enumerate(node.value):
            yield from _flaws(child, (*where, position), _line(child), seen)
    elif isinstance(node, yaml.MappingNode):
        yield from _flaws_of_mapping(node, where, seen)


def _flaws_of_mapping(node: yaml.MappingNode, where: _Path, seen: set[int]) -> Iterator[tuple[_Path, int, str]]:
    names: set[str] = set()
    for key, child in node.value:
        if key.tag != _TEXT:
            name = key.value if isinstance(key, yaml.ScalarNode) else "[…]"
            yield where, _line(key), f"has the key {name}, which isn't text; put it in quotes"
            continue
        if key.value in names:
            yield (*where, key.value), _line(key), "stands more than once; keep one"
        names.add(key.value)
        yield from _flaws(child, (*where, key.value), _line(key), seen)


def _is_finite(node: yaml.ScalarNode) -> bool:
    return node.tag != _FLOAT or math.isfinite(_PlainLoader("").construct_yaml_float(node))


def _problems(root: yaml.MappingNode, detail: ErrorDetails) -> Iterator[Problem]:
    """Turn one of pydantic's findings into ours, with the line that its location leads to."""
    where = detail["loc"]
    if where[:1] == ("features",):
        where = (*where[:2], *where[3:])  # pydantic names the kind here, which is no part of the path
    if where[-1:] == ("[key]",):
        where = where[:-1]
    if detail["type"].startswith("union_tag"):
        where = (*where, "kind")
    context = detail.get("ctx", {})
    if isinstance(context.get("error"), Inconsistent):
        broken = [((*where, *path), rule) for path, rule in context["error"].problems]
    elif detail["type"] == "too_short" and len(detail["input"]) >= context["min_length"]:
        broken = []  # there are enough, but some are wrong and were reported by themselves
    else:
        broken = [(where, _rule(detail, _located(root, where).node))]
    for path, rule in broken:
        place = _located(root, path)
        yield Problem(place.line, place.field, rule)


def _rule(detail: ErrorDetails, node: yaml.Node) -> str:
    if detail["type"] in _WORDS:
        return _WORDS[detail["type"]].format(**detail.get("ctx", {}))
    found = _found(node, detail["input"])
    if detail["type"] == "string_type" and isinstance(node, yaml.ScalarNode):
        return f"must be text, not {found}; put it in quotes"
    words = detail["msg"].removeprefix("Value error, ")
    return f"{re.sub('^[A-Z][a-z]+ should', 'must', words)}, not {found}"


class _Place(NamedTuple):
    node: yaml.Node
    line: int
    field: str


def _located(root: yaml.MappingNode, where: _Path) -> _Place:
    """Walk as far as the file goes: a field that isn't there has the line of what should hold it."""
    place = _Place(root, _line(root), "")
    for depth, part in enumerate(where):
        node, line = _child(place.node, part) or (place.node, place.line)
        field = f"{place.field}[{part}]" if isinstance(part, int) else f"{place.field}.{part}".lstrip(".")
        if depth == 1 and where[0] == "features":
            field += _name_of(node)
        place = _Place(node, line, field)
    return place._replace(field=place.field or "the contract")


def _child(node: yaml.Node, part: int | str) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], _line(node.value[part])
    if isinstance(node, yaml.MappingNode):
        return next(((value, _line(key)) for key, value in node.value if key.value == part), None)
    return None


def _name_of(feature: yaml.Node) -> str:
    name = _child(feature, "name")
    return f" ({name[0].value})" if name and isinstance(name[0], yaml.ScalarNode) else ""


def _line(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1


def _found(node: yaml.Node, value: object) -> str:
    """A wrong value as it stands in the file: YAML reads `yes` as true, which would puzzle who wrote it."""
    text = node.value if isinstance(node, yaml.ScalarNode) and not isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
