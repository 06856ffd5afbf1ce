from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from kfp import dsl

from components.errors import PublicationFailed, StageError, TrackingUnreachable
from components.learning.candidates import CANDIDATES
from components.publication.championship import duel
from components.publish import Mode, Outcome, mode_named, publish, publish_bundle
from components.tracking.client import (
    ARTIFACT_LOCATION,
    CHAMPION,
    connection,
    pipeline_run,
    register_bundle,
    version_with_alias,
)
from contract.bundle import load_bundle
from contract.errors import CorruptBundle
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from components.learning.effort import Effort
    from tests.conftest import FinishedRun


@dataclass(frozen=True)
class Registry:
    """A copy of the finished run's registry: version 1 of heart is the champion."""

    artifacts: Artifacts

    def register(self, bundle: Path) -> str:
        with connection() as client, pipeline_run(client, "tests", "another", {}) as run:
            return register_bundle(client, "heart", run, bundle, tags={}, description="Another.")

    def crown(self, version: str | None) -> None:
        with connection() as client:
            client.delete_registered_model_alias("heart", CHAMPION)
            if version:
                client.set_registered_model_alias("heart", CHAMPION, version)

    def champion(self) -> str | None:
        with connection() as client:
            version = version_with_alias(client, "heart", CHAMPION)
        return str(version.version) if version else None

    def publish(self, bundle: Path, version: str) -> Outcome:
        return publish_bundle(bundle, version, self.artifacts.held_out)


