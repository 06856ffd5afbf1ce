"""A real bundle without the pipeline, and the real server that answers from it: a plugin for several packages."""

from __future__ import annotations

import csv
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

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
from contract.scorer import Calibration, DecisionRule
from contract.transform import Imputation, Indicators, Layout, Standardization, Transform

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from contract.schema import Contract

    Matrix = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]
HEART = ROOT / "datasets" / "heart"
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


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sealed bundle: logistic regression on the Cleveland table, golden requests by scikit-learn itself."""
    directory = tmp_path_factory.mktemp("bundle")
    contract = load_contract(HEART / "contract.yaml")
    with (HEART / "cleveland.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    encoder = Encoder(contract.features)
    matrix = encoder.from_columns(
        {name: [None if row[name] == "?" else float(row[name]) for row in rows] for name in contract.feature_names}
    ).matrix
    target = [int(row["num"] != "0") for row in rows]
    transform = _transform(contract, matrix)
    served_rows = transform.compile()(matrix)
    estimator = LogisticRegression(max_iter=1000).fit(served_rows, target)
    probability = estimator.predict_proba(served_rows)[:, 1]
    labels = contract.target.labels
    requests = []
    for example in contract.examples:
        if example.refused:
            requests.append(Golden(title=example.title, instances=(example.instance,), refused=example.refused))
            continue
        p = estimator.predict_proba(transform.compile()(encoder.from_records([example.instance]).matrix))[0, 1]
        requests.append(
            Golden(
                title=example.title,
                instances=(example.instance,),
                probabilities=(float(p),),
                labels=(labels[int(p >= THRESHOLD)],),
            )
        )
    model = to_onnx(
        estimator, served_rows[:1].astype(np.float32), options={"zipmap": False, "raw_scores": True}
    ).SerializeToString()
    files = {
        "transform.json": transform.model_dump_json(),
        "decision.json": DecisionRule(
            format=1,
            calibration=Calibration(method="sigmoid", slope=-1.0, intercept=0.0),
            threshold=THRESHOLD,
            labels=labels,
        ).model_dump_json(),
        "profile.json": profile_of(contract.features, matrix, probability).model_dump_json(),
        "golden.json": GoldenRequests(format=1, tolerance=1e-6, requests=tuple(requests)).model_dump_json(),
        "evaluation.json": "{}",
        "MODEL_CARD.md": "# heart\n\nA logistic regression for the tests of the predictor.\n",
    }
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "model.onnx").write_bytes(model)
    skops.io.dump(estimator, directory / "model.skops")
    shutil.copy(HEART / "contract.yaml", directory)
    seal(directory, {**FACTS, "contract_digest": contract.digest})
    return directory


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
