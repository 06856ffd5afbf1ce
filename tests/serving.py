"""A real bundle without the pipeline, and the real server that answers from it: a plugin for several packages."""

from __future__ import annotations

import csv
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
import skops.io
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from contract.bundle import Golden, GoldenRequests, seal
from contract.document import load_contract
from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature
from contract.profile import profile_of
from contract.quality import WATCHED, Interval
from contract.scorer import Calibration, DecisionRule, Temperature
from contract.transform import Imputation, Indicators, Layout, Standardization, Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]
HEART = ROOT / "datasets" / "heart"
IRIS = ROOT / "datasets" / "iris"
FACTS = {
    "name": "heart",
    "version": "7",
    "created": "2026-01-01T00:00:00Z",
    "run_id": "test",
    "candidate": "logistic_regression",
    "data_sha256": "6c2ba07d38e96d22325833535f9523de035f78599dd8dc2c923a7ae83de74c8c",
    "code_revision": "test",
    "versions": {},
}
THRESHOLD = 0.4
INVERSE_TEMPERATURE = 1.5
CALIBRATIONS: dict[int, Calibration | Temperature] = {
    2: Calibration(method="sigmoid", slope=-1.0, intercept=0.0),
    3: Temperature(method="temperature", inverse=INVERSE_TEMPERATURE, of_probabilities=False),
}
"""By the number of classes."""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle of two classes: logistic regression on the Cleveland table, golden requests by scikit-learn."""
    contract = load_contract(HEART / "contract.yaml")
    rows = _rows(HEART / "cleveland.csv")
    columns = {
        name: [None if row[name] == "?" else float(row[name]) for row in rows] for name in contract.feature_names
    }
    target = [int(row["num"] != "0") for row in rows]
    return sealed(tmp_path_factory.mktemp("bundle"), HEART / "contract.yaml", columns, target)


@pytest.fixture(scope="session")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle of three classes: logistic regression on the iris table, golden requests by its scores."""
    contract = load_contract(IRIS / "contract.yaml")
    rows = _rows(IRIS / "iris.csv")
    columns = {name: [float(row[name]) for row in rows] for name in contract.feature_names}
    target = [contract.target.labels.index(row[contract.target.column]) for row in rows]
    quality = dict.fromkeys(WATCHED, Interval(value=0.96, low=0.9, high=1.0))
    return sealed(tmp_path_factory.mktemp("flowers"), IRIS / "contract.yaml", columns, target, quality)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sealed(
    directory: Path,
    contract_file: Path,
    columns: Mapping[str, Sequence[float | str | None]],
    target: list[int],
    quality: Mapping[str, Interval] | None = None,
) -> Path:
    """Fit a logistic regression to columns and the positions of classes, and seal its bundle in `directory`.

    `quality` is what its evaluation is to have found.
    """
    contract = load_contract(contract_file)
    encoder = Encoder(contract.features)
    matrix = encoder.from_columns(columns).matrix
    transform = _transform(contract, matrix)
    served_rows = transform.compile()(matrix)
    estimator = LogisticRegression(max_iter=1000).fit(served_rows, target)
    labels = contract.target.labels
    rule = DecisionRule(
        format=1,
        calibration=CALIBRATIONS[len(labels)],
        threshold=THRESHOLD if contract.target.is_binary else None,
        labels=labels,
    )
    requests = []
    for example in contract.examples:
        if example.refused:
            requests.append(Golden(title=example.title, instances=(example.instance,), refused=example.refused))
            continue
        encoded = transform.compile()(encoder.from_records([example.instance]).matrix)
        probabilities = _probabilities(estimator, encoded)[0]
        decided = int(probabilities[1] >= THRESHOLD) if contract.target.is_binary else int(probabilities.argmax())
        requests.append(
            Golden(
                title=example.title,
                instances=(example.instance,),
                probabilities=(dict(zip(labels, probabilities.tolist(), strict=True)),),
                labels=(labels[decided],),
            )
        )
    model = to_onnx(
        estimator, served_rows[:1].astype(np.float32), options={"zipmap": False, "raw_scores": True}
    ).SerializeToString()
    probability = _probabilities(estimator, served_rows)
    probability = probability[:, 1] if contract.target.is_binary else probability
    profile = profile_of(contract.features, matrix, probability, labels, quality)
    files = {
        "transform.json": transform.model_dump_json(),
        "decision.json": rule.model_dump_json(),
        "profile.json": profile.model_dump_json(),
        "golden.json": GoldenRequests(format=1, tolerance=1e-6, requests=tuple(requests)).model_dump_json(),
        "evaluation.json": "{}",
        "MODEL_CARD.md": f"# {contract.name}\n\nA logistic regression for the tests of the predictor.\n",
    }
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "model.onnx").write_bytes(model)
    skops.io.dump(estimator, directory / "model.skops")
    shutil.copy(contract_file, directory)
    seal(directory, {**FACTS, "name": contract.name, "contract_digest": contract.digest})
    return directory


