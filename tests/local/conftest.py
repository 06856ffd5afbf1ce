# No `from __future__ import annotations`: KFP reads the annotations of components.
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl
from rich.console import Console

from local.progress import Progress

OPTIONS: dict[str, Any] = {"base_image": "python:3.11", "install_kfp_package": False, "packages_to_install": []}


@dsl.component(**OPTIONS)
def prepare(table: dsl.Output[dsl.Dataset], word: str = "rows") -> int:
    from pathlib import Path

    Path(table.path).write_text(word)
    print("printed by the task")
    return 3


@dsl.component(**OPTIONS)
def train(algorithm: str, table: dsl.Input[dsl.Dataset], model: dsl.Output[dsl.Model]) -> str:
    from pathlib import Path

    print("::progress 1/2 folds")
    print("::progress 2/2 folds")
    Path(model.path).write_text(f"{algorithm} of {Path(table.path).read_text()}")
    return algorithm


@dsl.component(**OPTIONS)
def choose(models: dsl.Input[list[dsl.Model]], best: dsl.Output[dsl.Model]) -> None:
    from pathlib import Path

    Path(best.path).write_text(", ".join(Path(model.path).read_text() for model in models))


@dsl.pipeline(name="training")
def training(algorithms: list[str] = ["logistic_regression", "svm", "random_forest"]) -> None:  # noqa: B006
    table = prepare().set_display_name("Prepare the table").outputs["table"]
    with dsl.ParallelFor(algorithms) as algorithm:
        model = train(algorithm=algorithm, table=table).set_display_name("Train").outputs["model"]
    choose(models=dsl.Collected(model)).set_display_name("Choose").set_memory_limit("1G")


@dsl.component(**OPTIONS)
def fail(message: str) -> None:
    class InvalidTable(Exception):
        pass

    raise InvalidTable(message) from KeyError("the cause")


@dsl.pipeline(name="failing")
def failing(message: str = "no rows") -> None:
    prepare().after(fail(message=message).set_display_name("Validate"))


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[Any], Path]:
    """Compile a pipeline function and return the path of its YAML."""

    def compile_pipeline(pipeline: Any) -> Path:
        package = tmp_path / f"{pipeline.name}.yaml"
        compiler.Compiler().compile(pipeline, str(package))
        return package

    return compile_pipeline


@pytest.fixture
def screen() -> StringIO:
    """Receive what a run shows when its output isn't a terminal."""
    return StringIO()


@pytest.fixture
def progress(screen: StringIO) -> Progress:
    return Progress(Console(file=screen))


@pytest.fixture
def training_package(compiled: Callable[[Any], Path]) -> Path:
    """Compile the tasks `prepare`, `train` for each of `algorithms`, and `choose`."""
    return compiled(training)


@pytest.fixture
def failing_package(compiled: Callable[[Any], Path]) -> Path:
    """Compile the tasks `fail`, with `message`, and `prepare` after it."""
    return compiled(failing)
