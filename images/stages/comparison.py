"""What two runs of one pipeline came to, side by side, and whether that is the same.

On one machine everything that is computed must be the same to the last bit, on tables small enough that nothing is
timed (`components.learning.budget`). What may differ: times, the run's id, the version and the Python it ran on.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.learning.evaluation import METRIC_TITLES, Evaluation
from components.publish import Outcome
from contract.bundle import GoldenRequests, Manifest, verify
from contract.errors import BundleError
from images.stages.errors import RunIncomplete
from images.stages.registry import Registered, registered
from local.errors import MissingOutput
from local.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.outputs import TaskRecord

METRICS = ("roc_auc", "accuracy", "brier")
"""Shown of the winner; all the others are compared too."""

IDENTICAL_FILES = ("contract.yaml", "transform.json", "model.onnx", "decision.json", "profile.json", "golden.json")
"""Of a bundle, in every byte. The others name the time or, as skops does, places in memory."""

MLFLOW = "mlflow"
"""Of a run's directory: where its tracker kept what it was told, if that was the run's own."""

_TIMED = frozenset({"seconds"})
_THE_SAME = "the same"


@dataclass(frozen=True)
class Fact:
    """One thing that two runs came to; `same` is None where it may differ."""

    name: str
    first: str
    second: str
    same: bool | None


@dataclass(frozen=True)
class Comparison:
    """Everything that was compared."""

    facts: tuple[Fact, ...]

    @property
    def different(self) -> tuple[Fact, ...]:
        """What differs and must not."""
        return tuple(fact for fact in self.facts if fact.same is False)


@dataclass(frozen=True)
class Finished:
    """What is compared of a run."""

    bundle: Path
    manifest: Manifest
    evaluation: Evaluation
    golden: GoldenRequests
    outcome: Outcome
    parity: Any
    registered: Registered | None
    tasks: tuple[TaskRecord, ...]

    @classmethod
    def at(cls, directory: Path) -> Finished:
        """Read the run in a directory. Raises `RunIncomplete`."""
        try:
            outputs = Outputs.at(directory)
            bundle = outputs.artifact("package", "bundle")
            manifest = verify(bundle)
            return cls(
                bundle=bundle,
                manifest=manifest,
                evaluation=Evaluation.model_validate_json((bundle / "evaluation.json").read_bytes()),
                golden=GoldenRequests.model_validate_json((bundle / "golden.json").read_bytes()),
                outcome=Outcome.model_validate_json(outputs.artifact("publish", "outcome").read_bytes()),
                parity=json.loads(outputs.artifact("package", "parity").read_bytes()),
                registered=registered(directory / MLFLOW, manifest),
                tasks=outputs.tasks,
            )
        except (MissingOutput, BundleError, OSError, ValueError) as error:
            raise RunIncomplete(f"the run in {directory} can't be compared: {error}") from None


def compare(first: Finished, second: Finished) -> Comparison:
    """Compare two finished runs."""
    return Comparison(
        (
            *_numbers(first, second),
            *_answers(first, second),
            *_files(first, second),
            *_publication(first, second),
            _fact("Stages done", _stages(first), _stages(second)),
            *_may_differ(first, second),
        )
    )


def differences(first: Any, second: Any, path: str = "") -> Iterator[str]:
    """The places where two JSON documents differ, without those that hold a duration; NaN equals NaN."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        for key in first.keys() - _TIMED:
            yield from differences(first[key], second[key], f"{path}.{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif json.dumps(first) != json.dumps(second):
        yield path.removeprefix(".")


def largest_difference(first: GoldenRequests, second: GoldenRequests) -> float | None:
    """Of the probabilities of the same golden requests; None if the requests, or the answered labels, differ."""
    largest = 0.0
    if len(first.requests) != len(second.requests):
        return None
    for one, other in zip(first.requests, second.requests, strict=True):
        if one.model_copy(update={"probabilities": ()}) != other.model_copy(update={"probabilities": ()}):
            return None
        for row, answer in zip(one.probabilities, other.probabilities, strict=True):
            largest = max(largest, *(abs(value - answer[label]) for label, value in row.items()))
    return largest


def arrays(path: Path) -> Counter[str]:
    """The digests of all arrays in a skops file, which names them after places in memory."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith((".npy", ".npz"))]
        return Counter(hashlib.sha256(archive.read(name)).hexdigest() for name in names)


def _fact(name: str, first: object, second: object) -> Fact:
    return Fact(name, str(first), str(second), same=first == second)


def _numbers(first: Finished, second: Finished) -> Iterator[Fact]:
    runs = (first, second)
    yield _fact("Winner", *(run.manifest.candidate for run in runs))
    winners = [run.evaluation.candidate(run.manifest.candidate) for run in runs]
    for metric in METRICS:
        title = METRIC_TITLES[metric]
        yield _fact(f"{title}, cross-validated", *(item.resampled.estimates[metric].value for item in winners))
        yield _fact(f"{title}, held out", *(item.held_out.estimates[metric].value for item in winners))
    yield _fact("Threshold", *(item.threshold for item in winners))
    one, other = (run.evaluation.model_dump(mode="json") for run in runs)
    yield _equal("Evaluation and selection", one, other)
    yield _equal("Parity of every candidate", first.parity, second.parity)


def _leaves(document: Any) -> int:
    """How many values are compared."""
    if isinstance(document, dict):
        return sum(_leaves(value) for key, value in document.items() if key not in _TIMED)
    if isinstance(document, list):
        return sum(map(_leaves, document))
    return 1


def _equal(name: str, first: Any, second: Any) -> Fact:
    places = list(differences(first, second))
    found = f"{len(places):,} differ: {min(places)} …" if places else _THE_SAME
    return Fact(name, f"{_leaves(first):,} values", found, same=not places)


def _answers(first: Finished, second: Finished) -> Iterator[Fact]:
    difference = largest_difference(first.golden, second.golden)
    rows = sum(len(request.instances) for request in first.golden.requests)
    found = "other requests or labels" if difference is None else f"max |Δp| = {difference:g}"
    yield Fact("Golden requests", f"{rows} rows", found, same=difference == 0.0)
    yield _fact("Golden rows proven over HTTP", first.outcome.proven_rows, second.outcome.proven_rows)


def _files(first: Finished, second: Finished) -> Iterator[Fact]:
    for name in IDENTICAL_FILES:
        yield _fact(f"Bundle: {name}", *(run.manifest.files[name].sha256[:12] for run in (first, second)))
    kept, others = (arrays(run.bundle / "model.skops") for run in (first, second))
    yield _alike("Bundle: model.skops", f"{kept.total()} arrays", same=kept == others)
    card, another = (
        (run.bundle / "MODEL_CARD.md").read_text(encoding="utf-8").replace(run.manifest.created[:10], "its date")
        for run in (first, second)
    )
    yield _alike("Bundle: MODEL_CARD.md", f"{len(card):,} characters", same=card == another)
    for name in ("data_sha256", "contract_digest", "code_revision"):
        yield _fact(f"Manifest: {name}", *(getattr(run.manifest, name)[:12] for run in (first, second)))
    installed, others_installed = (
        {name: version for name, version in run.manifest.versions.items() if name != "python"}
        for run in (first, second)
    )
    yield _alike("Manifest: libraries", f"{len(installed)} versions", same=installed == others_installed)


def _alike(name: str, what: str, *, same: bool) -> Fact:
    return Fact(name, what, _THE_SAME if same else "differ", same=same)


def _publication(first: Finished, second: Finished) -> Iterator[Fact]:
    yield _fact("Champion afterwards", *("yes" if run.outcome.promoted else "no" for run in (first, second)))
    found = (first.registered, second.registered)
    shown = [str(item or "in another tracker") for item in found]
    yield Fact("Registered in MLflow", shown[0], shown[1], same=found[0] == found[1] if all(found) else None)


def _stages(run: Finished) -> str:
    done = sorted(record.task for record in run.tasks if record.state == "done")
    listed = hashlib.sha256("\n".join(done).encode()).hexdigest()[:6]
    return f"{len(done)} ({listed})"


def _may_differ(first: Finished, second: Finished) -> Iterator[Fact]:
    for name, values in (
        ("Python", [run.manifest.versions.get("python", "") for run in (first, second)]),
        ("Run", [run.manifest.run_id for run in (first, second)]),
        ("Version", [run.manifest.version for run in (first, second)]),
        ("Bundle's digest", [run.manifest.digest[:12] for run in (first, second)]),
    ):
        yield Fact(name, values[0], values[1], same=None)
