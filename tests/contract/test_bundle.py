"""A bundle is served as it was sealed, or not at all; the error names the file."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.bundle import FILES, MANIFEST, load_bundle, seal, verify
from contract.encoding import Encoder
from contract.errors import BundleError, CorruptBundle, UnsupportedBundle

if TYPE_CHECKING:
    from pathlib import Path

    from contract.schema import Contract


@pytest.fixture(scope="module")
def spoilable(sealed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy for many examples of one test, each of which restores it."""
    return shutil.copytree(sealed, tmp_path_factory.mktemp("spoilable") / "bundle")


def rewritten(directory: Path, **changes: Any) -> None:
    """A manifest that agrees with itself, whatever it says."""
    path = directory / MANIFEST
    content = {**json.loads(path.read_bytes()), **changes}
    del content["digest"]
    content["digest"] = hashlib.sha256(canonical(content)).hexdigest()
    path.write_bytes(canonical(content))


def canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def refusal(directory: Path) -> str:
    with pytest.raises(CorruptBundle) as refused:
        load_bundle(directory)
    return str(refused.value)


def test_a_sealed_bundle_is_loaded_and_answers(sealed: Path, parcels: Contract, facts: dict[str, object]) -> None:
    bundle = load_bundle(str(sealed))
    assert bundle.directory == sealed
    assert bundle.contract == parcels
    assert bundle.manifest == verify(sealed)
    assert {name: getattr(bundle.manifest, name) for name in facts} == facts
    assert set(bundle.manifest.files) == set(FILES)
    assert [request.refused for request in bundle.golden.requests] == ["out-of-range"]
    assert [item.name for item in bundle.profile.features] == parcels.feature_names
    encoded = Encoder(parcels.features).from_records([parcels.examples[0].instance])
    answer = bundle.scorer(encoded.matrix)
    assert answer.probability.shape == (1,)
    assert answer.decided.tolist() == [int(answer.probability[0] >= 0.5)]


def test_the_manifest_tells_hash_and_size_of_every_file(sealed: Path) -> None:
    manifest = json.loads((sealed / MANIFEST).read_bytes())
    for name in FILES:
        content = (sealed / name).read_bytes()
        assert manifest["files"][name] == {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    digest = manifest.pop("digest")
    assert digest == hashlib.sha256(canonical(manifest)).hexdigest()


def test_sealing_twice_gives_the_same_manifest(copied: Path, facts: dict[str, object]) -> None:
    before = (copied / MANIFEST).read_bytes()
    again = seal(copied, dict(reversed(facts.items())))
    assert (copied / MANIFEST).read_bytes() == before
    assert again.digest == verify(copied).digest


def test_another_fact_or_file_gives_another_digest(copied: Path, facts: dict[str, object]) -> None:
    digests = {verify(copied).digest, seal(copied, {**facts, "version": "2"}).digest}
    (copied / "MODEL_CARD.md").write_text("# Other parcels\n", encoding="utf-8")
    digests.add(seal(copied, facts).digest)
    assert len(digests) == 3


@pytest.mark.parametrize("name", FILES)
def test_a_bundle_without_a_file_is_not_sealed(copied: Path, facts: dict[str, object], name: str) -> None:
    before = (copied / MANIFEST).read_bytes()
    (copied / name).unlink()
    with pytest.raises(CorruptBundle, match=f"{name}: can't be read: No such file or directory"):
        seal(copied, facts)
    assert (copied / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_one_flipped_bit_in_a_file_is_refused(copied: Path, name: str, place: str) -> None:
    path = copied / name
    content = bytearray(path.read_bytes())
    content[{"first": 0, "middle": len(content) // 2, "last": -1}[place]] ^= 1
    path.write_bytes(content)
    size = len(content)
    manifest = json.loads((copied / MANIFEST).read_bytes())
    assert refusal(copied) == (
        f"{path}: was changed after the bundle was sealed"
        f" ({size} bytes, SHA-256 {hashlib.sha256(content).hexdigest()[:12]}…; the manifest says"
        f" {size} bytes, {manifest['files'][name]['sha256'][:12]}…); publish the bundle again"
    )


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_one_changed_byte_of_the_manifest_is_refused(spoilable: Path, data: st.DataObject) -> None:
    path = spoilable / MANIFEST
    sealed = path.read_bytes()
    position = data.draw(st.integers(0, len(sealed) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != sealed[position]))
    path.write_bytes(sealed[:position] + bytes([byte]) + sealed[position + 1 :])
    try:
        with pytest.raises(BundleError, match=re.escape(str(path))):
            load_bundle(spoilable)
    finally:
        path.write_bytes(sealed)
    assert verify(spoilable)


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_file_cut_short_or_grown_is_refused(spoilable: Path, name: str, data: st.DataObject) -> None:
    path = spoilable / name
    sealed = path.read_bytes()
    length = data.draw(st.integers(0, len(sealed) - 1))
    path.write_bytes(data.draw(st.sampled_from([sealed[:length], sealed + b"\n", sealed + sealed])))
    try:
        with pytest.raises(CorruptBundle, match=re.escape(str(path))):
            load_bundle(spoilable)
    finally:
        path.write_bytes(sealed)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    assert refusal(copied) == f"{copied / name}: can't be read: No such file or directory"


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path / 'none' / MANIFEST}: can't be read: No such file or directory"


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "sub/file", "..", "", "a\0b"], ids=repr)
def test_a_manifest_that_lists_a_file_elsewhere_is_refused(copied: Path, name: str) -> None:
    outside = copied.parent / "outside"
    outside.write_bytes(b"secret")
    entry = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}
    files = json.loads((copied / MANIFEST).read_bytes())["files"]
    rewritten(copied, files={**files, name: entry})
    assert refusal(copied) == f"{copied / MANIFEST}: lists {name!r}, which isn't a file of the bundle's own directory"


