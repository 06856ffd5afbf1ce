from __future__ import annotations

import io
import json
import pickletools
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from components.learning.candidates import CANDIDATES
from components.learning.fitting import fit
from components.learning.persistence import load
from components.learning.rows import rows_of
from components.packaging.packing import GOLDEN_ROWS, golden_requests
from components.packaging.parity import TOLERANCE
from components.table import encode, requests_of, typed
from contract.bundle import FILES, MANIFEST, load_bundle, verify
from contract.encoding import Encoder
from contract.features import CategoricalFeature
from tests.components.artifacts import Artifacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from components.learning.effort import Effort
    from contract.bundle import Bundle
    from contract.schema import Contract
    from tests.conftest import FinishedRun

NAMES = [*FILES, MANIFEST]


@pytest.fixture(scope="module")
def bundle(finished: FinishedRun) -> Bundle:
    return load_bundle(finished.bundle)


def test_the_bundle_verifies_and_tells_where_it_comes_from(finished: FinishedRun, heart: Contract) -> None:
    manifest = verify(finished.bundle)
    selection = Artifacts(finished).evaluation.selection
    assert selection is not None
    assert sorted(path.name for path in finished.bundle.iterdir()) == sorted(NAMES)
    assert manifest.name == "heart"
    assert manifest.candidate == selection.winner
    assert manifest.data_sha256 == heart.training.sha256
    assert manifest.contract_digest == heart.digest
    assert manifest.run_id
    assert manifest.version == manifest.created.replace("-", "").replace(":", "").replace("+0000", "Z")
    versions = dict(manifest.versions)
    assert versions.pop("python").startswith("3.")
    assert versions == {name: version(name) for name in versions}
    assert {"scikit-learn", "onnxruntime", "numpy"} <= set(versions)


def test_the_reference_and_the_scorer_in_it_answer_alike(
    finished: FinishedRun, bundle: Bundle, heart: Contract, cleveland: pd.DataFrame
) -> None:
    reference = load(finished.bundle / "model.skops")
    matrix = encode(heart, cleveland).matrix
    answer = bundle.scorer(matrix)
    np.testing.assert_allclose(answer.probability, reference.predict_proba(matrix)[:, 1], rtol=0, atol=1e-10)
    np.testing.assert_array_equal(answer.decided, reference.predict(matrix))


def test_golden_answers_are_the_references_and_the_scorers(bundle: Bundle, finished: FinishedRun) -> None:
    reference = load(finished.bundle / "model.skops")
    encoder = Encoder(bundle.contract.features)
    assert bundle.golden.tolerance == TOLERANCE
    for request in bundle.golden.requests:
        if request.refused:
            assert not request.probabilities
            continue
        encoded = encoder.from_records(request.instances)
        assert not encoded.violations
        labels = bundle.contract.target.labels
        assert [tuple(row) for row in request.probabilities] == [labels] * len(request.instances)
        probabilities = [list(row.values()) for row in request.probabilities]
        assert probabilities == reference.predict_proba(encoded.matrix).tolist()
        answer = bundle.scorer(encoded.matrix)
        np.testing.assert_allclose(answer.probability, [row[1] for row in probabilities], rtol=0, atol=1e-10)
        assert [labels[position] for position in answer.decided] == list(request.labels)


def test_golden_requests_hold_examples_rows_corners_and_refusals(bundle: Bundle, finished: FinishedRun) -> None:
    requests = {request.title: request for request in bundle.golden.requests}
    assert len(requests) == len(bundle.golden.requests)
    contract, training = bundle.contract, Artifacts(finished).training
    for example in contract.examples:
        assert requests[example.title].instances == (example.instance,)
        assert requests[example.title].refused == example.refused
    rows = requests["rows of the training table"]
    assert list(rows.instances) == requests_of(contract, training.head(GOLDEN_ROWS))
    assert set(rows.labels) == {"no disease", "disease"}
    (missing,) = requests["everything missing that may be"].instances
    assert {name for name, value in missing.items() if value is None} == {
        feature.name for feature in contract.features if feature.missing.allowed
    }
    low, high = requests["both ends of every range"].instances
    assert (low["age"], high["age"], low["oldpeak"], high["oldpeak"]) == (18, 120, -5, 10)
    assert (low["thal"], high["thal"], low["exang"], high["exang"]) == (3, 7, False, True)
    for feature in contract.features:
        if isinstance(feature, CategoricalFeature):
            request = requests[f"unknown code of {feature.name}"]
            (violation,) = Encoder(contract.features).from_records(request.instances).violations
            assert (violation.column, violation.rule) == (feature.name, request.refused)


