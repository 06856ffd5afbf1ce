"""A wrong contract is told with its line, its field and its rule; a right one is read as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from contract.document import load_contract
from contract.encoding import RULES
from contract.errors import InvalidContract, UnreadableContract

if TYPE_CHECKING:
    from pathlib import Path


class Write(Protocol):
    def __call__(self, old: str, new: str) -> Path: ...


@pytest.fixture
def write(tmp_path: Path, parcels_text: str) -> Write:
    """Write the contract of parcels with one thing changed."""

    def changed(old: str, new: str) -> Path:
        assert old in parcels_text, f"{old!r} is not in the contract"
        path = tmp_path / "contract.yaml"
        path.write_text(parcels_text.replace(old, new, 1), encoding="utf-8")
        return path

    return changed


def line_of(path: Path, words: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if words in line)


class Broken(NamedTuple):
    """What is changed to what, words on the line that the error must name, the field and the rule."""

    old: str
    new: str
    words: str
    field: str
    rule: str


BROKEN = {
    "unknown field": Broken(
        "licence: CC0 1.0",
        "license: CC0 1.0\nlicence: CC0 1.0",
        "license",
        "license",
        "is no field of a contract; remove it or correct its name",
    ),
    "unknown field of a feature": Broken(
        "unit: kg",
        "units: kg",
        "units",
        "features[0] (weight).units",
        "is no field of a contract; remove it or correct its name",
    ),
    "missing field": Broken(
        "title: Parcels\n",
        "",
        "format",
        "title",
        "is required",
    ),
    "missing field of a feature": Broken(
        "    description: Weight\n",
        "",
        "name: weight",
        "features[0] (weight).description",
        "is required",
    ),
    "empty text": Broken(
        "title: Parcels\n",
        'title: ""\n',
        "title",
        "title",
        "must not be empty",
    ),
    "unknown kind": Broken(
        "kind: integer",
        "kind: int",
        "kind: int",
        "features[1] (stops).kind",
        "must be one of 'numeric', 'integer', 'boolean', 'categorical', not 'int'",
    ),
    "no kind": Broken(
        "    kind: integer\n",
        "",
        "name: stops",
        "features[1] (stops).kind",
        "is required",
    ),
    "feature without a name": Broken(
        "  - name: stops\n    kind: integer\n",
        "  - kind: integer\n",
        "kind: integer",
        "features[1].name",
        "is required",
    ),
    "feature that is text": Broken(
        "  - name: zone\n",
        "  - zone\n  - name: zone\n",
        "- zone",
        "features[4]",
        "must be an object, not 'zone'",
    ),
    "range upside down": Broken(
        "range: {min: 0, max: 9}",
        "range:\n      max: 9\n      min: 12",
        "min: 12",
        "features[1] (stops).range.min",
        "must be below max (9), not 12",
    ),
    "range of text": Broken(
        "range: {min: 0, max: 9}",
        "range: {min: '0', max: 9}",
        "min: '0'",
        "features[1] (stops).range.min",
        "must be a valid number, not '0'",
    ),
    "range without an end": Broken(
        "range: {min: 0, max: 9}",
        "range: {min: 0, max: .inf}",
        ".inf",
        "features[1] (stops).range.max",
        "must be a finite number, not .inf",
    ),
    "usual range outside": Broken(
        "usual: {min: 0.5, max: 10}",
        "usual: {min: 0.5, max: 1234567}",
        "1234567",
        "features[0] (weight).usual",
        "must lie within range (0.1 to 30), not 0.5 to 1234567",
    ),
    "feature twice": Broken(
        "  - name: zone\n",
        "  - {name: fragile, kind: boolean, description: Again}\n  - name: zone\n",
        "Again",
        "features[4] (fragile).name",
        "fragile stands more than once; keep one",
    ),
    "category twice": Broken(
        "value: nite",
        "value: std",
        "overnight",
        "features[3] (service).categories[2].value",
        "'std' stands more than once; keep one",
    ),
    "label twice": Broken(
        "label: overnight",
        "label: express",
        "nite",
        "features[3] (service).categories[2].label",
        "'express' stands more than once; keep one",
    ),
    "one category": Broken(
        "      - {value: exp, label: express}\n      - {value: nite, label: overnight}\n",
        "",
        "categories:",
        "features[3] (service).categories",
        "needs at least 2 entries, not 1",
    ),
    "codes of two types": Broken(
        "value: nite",
        "value: 7",
        "categories:",
        "features[3] (service).categories",
        "the values must be all whole numbers or all text",
    ),
    "marker that is a category": Broken(
        "description: Zone of the tariff",
        "description: Zone\n    missing: {markers: [0, 3]}",
        "[0, 3]",
        "features[4] (zone).missing.markers[1]",
        "3 is a category, so it can't mean missing",
    ),
    "marker that is a truth": Broken(
        "markers: [unknown]",
        "markers: [0]",
        "markers: [0]",
        "features[2] (fragile).missing.markers",
        "0 and 1 mean false and true, so they can't mean missing",
    ),
    "marker of another type": Broken(
        "markers: [n/a]",
        "markers: [n/a, -1]",
        "n/a",
        "features[3] (service).missing.markers[1]",
        "must be text, as the categories are; put it in quotes",
    ),
    "code with a fraction": Broken(
        "value: 3,",
        "value: 3.5,",
        "3.5",
        "features[4] (zone).categories[1].value",
        "must be a whole number or text, not 3.5",
    ),
    "code that is a truth": Broken(
        "[punctual]",
        "[punctual, yes]",
        "punctual",
        "target.classes[1].values[1]",
        "must be a whole number or text, not yes",
    ),
    "code too large": Broken(
        "value: 3,",
        "value: 1000000000000000,",
        "abroad}",
        "features[4] (zone).categories[1].value",
        "must be text or a whole number of at most 15 digits, not 1000000000000000",
    ),
    "class twice": Broken(
        "label: on time",
        "label: late",
        "punctual",
        "target.classes[1].label",
        "'late' names two classes; each needs a label of its own",
    ),
    "value of two classes": Broken(
        "[punctual]",
        "[punctual, lost]",
        "punctual",
        "target.classes[1].values[1]",
        "'lost' stands more than once; keep one",
    ),
    "values of two types": Broken(
        "[punctual]",
        "[0]",
        "classes",
        "target.classes",
        "the values must be all whole numbers or all text",
    ),
    "one class": Broken(
        "    - {label: on time, values: [punctual]}\n",
        "",
        "classes",
        "target.classes",
        "needs at least 2 entries, not 1",
    ),
    "three classes": Broken(
        "[punctual]}",
        "[punctual]}\n    - {label: early, values: [early]}",
        "positive",
        "target.positive",
        "names one class to be found, but there are 3; remove it",
    ),
    "positive that is no class": Broken(
        "positive: late",
        "positive: lost",
        "positive",
        "target.positive",
        "positive is 'lost', which is no class; the classes are late, on time",
    ),
    "target as a feature": Broken(
        "column: arrived",
        "column: zone",
        "name: zone",
        "features[4] (zone).name",
        "zone is the target, so it can't be a feature; remove one of the two",
    ),
    "excluded column as a feature": Broken(
        "column: signature",
        "column: stops",
        "name: stops",
        "features[1] (stops).name",
        "stops is excluded, so it can't be a feature; remove one of the two",
    ),
    "id as a feature": Broken(
        "id_column: parcel",
        "id_column: stops",
        "name: stops",
        "features[1] (stops).name",
        "stops is the id_column, so it can't be a feature; remove one of the two",
    ),
    "grouped without groups": Broken(
        "method: stratified",
        "method: grouped",
        "split",
        "split.method",
        "is 'grouped', which needs group_column; name it",
    ),
    "by time without times": Broken(
        "method: stratified",
        "method: time",
        "split",
        "split.method",
        "is 'time', which needs time_column; name it",
    ),
    "unknown way to split": Broken(
        "method: stratified",
        "method: random",
        "split",
        "split.method",
        "must be 'stratified', 'grouped' or 'time', not 'random'",
    ),
    "nothing held out": Broken(
        "held_out: 0.25",
        "held_out: 0",
        "split",
        "split.held_out",
        "must be greater than 0, not 0",
    ),
    "seed that is text": Broken(
        "seed: 3",
        'seed: "3"',
        "split",
        "split.seed",
        "must be a valid integer, not '3'",
    ),
    "seed with a fraction": Broken(
        "seed: 3",
        "seed: 3.0",
        "split",
        "split.seed",
        "must be a valid integer, not 3.0",
    ),
    "threshold beyond 1": Broken(
        "value: 0.5",
        "value: 1.9",
        "threshold",
        "decision.threshold.value",
        "must be less than or equal to 1, not 1.9",
    ),
    "floor that is a truth": Broken(
        "floors: {roc_auc: 0.6}",
        "floors: {roc_auc: true}",
        "floors",
        "decision.floors.roc_auc",
        "must be a valid number, not true",
    ),
    "label that YAML takes for a truth": Broken(
        "label: abroad",
        "label: No",
        "label: No",
        "features[4] (zone).categories[1].label",
        "must be text, not No; put it in quotes",
    ),
    "allowed that is a number": Broken(
        "allowed: true",
        "allowed: 1",
        "allowed: 1",
        "features[1] (stops).missing.allowed",
        "must be a valid boolean, not 1",
    ),
    "list instead of text": Broken(
        "title: Parcels\n",
        "title: [Parcels]\n",
        "title",
        "title",
        "must be a valid string, not ['Parcels']",
    ),
    "name that is no DNS label": Broken(
        "name: parcels",
        "name: Parcels",
        "name: Parcels",
        "name",
        "must match pattern '^[a-z]([-a-z0-9]{0,40}[a-z0-9])?$', not 'Parcels'",
    ),
    "name of an external table": Broken(
        "  abroad: ",
        "  Abroad: ",
        "Abroad",
        "external.Abroad",
        "must match pattern '^[a-z][a-z0-9_]{0,62}$', not 'Abroad'",
    ),
    "example that isn't answered": Broken(
        "weight: 2.5",
        "weight: 250",
        "weight: 250",
        "examples[0].instance",
        "must be answered, but weight: 250 breaks 'out-of-range'; allowed: a number from 0.1 to 30",
    ),
    "example without a feature": Broken(
        "{weight: 2.5, ",
        "{",
        "instance",
        "examples[0].instance",
        "must be answered, but weight: (absent) breaks 'missing-feature'; allowed: a number from 0.1 to 30",
    ),
    "example refused for another reason": Broken(
        "refused: out-of-range",
        "refused: wrong-type",
        "refused",
        "examples[1].refused",
        "is 'wrong-type', but it breaks 'out-of-range'",
    ),
    "example that isn't refused": Broken(
        "weight: 31",
        "weight: 3",
        "refused",
        "examples[1].refused",
        "is 'out-of-range', but it breaks no rule",
    ),
    "example under an unknown rule": Broken(
        "refused: out-of-range",
        "refused: too-heavy",
        "refused",
        "examples[1].refused",
        f"'too-heavy' is no rule; the rules are {', '.join(RULES)}",
    ),
    "no example answered": Broken(
        "weight: 2.5, stops: 3, fragile: false, service: std, zone: 1}",
        "weight: 99}\n    refused: out-of-range",
        "examples",
        "examples",
        "at least one must be answered, but all have `refused`",
    ),
    "key twice": Broken(
        "    unit: kg\n",
        "    unit: kg\n    unit: lb\n",
        "lb",
        "features[0] (weight).unit",
        "stands more than once; keep one",
    ),
    "key that isn't text": Broken(
        "licence:",
        "yes: 1\nlicence:",
        "yes",
        "the contract",
        "has the key yes, which isn't text; put it in quotes",
    ),
    "key that is a list": Broken(
        "licence:",
        "? [a, b]\n: c\nlicence:",
        "? [a, b]",
        "the contract",
        "has the key […], which isn't text; put it in quotes",
    ),
    "tag": Broken(
        "title: Parcels\n",
        "title: !!python/name:os.system x\n",
        "title",
        "title",
        "has the tag !!python/name:os.system, which no contract needs; remove it",
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_told_with_line_and_field(write: Write, broken: Broken) -> None:
    path = write(broken.old, broken.new)
    with pytest.raises(InvalidContract) as refused:
        load_contract(path)
    assert str(refused.value) == f"{path}:{line_of(path, broken.words)}: {broken.field}: {broken.rule}"


class Unreadable(NamedTuple):
    """What is changed to what, and how the error goes on after the file's name."""

    old: bytes
    new: bytes
    words: str