def test_a_file_in_another_file_s_stead_is_refused(copied: Path) -> None:
    shutil.copy(copied / "profile.json", copied / "golden.json")
    assert refusal(copied).startswith(f"{copied / 'golden.json'}: was changed after the bundle was sealed")


def test_a_directory_in_a_files_stead_is_refused(copied: Path) -> None:
    (copied / "model.skops").unlink()
    (copied / "model.skops").mkdir()
    assert refusal(copied) == f"{copied / 'model.skops'}: can't be read: Is a directory"


def test_a_further_file_is_verified_if_it_is_listed_and_ignored_if_not(copied: Path) -> None:
    note = copied / "note.txt"
    note.write_bytes(b"hello")
    assert verify(copied)
    files = json.loads((copied / MANIFEST).read_bytes())["files"]
    rewritten(copied, files={**files, "note.txt": {"sha256": hashlib.sha256(b"hello").hexdigest(), "size": 5}})
    assert verify(copied)
    note.write_bytes(b"hullo")
    assert refusal(copied).startswith(f"{note}: was changed after the bundle was sealed")


@pytest.mark.parametrize("found", [1, 3, "2", None, [2]])
def test_another_format_is_unsupported(copied: Path, found: object) -> None:
    rewritten(copied, format=found)
    with pytest.raises(UnsupportedBundle) as refused:
        load_bundle(copied)
    assert str(refused.value) == f"{copied / MANIFEST}: has format {found!r}; this version reads format 2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"{",
        b"[1]",
        b"1",
        b'"format"',
        b"null",
        b"{}",
        b'{"format":2}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_no_manifest_is_refused(copied: Path, content: bytes) -> None:
    (copied / MANIFEST).write_bytes(content)
    assert refusal(copied) == f"{copied / MANIFEST}: is no manifest of a bundle"


def test_a_manifest_with_a_field_too_many_is_refused(copied: Path) -> None:
    rewritten(copied, champion=True)
    assert refusal(copied) == f"{copied / MANIFEST}: is no manifest of a bundle"


def test_a_manifest_written_differently_is_refused(copied: Path) -> None:
    path = copied / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_bytes())), encoding="utf-8")
    assert refusal(copied) == f"{path}: was changed after it was sealed; publish the bundle again"


