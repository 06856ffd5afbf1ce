"""KServe without what only its clients need; and with it, once somebody asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def printed(code: str) -> str:
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_the_server_is_there_without_the_cluster_client_and_pandas() -> None:
    code = (
        "import sys; from predictor.sdk import Model, RESTServer, model_server;"
        "print(Model.__name__, RESTServer.__name__, model_server.ModelServer.__name__,"
        " {'pandas', 'pyarrow', 'kubernetes', 'kserve.api'} & set(sys.modules))"
    )
    assert printed(code) == "Model RESTServer ModelServer set()"


def test_what_was_put_off_comes_when_it_is_asked_for() -> None:
    code = (
        "import predictor.sdk, kserve; from kserve.protocol import infer_type;"
        "print(kserve.KServeClient.__module__, kserve.Model is predictor.sdk.Model,"
        " infer_type.pd.DataFrame({'a': [1]}).shape)"
    )
    assert printed(code) == "kserve.api.kserve_client True (1, 1)"


def test_pandas_is_itself_for_everybody_else() -> None:
    assert printed("import predictor.sdk, pandas; print(pandas.DataFrame.__module__)") == "pandas.core.frame"


def test_where_kserve_is_loaded_already_nothing_changes() -> None:
    code = "import kserve; from predictor.sdk import Model; print(Model is kserve.Model)"
    assert printed(code) == "True"
