# No `from __future__ import annotations`: KFP reads the annotations of components.
import contextlib
import errno
import os
import signal
import socket
import sqlite3
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.models.images import Image
from kfp import compiler, dsl
from rich.console import Console

from components.image import LOCAL_IMAGE
from components.register import check_tracking
from images.stages.checkout import CODE, check_code
from images.stages.containers import Containers, memory_limits
from images.stages.errors import EngineMissing, ImageMissing, ImageUnfit
from images.stages.registry import DATABASE
from images.stages.service import container_engine, image_named
from images.stages.tracking import tracking_server
from local import Outputs, Progress, TaskFailed, run_pipeline

OPTIONS: dict[str, Any] = {"base_image": LOCAL_IMAGE, "install_kfp_package": False, "packages_to_install": []}
MIB = 2**20
Run = Callable[..., Outputs]


@dsl.component(**OPTIONS)
def look(seen: dsl.Output[dsl.Artifact]) -> dict[str, str]:
    """What a task finds of its surroundings."""
    import os
    from pathlib import Path

    def refused(path: str) -> str:
        try:
            Path(path).write_text("x")
        except OSError as error:
            return type(error).__name__ + " " + str(error.errno)
        return "written"

    limits = [Path("/sys/fs/cgroup", *name) for name in (["memory.max"], ["memory", "memory.limit_in_bytes"])]
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    Path(seen.path).write_text("an artifact")
    return {
        "user": str(os.getuid()),
        "capabilities": status["CapEff"],
        "no new privileges": status["NoNewPrivs"],
        "app": refused("/app/file"),
        "root": refused("/file"),
        "tmp": refused("/tmp/file"),
        "memory": next((path.read_text().strip() for path in limits if path.exists()), "unknown"),
        "variable": os.environ.get("FROM_ENGINE", "") + os.environ.get("FROM_TASK", ""),
        "network": ", ".join(sorted(path.name for path in Path("/sys/class/net").iterdir())),
    }


@dsl.component(**OPTIONS)
def fit(word: str, seen: dsl.Input[dsl.Artifact], model: dsl.Output[dsl.Model]) -> str:
    from pathlib import Path

    Path(model.path).mkdir()
    (Path(model.path) / "text").write_text(f"{word} of {Path(seen.path).read_text()}")
    return word


@dsl.component(**OPTIONS)
def choose(models: dsl.Input[list[dsl.Model]]) -> str:
    from pathlib import Path

    return ", ".join((Path(model.path) / "text").read_text() for model in models)


@dsl.component(**OPTIONS)
def fail_once(seen: dsl.Input[dsl.Artifact]) -> str:
    from pathlib import Path

    marker = Path(seen.path).with_name("marker")
    if marker.exists():
        return "the second attempt"
    marker.touch()
    raise OSError("the network is down")


@dsl.pipeline(name="looking")
def looking(words: list[str] = ["a", "b"]) -> None:  # noqa: B006
    first = look().set_memory_limit("256Mi").set_env_variable("FROM_TASK", "task")
    seen = first.outputs["seen"]
    with dsl.ParallelFor(words) as word:
        fitted = fit(word=word, seen=seen)
    choose(models=dsl.Collected(fitted.outputs["model"]))
    fail_once(seen=seen).set_retry(1)


@dsl.component(**OPTIONS)
def leave_at_once() -> str:
    import os

    os._exit(0)


@dsl.component(**OPTIONS)
def eat() -> str:
    return str(len(bytearray(400 * 2**20)))


@dsl.component(**OPTIONS)
def wait_for_ever() -> str:
    import threading

    print("::progress waiting")
    threading.Event().wait()
    return ""


def compiled(pipeline: Any, directory: Path) -> Path:
    package = directory / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    return package


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerClient]:
    """A container engine that answers."""
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(container_engine())
        except EngineMissing as error:
            pytest.skip(str(error))
        yield client


@pytest.fixture(scope="module")
def image(engine: DockerClient) -> Image:
    """The pipeline image."""
    try:
        return image_named(engine, LOCAL_IMAGE)
    except ImageMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def progress() -> Progress:
    return Progress(Console(file=StringIO()))


@pytest.fixture
def run(engine: DockerClient, image: Image, tmp_path: Path, progress: Progress) -> Run:
    """Run a pipeline in containers without a network, below `tmp_path`."""

    def run_in_containers(pipeline: Any, **arguments: Any) -> Outputs:
        package = compiled(pipeline, tmp_path)
        containers = Containers(engine, image, package, network="none", environment={"FROM_ENGINE": "engine "})
        return run_pipeline(package, arguments, tmp_path / "run", progress, engine=containers)

    return run_in_containers


def containers_of(engine: DockerClient, image: Image) -> set[str]:
    return {container.id for container in engine.containers.list(all=True, filters={"ancestor": image.id})}