UNREADABLE = {
    "tab": Unreadable(
        b"format: 1\n",
        b"format: 1\n\tname: parcels\n",
        ":3: is not valid YAML: while scanning for the next token found character '\\t' that cannot start any token; "
        "indent with spaces, not tabs",
    ),
    "bracket left open": Unreadable(
        b"seed: 3}",
        b"seed: 3",
        ":61: is not valid YAML: while parsing a flow mapping expected ',' or '}', but got ':'",
    ),
    "two documents": Unreadable(
        b"format: 1\n",
        b"format: 1\n---\n",
        ":3: is not valid YAML: expected a single document in the stream but found another document",
    ),
    "control character": Unreadable(
        b"name: parcels", b"name: par\x07cels", ":3: has a control character, which YAML doesn't allow"
    ),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_yaml_is_told_with_its_line(tmp_path: Path, parcels_text: str, case: Unreadable) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(parcels_text.encode().replace(case.old, case.new, 1))
    with pytest.raises(UnreadableContract) as refused:
        load_contract(path)
    assert str(refused.value) == f"{path}{case.words}"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "null", "- format: 1", "just words", "42"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableContract) as refused:
        load_contract(path)
    assert str(refused.value) == f"{path}:1: a contract is a mapping; start with `format: 1`"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("title: Café".encode("latin-1"), "is not UTF-8 text (byte 10); save it as UTF-8"),
        (b"[" * 5000, "is nested too deeply"),
        (b"format: !!int one", "has a number or a truth value that can't be read"),
        (b"format: !!bool maybe", "has a number or a truth value that can't be read"),
        (b"format: " + b"1" * 5000, "has a number or a truth value that can't be read"),
        (b"format: !!float some", "has a number or a truth value that can't be read"),
    ],
)
def test_what_cannot_be_parsed_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableContract) as refused:
        load_contract(path)
    assert str(refused.value) == f"{path}: {rule}"