def test_unknown_codes_of_text_and_of_numbers_that_mean_missing(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tiny: Effort
) -> None:
    zone = next(feature for feature in parcels.features if feature.name == "zone")
    numbered = type(zone).model_validate(
        {
            **zone.model_dump(),
            "name": "depot",
            "categories": ({"value": 1, "label": "north"}, {"value": 2, "label": "south"}),
            "missing": {"markers": (3,), "allowed": True},
        }
    )
    contract = parcels.model_copy(update={"features": (*parcels.features, numbered)})
    table = sent(80)
    frame = typed(contract, table.assign(depot=table["zone"].str.removeprefix("0")))
    fitted = fit(CANDIDATES["logistic-regression"], contract, rows_of(contract, frame), tiny, seed=0)
    golden = golden_requests(contract, fitted.estimator, frame)
    codes = {
        name: request.instances[0][name]
        for request in golden.requests
        for name in ("zone", "depot")
        if request.title == f"unknown code of {name}"
    }
    assert codes == {"zone": "no such code", "depot": 4}
    assert {label for request in golden.requests for label in request.labels} == {"in time", "late"}


def test_there_is_no_pickle_in_it(finished: FinishedRun) -> None:
    members: dict[str, bytes] = {}
    for name in NAMES:
        content = (finished.bundle / name).read_bytes()
        if name == "model.skops":
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members |= {f"{name}/{member}": archive.read(member) for member in archive.namelist()}
        else:
            members[name] = content
    assert not [name for name, content in members.items() if _is_pickle(content)]
    inside = [name for name in members if name.startswith("model.skops/")]
    assert {name.rpartition(".")[2] for name in inside} == {"json", "npy"}
    for name in inside:
        if name.endswith(".npy"):
            np.load(io.BytesIO(members[name]), allow_pickle=False)
    kinds = {node["__loader__"] for node in _nodes(json.loads(members["model.skops/schema.json"]))}
    assert "ReduceNode" not in kinds


def _is_pickle(content: bytes) -> bool:
    try:
        return bool(list(pickletools.genops(content)))
    except (ValueError, UnicodeDecodeError):
        return False


def _nodes(tree: Any) -> list[dict[str, Any]]:
    if isinstance(tree, list):
        return [node for item in tree for node in _nodes(item)]
    if not isinstance(tree, dict):
        return []
    return [*([tree] if "__loader__" in tree else []), *_nodes(list(tree.values()))]


def test_two_bundles_of_the_same_model_differ_in_time_only(finished: FinishedRun, tiny: Effort, tmp_path: Path) -> None:
    artifacts = Artifacts(finished)
    first, second = (
        artifacts.bundle_of(CANDIDATES["gradient-boosting"], tiny, tmp_path / name, artifacts.training)
        for name in ("first", "second")
    )
    # skops names arrays after their addresses in memory.
    same = [name for name in FILES if name not in {"model.skops", "MODEL_CARD.md"}]
    assert [name for name in same if (first / name).read_bytes() != (second / name).read_bytes()] == []
    facts = [verify(path).model_dump(exclude={"version", "created", "files", "digest"}) for path in (first, second)]
    assert facts[0] == facts[1]
    assert facts[0]["run_id"] == "run-42"
    assert facts[0]["code_revision"] == "0f3c9d1"
    matrix = encode(artifacts.contract, artifacts.held_out).matrix
    answers = [load(path / "model.skops").predict_proba(matrix) for path in (first, second)]
    np.testing.assert_array_equal(*answers)
