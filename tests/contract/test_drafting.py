"""A drafted contract: valid as it is, with a mark at every guess, and true to the table."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.document import load_contract
from contract.draft_lines import inline
from contract.drafting import check_writable, default_name, draft, model_name, write
from contract.encoding import Encoder
from contract.errors import UnusableTable, UnusableTarget, UnwritableDraft
from contract.features import CategoricalFeature, IntegerFeature, NumericFeature
from contract.schema import Contract

HEART = Path(__file__).resolve().parents[2] / "datasets" / "heart"
SHOP = """\
Customer ID,Age,Plan,Score,Signed up,Note,Always,churned
a1,31,basic,0.5,2021-03-01,?,1,no
b2,45,plus,-1,2021-03-02,"call, again",1,no
c3,28,basic,2.25,2021-03-02,,1,yes
d4,,plus,0.75,2021-03-04,"call, again",1,no
e5,52,basic,1.5,2021-03-05,x,1,yes
f6,39,plus,3,2021-03-05,x,1,no
"""


def drafted(tmp_path: Path, text: str, target: str = "y", positive: str | None = None) -> tuple[Contract, str]:
    """The contract drafted of a table, read again as any contract is, and its text."""
    source, output = tmp_path / "table.csv", tmp_path / "contract.yaml"
    source.write_text(text, encoding="utf-8")
    found = draft(source, target, output, positive=positive)
    write(found, output)
    return load_contract(output), found.text


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Contract, str]:
    return drafted(tmp_path_factory.mktemp("shop"), SHOP, "churned")


def test_features_exclusions_and_the_id(shop: tuple[Contract, str]) -> None:
    contract, _ = shop
    kinds = {feature.name: (feature.column, feature.kind) for feature in contract.features}
    assert kinds == {
        "age": ("Age", "integer"),
        "plan": ("Plan", "categorical"),
        "score": ("Score", "numeric"),
        "note": ("Note", "categorical"),
    }
    assert contract.id_column == "Customer ID"
    assert {item.column: item.reason for item in contract.excluded} == {
        "Signed up": "dates, which no model reads as they are",
        "Always": "constant: no row has anything but 1",
    }


def test_missing_values_and_ranges(shop: tuple[Contract, str]) -> None:
    contract, _ = shop
    age, plan, score, note = contract.features
    assert contract.missing_markers == ("", "?")
    assert isinstance(age, IntegerFeature)
    assert isinstance(score, NumericFeature)
    assert (age.missing.allowed, plan.missing.allowed, note.missing.allowed) == (True, False, True)
    assert (score.missing.markers, score.missing.allowed) == ((-1,), True)
    assert age.usual
    assert (age.range.min, age.usual.min, age.usual.max, age.range.max) == (0, 28, 52, 80)


def test_target_split_and_decision(shop: tuple[Contract, str]) -> None:
    contract, text = shop
    assert contract.target.labels == ("no", "yes")
    assert contract.target.positive == "yes"
    assert (contract.split.method, contract.split.held_out) == ("stratified", 0.2)
    assert contract.decision.metric == "roc_auc"
    assert contract.decision.threshold
    assert contract.decision.floors.roc_auc == 0.55
    assert "which one is to be found? This one is 33.3 % of the rows" in text
    assert "# review: 2 rows: too few to hold any out and learn from the rest" in text


def test_the_table_it_was_drafted_from_is_pinned(shop: tuple[Contract, str]) -> None:
    contract, _ = shop
    assert contract.training.location == "table.csv"
    assert contract.training.sha256 == hashlib.sha256(SHOP.encode()).hexdigest()
    assert contract.name == "table"


def test_examples_are_a_row_of_each_class(shop: tuple[Contract, str]) -> None:
    contract, _ = shop
    assert [(example.title, example.instance) for example in contract.examples] == [
        ("line 6 of the table, churned yes", {"age": 52, "plan": "basic", "score": 1.5, "note": "x"}),
        ("line 3 of the table, churned no", {"age": 45, "plan": "plus", "score": None, "note": "call, again"}),
    ]


def test_every_guess_is_marked_with_what_was_seen(shop: tuple[Contract, str]) -> None:
    _, text = shop
    lines = text.splitlines()
    guessed = r"(name: [a-z-]+$|title|description|licence|citation|kind|unit|missing|range|usual|categories|classes)"
    for at, line in enumerate(lines):
        if re.match(
            rf"( {{4}})?{guessed}|  - \{{column|  positive|id_column|split|  metric|  threshold|  floors", line
        ):
            assert "# review: " in line or "# review: " in lines[at - 1], line
    for seen in (
        "1 row (16.7 %) without a value, for which -1 is taken; if that tells something by itself",
        "an empty cell 2 times, '?' once",
        "Seen: 28 to 52",
        "time_column: Signed up",
        "no row repeats another",
        "every row has another text, so it names rows",
    ):
        assert seen in text


def test_three_classes_have_neither_positive_nor_threshold(tmp_path: Path) -> None:
    rows = "".join(f"{i / 4},{i % 3}\n" for i in range(30))
    contract, text = drafted(tmp_path, f"a,y\n{rows}")
    assert contract.target.labels == ("0", "1", "2")
    assert contract.target.positive is None
    assert contract.decision.threshold is None
    assert "positive:" not in text


@pytest.mark.parametrize(("positive", "label"), [(None, "1"), ("0", "0"), ("1", "1"), ("1.0", "1"), (" 0 ", "0")])
def test_the_positive_class_is_the_rarer_or_the_one_wanted(tmp_path: Path, positive: str | None, label: str) -> None:
    rows = "".join(f"{i / 4},{int(i % 4 == 0)}.0\n" for i in range(20))
    contract, _ = drafted(tmp_path, f"a,y\n{rows}", positive=positive)
    assert contract.target.positive == label
    assert [item.values for item in contract.target.classes] == [(0,), (1,)]


def test_of_two_classes_as_frequent_the_last_is_positive(tmp_path: Path) -> None:
    contract, _ = drafted(tmp_path, "a,y\n1.5,no\n2,yes\n2.5,no\n3,yes\n")
    assert contract.target.positive == "yes"


def test_rows_that_repeat_are_said_and_do_not_stop_a_run(tmp_path: Path) -> None:
    contract, text = drafted(tmp_path, "a,y\n1.5,0\n2,1\n1.5,0\n")
    assert contract.duplicates == "warn"
    assert "1 row repeats another" in text


def test_rows_may_repeat_once_a_column_is_left_out(tmp_path: Path) -> None:
    rows = "".join(f"{i % 5 + 0.5},2021-03-0{i % 9 + 1},{i % 2}\n" for i in range(40))
    assert drafted(tmp_path, f"a,day,y\n{rows}")[0].duplicates == "warn"


def test_rows_without_a_target_are_said(tmp_path: Path) -> None:
    _, text = drafted(tmp_path, "a,y\n1.5,0\n2,1\n1.75,\n3,1\n")
    assert "column: y  # review: 1 row without a value stops a run: remove it" in text


def test_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    contract, text = drafted(tmp_path, ",a,y\n0,1.5,0\n1,2,1\n2,5,0\n")
    assert contract.feature_names == ["a"]
    assert contract.excluded == ()
    assert "# review: column 1 has no name, so it is left out" in text


def test_a_feature_never_takes_the_name_of_another_column(tmp_path: Path) -> None:
    contract, _ = drafted(tmp_path, "Y,y,note a,note_a\n1.5,0,1.5,7\n2,1,2.5,7\n2.5,1,3.5,7\n")
    assert contract.feature_names == ["y_2", "note_a_2"]


NASTY = [
    '"',
    "a: b # c",
    "- x",
    "{",
    "yes",
    "null",
    "1e5",
    "2021-03-01 and more",
    "é",
    "\u2028",
    "'",
    "%",
    "line\nbreak",
    "\x85",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_survives_yaml(text: str) -> None:
    line = inline(text)
    assert "\n" not in line
    assert yaml.safe_load(f"{{a: {line}}}") == {"a": text}


def test_words_that_yaml_reads_as_truth_or_nothing_stay_names_and_labels(tmp_path: Path) -> None:
    rows = "".join(f"{i + 0.5},{i + 0.5},{'on' if i % 3 else 'off'},{'yes' if i % 2 else 'no'}\n" for i in range(20))
    source, output = tmp_path / "true.csv", tmp_path / "contract.yaml"
    source.write_text(f"no,null,on,y\n{rows}", encoding="utf-8")
    write(draft(source, "y", output), output)
    contract = load_contract(output)
    assert (contract.name, contract.feature_names) == ("true", ["no", "null", "on"])
    assert contract.target.labels == ("no", "yes")


def test_odd_names_and_categories_survive_the_file(tmp_path: Path) -> None:
    odd = [text for text in NASTY if text.strip() and text != "null"]
    source, output = tmp_path / "odd: #1.csv", tmp_path / "contract.yaml"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["a: #", '"q"', "line\nbreak", "y"])
        writer.writerows([odd[i % len(odd)], i + 0.5, odd[i % 2], odd[i % 3]] for i in range(60))
    write(draft(source, "y", output), output)
    contract = load_contract(output)
    assert [feature.column for feature in contract.features] == ["a: #", '"q"', "line\nbreak"]
    assert isinstance(contract.features[0], CategoricalFeature)
    assert set(contract.features[0].values) == set(odd)
    assert contract.training.location == "odd: #1.csv"


def test_the_heart_table_is_drafted_as_its_contract_has_it(tmp_path: Path, heart: Contract) -> None:
    output = tmp_path / "contract.yaml"
    write(draft(HEART / "cleveland.csv", "num", output), output)
    contract = load_contract(output)
    assert contract.feature_names == heart.feature_names
    assert (output.parent / str(contract.training.location)).resolve() == HEART / "cleveland.csv"
    assert contract.training.sha256 == heart.training.sha256
    differing = {
        (mine.name, mine.kind, theirs.kind)
        for mine, theirs in zip(contract.features, heart.features, strict=True)
        if mine.kind != theirs.kind
    }
    assert differing == {("sex", "boolean", "categorical")}
    allowed = {feature.name for feature in contract.features if feature.missing.allowed}
    assert allowed == {"ca", "thal"}


CELLS = st.one_of(
    st.sampled_from(["", "?", "NA", "-1", "0", "1", "true", "01", "999", "x", "inf", "1,5", "2021-03-01", "unknown"]),
    st.integers(-(10**18), 10**18).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_the_table_holds_its_draft_is_valid_or_refused_in_words(tmp_path: Path, data: st.DataObject) -> None:
    width, rows = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 15))
    names = data.draw(
        st.lists(
            st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=6),
            min_size=width,
            max_size=width,
        )
    )
    pools = [data.draw(st.lists(CELLS, min_size=1, max_size=6)) for _ in names]
    table = [[data.draw(st.sampled_from(pool)) for pool in pools] + [str(row % 2)] for row in range(rows)]
    source, output = tmp_path / "table.csv", tmp_path / "contract.yaml"
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*names, "the target"], *table])
    try:
        write(draft(source, "the target", output), output)
    except UnusableTable:
        return
    contract = load_contract(output)
    assert not Encoder(contract.features).from_records([example.instance for example in contract.examples]).violations


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,y\n1.5,0\n2,0\n", "the target 'y' has only 0 in 2 rows; a target needs two classes or more"),
        ("a,y\n1.5,\n2,?\n", "the target 'y' has no value in 2 rows"),
        ("a,y\n" + "".join(f"{i},{i}\n" for i in range(60)), "has 60 different values in 60 rows, and at most 50"),
        ("a,y\n" + "".join(f"{i},w{i}\n" for i in range(2000)), "has more than 1,000 different values in 2,000 rows"),
        ("a,y\n" + "".join(f"{i},{i / 8}\n" for i in range(60)), "has numbers with fractions, so it is an amount"),
    ],
)
def test_a_target_that_is_no_class_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UnusableTarget) as refused:
        drafted(tmp_path, text)
    assert words in str(refused.value)
    assert not (tmp_path / "contract.yaml").exists()


def test_a_positive_value_must_be_one_of_two(tmp_path: Path) -> None:
    with pytest.raises(UnusableTarget, match="has no value 'maybe' to be positive; it has 'no', 'yes'"):
        drafted(tmp_path, SHOP, "churned", "maybe")
    with pytest.raises(UnusableTarget, match="has 3 classes, and a positive one is that of two"):
        drafted(tmp_path, "a,y\n1.5,0\n2,1\n3,2\n", "y", "2")


def test_a_table_with_nothing_to_learn_from_is_refused_with_the_reason_of_each_column(tmp_path: Path) -> None:
    with pytest.raises(UnusableTable) as refused:
        drafted(tmp_path, "id,a,y\n1,5,0\n2,5,1\n")
    assert "has no column beside 'y' to learn from\n  id: every row has another number\n  a: constant" in str(
        refused.value
    )
    with pytest.raises(UnusableTable, match=r"has no column beside 'y' to learn from$"):
        drafted(tmp_path, "y\n0\n1\n")


def test_a_file_that_is_there_is_left_alone_unless_forced(tmp_path: Path) -> None:
    output = tmp_path / "contract.yaml"
    check_writable(output)
    output.write_text("mine", encoding="utf-8")
    with pytest.raises(UnwritableDraft, match="is there already; name another --output, or overwrite it with --force"):
        check_writable(output)
    check_writable(output, force=True)
    with pytest.raises(UnwritableDraft, match="there is no folder"):
        check_writable(tmp_path / "absent" / "contract.yaml")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("breast_cancer", "breast-cancer"),
        ("Größe 2", "grosse-2"),
        ("2021", "table-2021"),
        ("年", "table"),
        ("a" * 60, "a" * 42),
    ],
)
def test_names_of_models(text: str, name: str) -> None:
    assert model_name(text) == name


def test_a_folder_of_datasets_names_the_model_any_other_does_not(tmp_path: Path) -> None:
    listed = tmp_path / "datasets" / "heart"
    assert default_name(listed / "cleveland.csv", listed / "contract.yaml") == "heart"
    assert default_name(tmp_path / "cleveland.csv", tmp_path / "contract.yaml") == "cleveland"
