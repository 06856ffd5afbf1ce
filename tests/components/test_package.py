from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from kfp import dsl
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

from components.errors import ParityBroken
from components.learning.model import read_model, write_model
from components.learning.preprocessing import Preprocessing, layout_of
from components.learning.rows import rows_of
from components.package import package
from components.packaging.parity import ParityReport
from contract.bundle import load_bundle
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import FinishedRun

DIGEST = "6c2ba07d"


@pytest.fixture(scope="module")
def artifacts(finished: FinishedRun) -> Artifacts:
    return Artifacts(finished)


def run(artifacts: Artifacts, directory: Path, winner: str, models: list[dsl.Artifact]) -> dsl.Artifact:
    """The component, as its task calls it; writes `parity` and `bundle` into the directory."""
    bundle = dsl.Artifact(uri=str(directory / "bundle"))
    package.python_func(
        winner,
        DIGEST,
        "0f3c9d1",
        "run-42",
        artifacts.artifact("ingest", "contract"),
        artifacts.artifact("split", "training"),
        artifacts.artifact("ingest", "table"),
        artifacts.artifact("ingest", "external"),
        models,
        artifacts.artifact("select", "selected"),
        dsl.Artifact(uri=str(directory / "parity")),
        bundle,
    )
    return bundle


def test_it_measures_every_candidate_and_seals_the_winner(
    artifacts: Artifacts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = run(artifacts, tmp_path, "random-forest", artifacts.models())
    report = ParityReport.model_validate_json((tmp_path / "parity").read_bytes())
    assert [item.candidate for item in report.candidates] == ["logistic-regression", "random-forest"]
    assert all(item.holds and item.rows == 920 + 20_000 + 43 for item in report.candidates)
    manifest = load_bundle(tmp_path / "bundle").manifest
    assert (manifest.candidate, manifest.data_sha256) == ("random-forest", DIGEST)
    assert (manifest.run_id, manifest.code_revision) == ("run-42", "0f3c9d1")
    assert bundle.metadata == {"candidate": "random-forest", "contract": "heart"}
    printed = capsys.readouterr().out
    assert "::progress logistic-regression\n" in printed
    assert "random-forest: largest difference" in printed
    assert "0 decisions flipped" in printed


def test_a_winner_that_is_served_differently_is_not_sealed(
    artifacts: Artifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.packaging.parity.TOLERANCE", 1e-20)
    with pytest.raises(
        ParityBroken,
        match=r"the served form of random-forest differs from its reference by up to .*\(at most 1e-20 is allowed\)"
        r" and flips 0 of 20963 decisions; it must not be served\. Leave this candidate out",
    ):
        run(artifacts, tmp_path, "random-forest", artifacts.models())
    assert not (tmp_path / "bundle").exists()


def test_a_model_without_a_served_form_stops_the_run_by_name(artifacts: Artifacts, tmp_path: Path) -> None:
    rows = rows_of(artifacts.contract, artifacts.training)
    prepare = Preprocessing(layout_of(artifacts.contract.features).model_dump_json(), scaled=True)
    pipeline = Pipeline([("prepare", prepare), ("model", GaussianNB())])
    calibrated = CalibratedClassifierCV(pipeline, cv=2, ensemble=False).fit(rows.matrix, rows.labels)
    estimator = FixedThresholdClassifier(
        FrozenEstimator(calibrated), threshold=0.4, response_method="predict_proba"
    ).fit(rows.matrix, rows.labels)
    facts = read_model(artifacts.models()[0].path)[1].model_copy(update={"name": "naive-bayes"})
    write_model(tmp_path / "model", estimator, facts, np.full(len(rows.labels), 0.5))
    with pytest.raises(ParityBroken, match=r"GaussianNB.* has no served form"):
        run(artifacts, tmp_path, "naive-bayes", [dsl.Artifact(uri=str(tmp_path / "model"))])
    assert not (tmp_path / "bundle").exists()
