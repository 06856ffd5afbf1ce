import os
import subprocess
import sys

import pytest

from components import PROJECT
from components.image import LOCAL_IMAGE, component

STAGES = sorted(path.stem for path in (PROJECT / "components").glob("*.py") if path.stem not in {"__init__", "table"})


def doubled(number: int) -> int:
    """Doubles a number."""
    return 2 * number


def test_a_component_keeps_its_function_and_runs_in_the_image_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONCORD_PIPELINE_IMAGE", "images/pipeline@sha256:1234")
    made = component(doubled)
    assert made.python_func is doubled
    container = made.component_spec.implementation.container
    assert container.image == "images/pipeline@sha256:1234"
    assert "pip install" not in " ".join(container.command)


def test_without_a_name_the_image_is_the_one_built_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONCORD_PIPELINE_IMAGE", raising=False)
    assert component(doubled).component_spec.implementation.container.image == LOCAL_IMAGE


def test_in_a_task_every_stage_can_be_imported_and_stays_a_function() -> None:
    program = (
        "import importlib, inspect, sys\n"
        f"for stage in {STAGES}:\n"
        "    module = importlib.import_module(f'components.{stage}')\n"
        "    if hasattr(module, stage):\n"
        "        assert inspect.isfunction(getattr(module, stage)), stage\n"
        "        print(stage)\n"
        "assert 'kfp.compiler' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "_KFP_RUNTIME": "true"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"ingest", "validate", "split", "train", "cross_validate", "evaluate", "select"} <= set(done.stdout.split())