def test_an_absent_file_and_a_directory_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableContract) as absent:
        load_contract(tmp_path / "contract.yaml")
    assert str(absent.value) == f"{tmp_path / 'contract.yaml'}: can't be read: No such file or directory"
    with pytest.raises(UnreadableContract) as directory:
        load_contract(str(tmp_path))
    assert str(directory.value) == f"{tmp_path}: can't be read: Is a directory"


def test_all_broken_rules_are_listed_in_the_order_of_the_file(tmp_path: Path, parcels_text: str) -> None:
    path = tmp_path / "contract.yaml"
    text = parcels_text.replace("value: 0.5", "value: 1.9").replace("kind: integer", "kind: int")
    path.write_text(text.replace("title: Parcels\n", "").replace("seed: 3", 'seed: "3"'), encoding="utf-8")
    with pytest.raises(InvalidContract) as refused:
        load_contract(path)
    fields = ["title", "features[1] (stops).kind", "split.seed", "decision.threshold.value"]
    assert [problem.field for problem in refused.value.problems] == fields
    lines = [line_of(path, words) for words in ("format", "kind: int", "seed", "threshold")]
    assert [problem.line for problem in refused.value.problems] == lines == sorted(lines)
    assert len(str(refused.value).splitlines()) == 4


def test_contradictions_are_listed_together_too(tmp_path: Path, parcels_text: str) -> None:
    path = tmp_path / "contract.yaml"
    text = parcels_text.replace("method: stratified", "method: time").replace("column: signature", "column: stops")
    path.write_text(text.replace("name: zone", "name: weight"), encoding="utf-8")
    with pytest.raises(InvalidContract) as refused:
        load_contract(path)
    fields = ["features[1] (stops).name", "features[4] (weight).name", "split.method", "examples[0].instance"]
    assert [problem.field for problem in refused.value.problems] == fields


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("format: 1\nname: &again [*again]\n", "name[0]"),
        ("format: 1\nname: &again {again: *again}\n", "name.again"),
        ("name: &lol lol\ntitle: &two [*lol, *lol]\nlicence: [*two, *two]\n", "title[0]"),
    ],
    ids=["list within itself", "mapping within itself", "multiplied"],
)
def test_aliases_neither_loop_nor_multiply(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidContract) as refused:
        load_contract(path)
    assert refused.value.problems[0].field == field
    assert {problem.rule for problem in refused.value.problems} == {"is an alias (*) of another part; write it out"}


def test_a_long_value_is_shortened(write: Write) -> None:
    with pytest.raises(InvalidContract) as refused:
        load_contract(write("name: parcels", f"name: {'P' * 500}"))
    assert refused.value.problems[0].rule.endswith(f", not '{'P' * 58}…")


def test_values_that_hold_more_than_json_reads_are_refused(write: Write) -> None:
    deep = "[" * 250 + "]" * 250
    with pytest.raises(InvalidContract, match="the contract: "):
        load_contract(write("weight: 2.5", f"weight: {deep}"))


def test_a_contract_is_read_as_it_stands(parcels_text: str, tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text("\ufeff" + parcels_text.replace("title: Parcels\n", "title: 2026-01-01\n"), encoding="utf-8")
    contract = load_contract(path)
    assert contract.feature_names == ["weight", "stops", "fragile", "service", "zone"]
    assert contract.title == "2026-01-01", "a date stays text"
    assert contract.features[1].missing.markers == (-1,)
    assert contract.examples[0].instance == {"weight": 2.5, "stops": 3, "fragile": False, "service": "std", "zone": 1}
    assert contract.decision.floors.sensitivity is None
    assert load_contract(str(path)) == contract