def test_tasks_are_containers_with_no_more_rights_than_on_a_cluster(
    run: Run, engine: DockerClient, image: Image, tmp_path: Path
) -> None:
    before = containers_of(engine, image)
    outputs = run(looking)

    seen = outputs.parameter("look")
    assert seen["user"] != "0"
    assert int(seen["capabilities"], 16) == 0
    assert seen["no new privileges"] == "1"
    assert seen["app"] == seen["root"] == f"OSError {errno.EROFS}"
    assert seen["tmp"] == "written"
    assert seen["memory"] == str(256 * MIB)
    assert seen["variable"] == "engine task"
    assert seen["network"] == "lo"
    # Loops, collected artifacts and retries are KFP's, as ever.
    assert outputs.parameter("choose") == "a of an artifact, b of an artifact"
    assert outputs.parameter("fail-once") == "the second attempt"
    assert {record.task: record.attempts for record in outputs.tasks}["fail-once"] == 2
    assert "OSError: the network is down" in (tmp_path / "run" / "logs" / "fail-once.log").read_text()
    # Nothing is left behind but the outputs, which belong to whoever ran this.
    assert containers_of(engine, image) == before
    assert {path.stat().st_uid for path in (tmp_path / "run").rglob("*")} == {os.getuid()}


def test_a_container_that_ends_at_once_without_outputs_has_failed(run: Run) -> None:
    @dsl.pipeline(name="leaving")
    def leaving() -> None:
        leave_at_once()

    with pytest.raises(TaskFailed, match=r"ended with status 0 and left no executor_output\.json"):
        run(leaving)


def test_a_task_that_needs_more_memory_than_its_limit_is_ended(run: Run) -> None:
    @dsl.pipeline(name="eating")
    def eating() -> None:
        eat().set_memory_limit("128Mi")

    with pytest.raises(TaskFailed, match="SIGKILL; most often that is because the machine ran out of memory"):
        run(eating)


def test_being_stopped_removes_the_container(
    engine: DockerClient, image: Image, tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dsl.pipeline(name="waiting")
    def waiting() -> None:
        wait_for_ever()

    monkeypatch.setattr(progress, "noted", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    before = containers_of(engine, image)
    package = compiled(waiting, tmp_path)
    containers = Containers(engine, image, package, network="none", environment={})
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(package, {}, tmp_path / "run", progress, engine=containers)
    assert containers_of(engine, image) == before
    assert [record.state for record in Outputs.at(tmp_path / "run").tasks] == ["stopped"]


def test_a_stage_reaches_mlflow_and_nothing_else(
    engine: DockerClient, image: Image, tmp_path: Path, progress: Progress
) -> None:
    @dsl.component(**OPTIONS)
    def reach(host: str, port: int) -> str:
        import socket

        try:
            socket.create_connection((host, port), timeout=2).close()
        except OSError as error:
            return type(error).__name__
        return "reached"

    @dsl.pipeline(name="tracking")
    def tracking(port: int) -> None:
        check_tracking(experiment="heart")
        reach(host="192.0.2.1", port=port)
        reach(host="127.0.0.1", port=port)

    package = compiled(tracking, tmp_path)
    place = tmp_path / "mlflow"
    with tracking_server(engine, image, place) as server, socket.create_server(("127.0.0.1", 0)) as here:
        environment = {"MLFLOW_TRACKING_URI": server.uri}
        containers = Containers(engine, image, package, network=server.network, environment=environment)
        arguments = {"port": here.getsockname()[1]}
        outputs = run_pipeline(package, arguments, tmp_path / "run", progress, engine=containers)
    assert outputs.parameter("check-tracking") == server.uri
    assert outputs.parameter("reach").endswith("Error")
    assert outputs.parameter("reach-2").endswith("Error")
    with contextlib.closing(sqlite3.connect(place / DATABASE)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM experiments")}
    assert "heart" in names
    assert server.network not in {network.name for network in engine.networks.list()}
    assert {path.stat().st_uid for path in place.rglob("*")} == {os.getuid()}


def test_an_image_with_other_code_proves_nothing(
    engine: DockerClient, image: Image, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for part in CODE:
        (tmp_path / part).mkdir()
    (tmp_path / "contract" / "later.py").write_text("")
    monkeypatch.setattr("images.stages.checkout.PROJECT", tmp_path)
    with pytest.raises(ImageUnfit, match=r"isn't built from this checkout: components/.* more differ.*make images"):
        check_code(engine, image, Path("datasets/heart"))


def test_an_image_that_isnt_there_is_named_with_what_makes_it(engine: DockerClient) -> None:
    with pytest.raises(ImageMissing, match=r"no image 'concord-nothing:local': make images builds it"):
        image_named(engine, "concord-nothing:local")


def test_the_memory_limits_are_those_of_the_compiled_pipeline(tmp_path: Path) -> None:
    assert memory_limits(compiled(looking, tmp_path)) == {"look": 256 * MIB}
