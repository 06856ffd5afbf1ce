"""The models that all servers answer with, in the forms that they take.

The forest has the heart predecessor's 100 trees with four rows a leaf. It is trained, calibrated and sealed by the
pipeline's own stages; the peers get the very same fitted forest, behind a plain scikit-learn pipeline. Rows with a
missing value are left out, since that pipeline takes none, and the peers don't calibrate: both are in their favour.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
from kfp import dsl
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.serving.errors import Disagreement
from components import PROJECT, package, table
from components.ingest import ingest_source
from components.learning.candidates import candidate_named
from components.learning.effort import effort_named
from components.learning.evaluation import Evaluation
from components.learning.fitting import calibrated_of, fit
from components.learning.judgement import Judge
from components.learning.model import CrossValidated, FittedCandidate, write_model
from components.learning.preprocessing import layout_of
from components.learning.resampling import cross_validate
from components.learning.rows import rows_of
from components.learning.selection import select_candidate
from contract.document import load_contract

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from components.learning.candidates import Candidate
    from components.learning.fitting import Fitted
    from contract.schema import Contract

    Floats = npt.NDArray[np.float64]

CONTRACT = PROJECT / "datasets" / "heart" / "contract.yaml"
SEED = 42
HELD_OUT = 5
"""Every fifth row is held out, for the evaluation that a bundle carries."""
TOLERANCE = 1e-6
CANDIDATES = {
    "forest": replace(
        candidate_named("random-forest"),
        grid={"n_estimators": (100,), "min_samples_leaf": (4,), "max_features": ("sqrt",)},
    ),
    "logistic": replace(candidate_named("logistic-regression"), preparation="plain", grid={"C": (1.0,)}),
}
_EFFORT = effort_named("quick")


@dataclass(frozen=True)
class ServedModel:
    """One model and what it answers.

    `bundle` is what the predictor serves; `arrays` and `frame` are folders with a `model.joblib`, fitted on arrays and
    on a DataFrame. `rows` are float64 (rows, features) in the contract's codes and order; `instances` the same rows as
    a client writes them. `calibrated` and `plain` are scikit-learn's own probabilities of disease, float64 (rows,): of
    the reference estimator in the bundle, and of the peers' pipeline.
    """

    name: str
    bundle: Path
    arrays: Path
    frame: Path
    features: tuple[str, ...]
    rows: Floats
    instances: list[list[Any]]
    calibrated: Floats
    plain: Floats


def build_model(name: str, directory: Path) -> ServedModel:
    """Fit the candidate of that name, and write its bundle and its joblib files into a new directory.

    Raises `Disagreement` if the reference estimator isn't the peers' pipeline with a calibration behind it.
    """
    contract = load_contract(CONTRACT)
    frame, _ = ingest_source(contract, contract.training, CONTRACT.parent)
    frame = frame.dropna(subset=contract.feature_names).reset_index(drop=True)
    held_out = np.arange(len(frame)) % HELD_OUT == 0
    directory.mkdir(parents=True)
    training = frame[~held_out].reset_index(drop=True)
    fitted = _packed(CANDIDATES[name], contract, training, frame[held_out], directory)
    calibrated = calibrated_of(fitted.estimator)
    known = training[contract.feature_names]
    for form, fitted_on in (("arrays", known.to_numpy()), ("frame", known)):
        pipeline = _pipeline(contract, fitted_on, calibrated.estimator.named_steps["model"])
        (directory / form).mkdir()
        joblib.dump(pipeline, directory / form / "model.joblib")
    rows = frame[contract.feature_names].to_numpy()
    plain = joblib.load(directory / "arrays" / "model.joblib").predict_proba(rows)[:, 1]
    reference = fitted.probability(rows_of(contract, frame).matrix)
    scores = plain if name == "forest" else np.log(plain / (1 - plain))
    difference = float(np.abs(calibrated.calibrators[0].predict(scores) - reference).max())
    if difference > TOLERANCE:
        raise Disagreement(
            f"{name}: the peers' pipeline, calibrated, is off the reference estimator by {difference:.1e}"
        )
    return ServedModel(
        name=name,
        bundle=directory / "bundle",
        arrays=directory / "arrays",
        frame=directory / "frame",
        features=tuple(contract.feature_names),
        rows=rows,
        instances=[list(record.values()) for record in _requests(contract, frame)],
        calibrated=reference,
        plain=plain,
    )


def _requests(contract: Contract, frame: pd.DataFrame) -> list[dict[str, Any]]:
    booleans = [feature.name for feature in contract.features if feature.kind == "boolean"]
    records: list[dict[str, Any]] = [dict(record) for record in table.requests_of(contract, frame)]
    for record in records:
        record.update({name: bool(record[name]) for name in booleans})
    return records


def _pipeline(contract: Contract, rows: Any, model: Any) -> Pipeline:
    """A fitted model behind the preprocessing that it was fitted with, in scikit-learn's own words."""
    layout = layout_of(contract.features)
    categorical = [indicators.feature for indicators in layout.indicators]
    encoder = OneHotEncoder(
        categories=[np.array(contract.features[at].values, dtype=np.float64) for at in categorical],  # type: ignore[union-attr]
        drop="if_binary",
        sparse_output=False,
    )
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), list(layout.numbers)),
            ("booleans", "passthrough", list(layout.booleans)),
            ("categories", encoder, categorical),
        ]
    )
    return Pipeline([("prepare", columns.fit(rows)), ("model", model)])


def _packed(
    candidate: Candidate, contract: Contract, training: pd.DataFrame, held_out: pd.DataFrame, to: Path
) -> Fitted:
    """What the stages *train* to *package* do, for one candidate; the bundle is `to / "bundle"`."""
    started = time.monotonic()
    rows, unused = rows_of(contract, training), rows_of(contract, held_out)
    fitted = fit(candidate, contract, rows, _EFFORT, SEED)
    facts = FittedCandidate(
        name=candidate.name,
        parameters=fitted.parameters,
        threshold=fitted.threshold,
        rows=fitted.rows,
        seconds=time.monotonic() - started,
    )
    resampled, unseen = cross_validate(candidate, contract, rows, _EFFORT, SEED)
    validated = CrossValidated(name=candidate.name, resampled=resampled)
    judge = Judge(contract=contract, training=rows, held_out=unused, external={}, resamples=_EFFORT.resamples)
    evaluated = judge.evaluate(fitted.estimator, facts, validated, unseen)
    evaluation = Evaluation(
        format=1,
        contract_digest=contract.digest,
        data_sha256=contract.training.sha256 or "",
        effort=_EFFORT.name,
        training_rows=len(rows.labels),
        held_out_rows=len(held_out),
        candidates=(evaluated,),
        selection=select_candidate([evaluated], contract.decision),
    )
    (to / "selected.json").write_text(evaluation.model_dump_json(), encoding="utf-8")
    write_model(to / "model", fitted.estimator, facts, fitted.out_of_fold)
    table.write(training, to / "training.parquet")
    table.write(pd.concat([training, held_out]), to / "table.parquet")
    (to / "external").mkdir()

    def artifact(path: str) -> dsl.Artifact:
        return dsl.Artifact(uri=str(to / path))

    package.run(
        candidate.name,
        evaluation.data_sha256,
        "benchmark",
        "benchmark",
        dsl.Artifact(uri=str(CONTRACT)),
        artifact("training.parquet"),
        artifact("table.parquet"),
        artifact("external"),
        [artifact("model")],
        artifact("selected.json"),
        artifact("parity.json"),
        artifact("bundle"),
    )
    return fitted