def _probabilities(estimator: LogisticRegression, rows: npt.NDArray[np.floating[Any]]) -> Matrix:
    """What is to be served, (rows, classes): of two classes scikit-learn's own, of three calibrated scores."""
    if len(estimator.classes_) == 2:
        own: Matrix = estimator.predict_proba(rows)
        return own
    shares = np.exp(INVERSE_TEMPERATURE * estimator.decision_function(rows))
    found: Matrix = shares / shares.sum(axis=1, keepdims=True)
    return found


def _transform(contract: Contract, matrix: Matrix) -> Transform:
    features = list(enumerate(contract.features))
    categorical = [(at, feature) for at, feature in features if isinstance(feature, CategoricalFeature)]
    booleans = [at for at, feature in features if isinstance(feature, BooleanFeature)]
    numbers = [at for at, feature in features if not isinstance(feature, BooleanFeature | CategoricalFeature)]
    indicators = tuple(
        Indicators(feature=at, categories=len(feature.values), drop_first=False) for at, feature in categorical
    )
    columns = [contract.features[at].name for at in (*numbers, *booleans)]
    for _, feature in categorical:
        columns += [f"{feature.name}={value}" for value in feature.values]
    layout = Layout(columns=tuple(columns), numbers=tuple(numbers), booleans=tuple(booleans), indicators=indicators)
    scaler = StandardScaler().fit(matrix[:, numbers])
    expanded = layout.expand(matrix)
    expanded[:, : len(numbers)] = scaler.transform(expanded[:, : len(numbers)])
    return Transform(
        format=1,
        layout=layout,
        standardize_numbers=Standardization(mean=tuple(scaler.mean_.tolist()), scale=tuple(scaler.scale_.tolist())),
        impute=Imputation(initial=tuple(np.nanmean(expanded, axis=0).tolist()), steps=()),
        standardize_all=None,
    )


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A port that nobody listens on."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return find


@pytest.fixture(scope="session")
def start(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., tuple[subprocess.Popen[str], str]]:
    """Start `python -m predictor` with arguments; returns once it is ready, with its base URL.

    Its standard error goes to `log`, a file: nobody reads it meanwhile, and a full pipe would stop the server.
    """

    def start_predictor(bundle: Path, *arguments: str, log: Path | None = None) -> tuple[subprocess.Popen[str], str]:
        url = f"http://127.0.0.1:{free_port()}"
        log = log or tmp_path_factory.mktemp("log") / "stderr"
        with log.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "predictor", "--bundle", bundle, "--http_port", url.rsplit(":", 1)[1]),
                    *("--drain_delay_seconds", "0", *arguments),
                ],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
            )
        with httpx.Client(base_url=url) as client:
            while process.poll() is None:
                try:
                    client.get("/v2/health/ready").raise_for_status()
                except httpx.ConnectError:
                    time.sleep(0.02)
                    continue
                return process, url
        raise AssertionError(log.read_text(encoding="utf-8"))

    return start_predictor
