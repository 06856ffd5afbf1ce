"""A published model is a directory; its manifest says what belongs to it, byte for byte.

    manifest.json    SHA-256 and size of every other file, versions, origin
    contract.yaml    what a request may hold, what the answer means
    transform.json   preprocessing, run in float64      ┐
    model.onnx       the estimator alone, in float64    ├ what is served
    decision.json    calibration, threshold, labels     ┘
    model.skops      the reference estimator, whole
    profile.json     distributions of the training rows
    evaluation.json  every number measured, with its interval
    golden.json      requests with the reference's answers
    MODEL_CARD.md    what the model is for, and what it isn't

Nothing is parsed before the manifest has been verified, and nothing in it is a pickle.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import Field, JsonValue, NonNegativeInt, ValidationError

from contract.document import load_contract
from contract.errors import CorruptBundle, UnsupportedBundle
from contract.features import Strict
from contract.profile import Profile
from contract.scorer import DecisionRule, Scorer
from contract.transform import Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contract.schema import Contract

T = TypeVar("T")

FORMAT = 2
MANIFEST = "manifest.json"
FILES = (
    "contract.yaml",
    "transform.json",
    "model.onnx",
    "decision.json",
    "model.skops",
    "profile.json",
    "evaluation.json",
    "golden.json",
    "MODEL_CARD.md",
)


class FileEntry(Strict):
    """What a file of the bundle must be."""

    sha256: str
    size: NonNegativeInt


class Manifest(Strict):
    """`manifest.json`. `digest` is the SHA-256 of everything else in it, so it stands for the whole bundle."""

    format: Literal[2]
    name: str
    version: str
    created: str
    run_id: str
    candidate: str
    data_sha256: str
    contract_digest: str
    code_revision: str
    versions: dict[str, str]
    files: dict[str, FileEntry]
    digest: str


class Golden(Strict):
    """A request and what the reference estimator answers; or the rule under which it must be refused.

    `probabilities` has those of a row by class label.
    """

    title: str
    instances: tuple[dict[str, JsonValue], ...] = Field(min_length=1)
    probabilities: tuple[dict[str, float], ...] = ()
    labels: tuple[str, ...] = ()
    refused: str | None = None


class GoldenRequests(Strict):
    """`golden.json` of a bundle. `tolerance` is the largest difference of a probability that still counts as equal."""

    format: Literal[1]
    tolerance: float
    requests: tuple[Golden, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, ready to answer."""

    directory: Path
    manifest: Manifest
    contract: Contract
    scorer: Scorer
    profile: Profile
    golden: GoldenRequests


def seal(directory: Path, facts: Mapping[str, object]) -> Manifest:
    """Write the manifest over the files in `directory`; `facts` are the manifest's fields that no file tells.

    Raises `CorruptBundle` if one of `FILES` isn't there.
    """
    content: dict[str, object] = {
        **facts,
        "format": FORMAT,
        "files": {name: _entry(directory, name).model_dump() for name in FILES},
    }
    manifest = Manifest.model_validate_json(json.dumps({**content, "digest": _digest(content)}))
    (directory / MANIFEST).write_bytes(_canonical(manifest.model_dump()))
    return manifest


def verify(directory: Path) -> Manifest:
    """Check every file against the manifest, and the manifest against itself.

    Raises `CorruptBundle` naming the first wrong file, `UnsupportedBundle` for a format this version doesn't know.
    """
    path = directory / MANIFEST
    raw = _read(directory, MANIFEST)
    try:
        content = json.loads(raw)
        found = content["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptBundle(f"{path}: is no manifest of a bundle") from None
    if found != FORMAT:
        raise UnsupportedBundle(f"{path}: has format {found!r}; this version reads format {FORMAT}")
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError:
        raise CorruptBundle(f"{path}: is no manifest of a bundle") from None
    body = {key: value for key, value in content.items() if key != "digest"}
    if manifest.digest != _digest(body) or raw != _canonical(content):
        raise CorruptBundle(f"{path}: was changed after it was sealed; publish the bundle again")
    unlisted = sorted(set(FILES) - set(manifest.files))
    if unlisted:
        raise CorruptBundle(f"{path}: doesn't list {', '.join(unlisted)}")
    for name, expected in manifest.files.items():
        actual = _entry(directory, name)
        if actual != expected:
            raise CorruptBundle(
                f"{directory / name}: was changed after the bundle was sealed"
                f" ({actual.size} bytes, SHA-256 {actual.sha256[:12]}…; the manifest says"
                f" {expected.size} bytes, {expected.sha256[:12]}…); publish the bundle again"
            )
    return manifest


def load_bundle(directory: Path | str) -> Bundle:
    """Verify a bundle, then read it. Raises `BundleError` if it can't be served as it is."""
    directory = Path(directory)
    manifest = verify(directory)
    read = partial(_parsed, directory)
    contract = read("contract.yaml", lambda _: load_contract(directory / "contract.yaml"))
    transform = read("transform.json", Transform.model_validate_json)
    rule = read("decision.json", DecisionRule.model_validate_json)
    profile = read("profile.json", Profile.model_validate_json)
    for name, fits in (
        (MANIFEST, (manifest.name, manifest.contract_digest) == (contract.name, contract.digest)),
        ("decision.json", rule.labels == contract.target.labels),
        ("profile.json", [item.name for item in profile.features] == contract.feature_names),
        ("profile.json", [item.name for item in profile.probabilities] == list(_told(contract))),
    ):
        if not fits:
            raise CorruptBundle(f"{directory / name}: belongs to another contract.yaml; publish the bundle again")
    return Bundle(
        directory=directory,
        manifest=manifest,
        contract=contract,
        scorer=read("model.onnx", lambda model: Scorer(transform, model, rule)),
        profile=profile,
        golden=read("golden.json", GoldenRequests.model_validate_json),
    )


def _told(contract: Contract) -> tuple[str, ...]:
    """The classes whose probability is told: the positive one, or with more than two classes each."""
    labels = contract.target.labels
    return labels[-1:] if contract.target.is_binary else labels


def _parsed(directory: Path, name: str, parse: Callable[[bytes], T]) -> T:
    """A verified file, parsed."""
    content = _read(directory, name)
    try:
        return parse(content)
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except Exception as error:  # noqa: BLE001  # ONNX Runtime's errors share no other base
        reason = "; ".join(str(error).splitlines())
    raise CorruptBundle(f"{directory / name}: is sealed but can't be read: {reason}")


def _read(directory: Path, name: str) -> bytes:
    if name in {"", ".."} or Path(name).name != name or "\0" in name:
        raise CorruptBundle(f"{directory / MANIFEST}: lists {name!r}, which isn't a file of the bundle's own directory")
    try:
        return (directory / name).read_bytes()
    except OSError as error:
        raise CorruptBundle(f"{directory / name}: can't be read: {error.strerror}") from None


def _entry(directory: Path, name: str) -> FileEntry:
    content = _read(directory, name)
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content))


def _canonical(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()