def test_a_manifest_that_lists_too_little_is_refused(copied: Path) -> None:
    files = json.loads((copied / MANIFEST).read_bytes())["files"]
    del files["profile.json"], files["model.onnx"]
    rewritten(copied, files=files)
    assert refusal(copied) == f"{copied / MANIFEST}: doesn't list model.onnx, profile.json"


# A sealed file, what is changed to what in it, and what the error says after the file's name.
UNREADABLE = {
    "contract": (
        *("contract.yaml", "kind: boolean", "kind: bool"),
        "contract.yaml:29: features[2] (fragile).kind: must be one of 'numeric', 'integer', 'boolean', 'categorical'",
    ),
    "transform": ("transform.json", '"scale":[0.5', '"scale":["0.5"', "standardize_numbers.scale.0: Input should be a"),
    "decision": (
        "decision.json",
        '"threshold":0.5',
        '"threshold":null',
        ": Value error, two classes need a sigmoid and a threshold",
    ),
    "profile": ("profile.json", '"rows":2', '"rows":0', "rows: Input should be greater than 0"),
    "golden": ("golden.json", '"title":"refused"', '"title":1', "requests.0.title: Input should be a valid string"),
}


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_a_sealed_file_that_cannot_be_read_is_named_in_one_line(
    copied: Path, facts: dict[str, object], case: tuple[str, str, str, str]
) -> None:
    name, old, new, words = case
    text = (copied / name).read_text(encoding="utf-8")
    assert old in text
    (copied / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    seal(copied, facts)
    message = refusal(copied)
    assert message.startswith(f"{copied / name}: is sealed but can't be read: ")
    assert words in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\0" * 64])
def test_a_sealed_model_that_is_none_is_named(copied: Path, facts: dict[str, object], content: bytes) -> None:
    (copied / "model.onnx").write_bytes(content)
    seal(copied, facts)
    assert refusal(copied).startswith(f"{copied / 'model.onnx'}: is sealed but can't be read: ")


def test_a_contract_sealed_under_the_digest_of_another_is_refused(copied: Path, facts: dict[str, object]) -> None:
    path = copied / "contract.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("max: 9}", "max: 99}"), encoding="utf-8")
    seal(copied, facts)
    assert refusal(copied) == f"{copied / MANIFEST}: belongs to another contract.yaml; publish the bundle again"


def test_the_name_of_another_model_is_refused(copied: Path, facts: dict[str, object]) -> None:
    seal(copied, {**facts, "name": "letters"})
    assert refusal(copied) == f"{copied / MANIFEST}: belongs to another contract.yaml; publish the bundle again"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("decision.json", '["on time","late"]', '["late","on time"]'),
        ("profile.json", '"name":"stops"', '"name":"halts"'),
    ],
)
def test_a_part_of_another_contract_is_refused(
    copied: Path, facts: dict[str, object], name: str, old: str, new: str
) -> None:
    text = (copied / name).read_text(encoding="utf-8")
    assert old in text
    (copied / name).write_text(text.replace(old, new), encoding="utf-8")
    seal(copied, facts)
    assert refusal(copied) == f"{copied / name}: belongs to another contract.yaml; publish the bundle again"


def test_a_changed_layout_of_the_contract_is_no_other_contract(copied: Path, facts: dict[str, object]) -> None:
    path = copied / "contract.yaml"
    path.write_text("# a remark\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    seal(copied, facts)
    assert load_bundle(copied).manifest.contract_digest == facts["contract_digest"]


def test_a_bundle_answers_alike_after_it_was_moved(sealed: Path, copied: Path) -> None:
    rows = np.array([[2.5, 3, 0, 0, 0], [9.0, np.nan, 1, 2, 1]])
    first, second = (load_bundle(directory).scorer(rows) for directory in (sealed, copied))
    assert first.probability.tolist() == second.probability.tolist()