@pytest.fixture
def registry(finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    database = shutil.copy(finished.runs / "mlflow.db", tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.setenv(ARTIFACT_LOCATION, (tmp_path / "artifacts").as_uri())
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return Registry(Artifacts(finished))


@pytest.fixture(scope="module")
def crippled(finished: FinishedRun, tiny: Effort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a model that learnt from shuffled labels: proven, but worse."""
    artifacts = Artifacts(finished)
    shuffled = artifacts.training.assign(num=artifacts.training["num"].sample(frac=1, random_state=0).to_numpy())
    directory = tmp_path_factory.mktemp("crippled") / "bundle"
    return artifacts.bundle_of(CANDIDATES["decision-tree"], tiny, directory, shuffled)


def test_the_first_champion_and_an_equal_challenger(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = registry.artifacts.run.bundle
    registry.crown(None)
    written = tmp_path / "outcome"
    promoted = publish.python_func(
        "1",
        "champion",
        registry.artifacts.artifact("split", "held_out"),
        dsl.Artifact(uri=str(bundle)),
        dsl.Artifact(uri=str(written)),
    )
    first = Outcome.model_validate_json(written.read_bytes())
    assert promoted is True
    assert (first.promoted, first.version, first.previous) == (True, "1", None)
    assert first.reason == "version 1 of heart is the first champion"
    assert first.proven_rows > 32
    assert capsys.readouterr().out == f"{first.reason}\n"
    assert registry.champion() == "1"

    second = registry.publish(bundle, registry.register(bundle))
    assert (second.promoted, second.version, second.previous) == (True, "2", "1")
    assert second.reason.startswith("version 2 of heart is the champion: ROC-AUC ")
    assert second.reason.endswith("on the same 61 held-out rows (difference +0.0000 [+0.0000, +0.0000])")
    assert registry.champion() == "2"


def test_what_is_only_checked_is_proven_and_compared_and_changes_nothing(registry: Registry) -> None:
    bundle = registry.artifacts.run.bundle
    version = registry.register(bundle)
    checked = publish_bundle(bundle, version, registry.artifacts.held_out, Mode.CHECK)
    assert (checked.promoted, checked.version, checked.previous) == (False, "2", "1")
    assert checked.proven_rows > 32
    assert checked.reason.startswith(
        "version 2 of heart remains the challenger, as publish mode check asks; otherwise it is the champion: ROC-AUC "
    )
    assert registry.champion() == "1"


def test_an_unknown_mode_is_named_beside_those_that_exist() -> None:
    with pytest.raises(StageError, match=r"no publish mode 'canary'; choose one of champion, check"):
        mode_named("canary")


def test_a_worse_challenger_changes_nothing_and_a_better_one_wins(registry: Registry, crippled: Path) -> None:
    bundle = registry.artifacts.run.bundle
    lost = registry.publish(crippled, registry.register(crippled))
    numbers = duel(load_bundle(crippled), load_bundle(bundle), registry.artifacts.held_out)
    assert (lost.promoted, lost.version, lost.previous) == (False, "2", "1")
    assert lost.reason == f"version 2 of heart is not promoted, it is worse than version 1: {numbers}"
    assert f"difference {numbers.difference:+.4f} [{numbers.low:+.4f}, {numbers.high:+.4f}]" in lost.reason
    assert numbers.difference < -0.1
    assert registry.champion() == "1"

    registry.crown("2")
    won = registry.publish(bundle, "1")
    assert (won.promoted, won.version, won.previous) == (True, "1", "2")
    assert f"(difference {-numbers.difference:+.4f}" in won.reason
    assert registry.champion() == "1"


def test_a_champion_of_another_table_gives_way(registry: Registry, tiny: Effort, tmp_path: Path) -> None:
    artifacts = registry.artifacts
    contract = artifacts.contract
    first, *others = contract.features
    examples = tuple(
        item.model_copy(
            update={"instance": {("years" if name == "age" else name): value for name, value in item.instance.items()}}
        )
        for item in contract.examples
    )
    other = contract.model_copy(
        update={"features": (first.model_copy(update={"name": "years"}), *others), "examples": examples}
    )
    table = artifacts.training.rename(columns={"age": "years"})
    bundle = artifacts.bundle_of(CANDIDATES["logistic-regression"], tiny, tmp_path / "other", table, other)
    registry.crown(registry.register(bundle))
    outcome = registry.publish(artifacts.run.bundle, "1")
    assert (outcome.promoted, outcome.previous) == (True, "2")
    assert outcome.reason == (
        "version 1 of heart replaces version 2, which can't be compared: it needs years, which the table doesn't have"
    )
    assert registry.champion() == "1"


def test_a_champion_whose_bundle_is_corrupt_gives_way(registry: Registry, tmp_path: Path) -> None:
    bundle = registry.artifacts.run.bundle
    corrupt = shutil.copytree(bundle, tmp_path / "corrupt")
    (corrupt / "transform.json").write_text("{}")
    registry.crown(registry.register(corrupt))
    outcome = registry.publish(bundle, "1")
    assert (outcome.promoted, outcome.previous) == (True, "2")
    assert "version 1 of heart replaces version 2, which can't be compared: " in outcome.reason
    assert "transform.json: was changed after the bundle was sealed" in outcome.reason
    assert registry.champion() == "1"


def test_nothing_is_promoted_that_is_not_proven(registry: Registry, tmp_path: Path) -> None:
    def lie(directory: Path) -> None:
        path = directory / "golden.json"
        content = json.loads(path.read_bytes())
        content["requests"][0]["probabilities"][0]["disease"] += 1e-3
        path.write_text(json.dumps(content))

    bundle = registry.artifacts.changed_bundle(tmp_path / "bundle", lie)
    version = registry.register(bundle)
    with pytest.raises(PublicationFailed, match=r"request 'asymptomatic.*': row 0: probability"):
        registry.publish(bundle, version)
    assert registry.champion() == "1"


def test_made_up_rows_never_replace_observed_ones(registry: Registry, tmp_path: Path) -> None:
    def make_up(directory: Path) -> None:
        path = directory / "evaluation.json"
        path.write_text(json.dumps({**json.loads(path.read_bytes()), "made": True}))

    bundle = registry.artifacts.changed_bundle(tmp_path / "bundle", make_up)
    outcome = registry.publish(bundle, registry.register(bundle))
    assert not outcome.promoted
    assert outcome.reason.endswith("is not promoted: it learnt from made-up rows, version 1 from observed ones")
    assert registry.champion() == "1"
    registry.crown(None)
    assert registry.publish(bundle, registry.register(bundle)).promoted


def test_nothing_is_promoted_that_is_corrupt(registry: Registry, tmp_path: Path) -> None:
    bundle = shutil.copytree(registry.artifacts.run.bundle, tmp_path / "bundle")
    (bundle / "model.onnx").unlink()
    with pytest.raises(CorruptBundle, match=r"model\.onnx: can't be read"):
        registry.publish(bundle, "1")
    assert registry.champion() == "1"


def test_a_champion_out_of_reach_keeps_its_place(
    registry: Registry, crippled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = registry.register(crippled)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/mlflow.db")
        with pytest.raises(TrackingUnreachable, match="unable to open database file"):
            registry.publish(crippled, version)
    assert registry.champion() == "1"
