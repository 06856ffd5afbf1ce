from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compilation.errors import UnreadablePipeline
from compilation.spec import CompiledPipeline
from components.needs import NEEDS
from tests.compilation.documents import IMAGE, Documents


def test_every_task_is_there_with_what_it_runs_and_where(train: Documents) -> None:
    pipeline = CompiledPipeline.of(train.all)
    tasks = {task.title: task for task in pipeline.tasks}
    assert {task.title for task in pipeline.tasks if task.in_loop} == {"Train", "Cross-validate"}
    assert [task.key for task in pipeline.tasks if task.is_loop] == ["for-loop-1"]
    assert {task.stage for task in pipeline.containers} == NEEDS.keys() - {"shards", "score-shard", "gather"}
    assert tasks["Cross-validate"].stage == "cross-validate"
    assert tasks["Publish"].container.image == IMAGE
    assert tasks["Publish"].pod.active_deadline_seconds == 3600
    assert {"effort", "source"} < pipeline.parameters.keys()


def test_an_import_runs_nothing(score: Documents) -> None:
    tasks = {task.title: task for task in CompiledPipeline.of(score.all).tasks}
    assert tasks["Rows"].container is None
    assert (tasks["Rows"].stage, tasks["Rows"].source) == ("", "")
    assert tasks["Score"].in_loop


def test_the_body_of_a_component_has_no_docstring(train: Documents) -> None:
    (select,) = (task for task in CompiledPipeline.of(train.all).tasks if task.stage == "select")
    body = select.body()
    assert body is not None
    assert [type(statement).__name__ for statement in body] == ["ImportFrom", "Return"]


def test_the_document_for_kubernetes_may_be_missing(train: Documents) -> None:
    pipeline = CompiledPipeline.of([train.spec])
    assert {task.pod.active_deadline_seconds for task in pipeline.containers} == {0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda it: it.task("train")["componentRef"].update(name="comp-gone"), "'comp-gone', which isn't there"),
        (lambda it: it.spec["deploymentSpec"]["executors"].pop("exec-train"), "the task 'train' has no executor"),
        (lambda it: it.spec.update(surprise=1), "surprise"),
        (lambda it: it.pod("train").update(activeDeadlineSeconds="soon"), "activeDeadlineSeconds"),
        (lambda it: it.spec.pop("pipelineInfo"), "no document of it has a pipelineInfo"),
    ],
)
def test_what_kfp_would_not_understand_is_refused(
    train: Documents, change: Callable[[Documents], object], words: str
) -> None:
    change(train)
    with pytest.raises(UnreadablePipeline) as refused:
        CompiledPipeline.of(train.all, "it.yaml")
    assert str(refused.value).startswith("it.yaml isn't a compiled pipeline")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no document of it has a pipelineInfo"),
        (b"- 1\n- 2\n", "no document of it has a pipelineInfo"),
        (b"kind: ConfigMap\n", "no document of it has a pipelineInfo"),
        (b"a: [1\n", "isn't YAML"),
        (b"\xff\xfe\x00", "isn't YAML"),
        (b"!!python/object/apply:os.system ['true']\n", "isn't YAML"),
    ],
)
def test_another_file_is_named_and_nothing_of_it_runs(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "it.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadablePipeline, match=words) as refused:
        CompiledPipeline.read(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePipeline, match="can't be read: No such file"):
        CompiledPipeline.read(tmp_path / "gone.yaml")
    with pytest.raises(UnreadablePipeline, match="can't be read: Is a directory"):
        CompiledPipeline.read(tmp_path)
