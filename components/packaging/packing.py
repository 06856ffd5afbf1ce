"""Writing a bundle: the winner, what is known about it, and requests that prove it."""

from __future__ import annotations

import datetime
import platform
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING

from components.learning.persistence import save
from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
from components.packaging.model_card import model_card
from components.packaging.parity import TOLERANCE
from components.table import encode, requests_of
from contract.bundle import Golden, GoldenRequests, seal
from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature
from contract.profile import profile_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from pydantic import JsonValue

    from components.learning.evaluation import Evaluation
    from components.learning.fitting import Estimator
    from components.learning.model import FittedCandidate
    from components.packaging.parity import Parity
    from contract.features import Feature
    from contract.schema import Contract

GOLDEN_ROWS = 32
"""Training rows sent as one golden batch, besides the contract's examples and the corner cases."""

_RECORDED = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skops")


@dataclass(frozen=True)
class Origin:
    """Where a bundle comes from."""

    run_id: str
    data_sha256: str
    code_revision: str


def write_bundle(
    directory: Path,
    contract: Contract,
    contract_text: bytes,
    estimator: Estimator,
    facts: FittedCandidate,
    out_of_fold: npt.NDArray[np.float64],
    evaluation: Evaluation,
    parity: Parity,
    training: pd.DataFrame,
    origin: Origin,
) -> None:
    """Write and seal the bundle of one candidate into a new directory, with a profile of the `training` rows.

    `out_of_fold` are its out-of-fold probabilities: (rows,), or with more than two classes (rows, classes).
    """
    directory.mkdir(parents=True)
    created = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    encoded = encode(contract, training).matrix
    held_out = evaluation.candidate(facts.name).held_out.estimates
    profile = profile_of(contract.features, encoded, out_of_fold, contract.target.labels, held_out)
    golden = golden_requests(contract, estimator, training)
    (directory / "contract.yaml").write_bytes(contract_text)
    (directory / "transform.json").write_text(transform_of(estimator).model_dump_json(), encoding="utf-8")
    (directory / "model.onnx").write_bytes(to_onnx(estimator))
    rule = decision_rule_of(estimator, contract)
    (directory / "decision.json").write_text(rule.model_dump_json(indent=2), encoding="utf-8")
    save(estimator, directory / "model.skops")
    (directory / "profile.json").write_text(profile.model_dump_json(indent=2), encoding="utf-8")
    (directory / "evaluation.json").write_text(evaluation.model_dump_json(indent=2), encoding="utf-8")
    (directory / "golden.json").write_text(golden.model_dump_json(indent=2), encoding="utf-8")
    card = model_card(contract, evaluation, parity, created.date().isoformat())
    (directory / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    seal(
        directory,
        {
            "name": contract.name,
            "version": created.strftime("%Y%m%dT%H%M%SZ"),
            "created": created.isoformat(),
            "run_id": origin.run_id,
            "candidate": facts.name,
            "data_sha256": origin.data_sha256,
            "contract_digest": contract.digest,
            "code_revision": origin.code_revision,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in _RECORDED}},
        },
    )


def golden_requests(contract: Contract, estimator: Estimator, training: pd.DataFrame) -> GoldenRequests:
    """Requests with the reference estimator's answers.

    They are the contract's examples, a batch of training rows, everything missing that may be, both ends of every
    range, and for each categorical feature a code that it doesn't have, which must be refused.
    """
    encoder = Encoder(contract.features)

    def answered(title: str, instances: Sequence[Mapping[str, JsonValue]]) -> Golden:
        matrix = encoder.from_records(instances).matrix
        labels = contract.target.labels
        return Golden(
            title=title,
            instances=tuple(map(dict, instances)),
            probabilities=tuple(
                dict(zip(labels, row, strict=True)) for row in estimator.predict_proba(matrix).tolist()
            ),
            labels=tuple(labels[position] for position in estimator.predict(matrix).tolist()),
        )

    requests = [
        Golden(title=example.title, instances=(example.instance,), refused=example.refused)
        if example.refused
        else answered(example.title, [example.instance])
        for example in contract.examples
    ]
    rows = requests_of(contract, training.head(GOLDEN_ROWS))
    requests.append(answered("rows of the training table", rows))
    base = rows[0]
    optional = {feature.name: None for feature in contract.features if feature.missing.allowed}
    requests.append(answered("everything missing that may be", [{**base, **optional}]))
    requests.append(answered("both ends of every range", [_end(contract.features, 0), _end(contract.features, 1)]))
    for feature in contract.features:
        if isinstance(feature, CategoricalFeature):
            request: dict[str, JsonValue] = {**base, feature.name: _unknown_code(feature)}
            requests.append(
                Golden(title=f"unknown code of {feature.name}", instances=(request,), refused="unknown-category")
            )
    return GoldenRequests(format=1, tolerance=TOLERANCE, requests=tuple(requests))


def _end(features: Sequence[Feature], end: int) -> dict[str, JsonValue]:
    row: dict[str, JsonValue] = {}
    for feature in features:
        match feature:
            case CategoricalFeature():
                row[feature.name] = feature.values[-end]
            case BooleanFeature():
                row[feature.name] = bool(end)
            case _:
                row[feature.name] = (feature.range.min, feature.range.max)[end]
    return row


def _unknown_code(feature: CategoricalFeature) -> int | str:
    """A code of the feature's type that it doesn't have, not even for a missing value."""
    known = {*feature.values, *feature.missing.markers}
    if isinstance(feature.values[0], str):
        return "no such code"
    return next(code for code in count(max(map(int, feature.values)) + 1) if code not in known)
