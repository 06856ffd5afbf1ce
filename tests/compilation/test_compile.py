from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl

import pipeline
from compilation.compile import compile_to
from compilation.errors import InvalidMemory, RulesBroken, UndeclaredStage, UnpinnedImage, UnusableOutput
from compilation.placement import placed
from components.image import LOCAL_IMAGE, component
from components.needs import NEEDS
from components.select import select
from tests.compilation.documents import IMAGE, Documents


def read(path: Path) -> Documents:
    return Documents(*yaml.safe_load_all(path.read_text()))


def containers(documents: Documents) -> dict[str, Any]:
    executors = documents.spec["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): item["container"] for name, item in executors.items() if "container" in item}


def test_every_task_runs_the_image_and_nothing_else_differs(tmp_path: Path) -> None:
    compile_to(pipeline.concord, tmp_path / "here.yaml")
    compile_to(pipeline.concord, tmp_path / "there.yaml", IMAGE)
    here, there = (tmp_path / name for name in ("here.yaml", "there.yaml"))
    assert {container["image"] for container in containers(read(here)).values()} == {LOCAL_IMAGE}
    assert {container["image"] for container in containers(read(there)).values()} == {IMAGE}
    assert here.read_text() == there.read_text().replace(IMAGE, LOCAL_IMAGE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here.yaml", "there.yaml"]


def test_one_compilation_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    compile_to(pipeline.score, tmp_path / "before.yaml")
    compile_to(pipeline.score, tmp_path / "between.yaml", IMAGE, memory="8Gi", parameters={"kind": "parquet"})
    compile_to(pipeline.score, tmp_path / "after.yaml")
    assert (tmp_path / "before.yaml").read_bytes() == (tmp_path / "after.yaml").read_bytes()
    assert read(tmp_path / "between.yaml").parameter("kind")["defaultValue"] == "parquet"


def test_more_memory_goes_to_what_grows_with_the_table(tmp_path: Path) -> None:
    compile_to(pipeline.concord, tmp_path / "large.yaml", memory="8Gi")
    for name, container in containers(read(tmp_path / "large.yaml")).items():
        wanted = "8Gi" if NEEDS[name].grows else NEEDS[name].memory
        assert container["resources"]["resourceMemoryLimit"] == wanted, name
        assert container["resources"]["resourceMemoryRequest"] == wanted, name


def test_parameters_have_other_defaults_and_keep_what_the_ui_says_of_them(tmp_path: Path) -> None:
    compile_to(pipeline.concord, tmp_path / "it.yaml", parameters={"effort": "thorough", "candidates": ["svm"]})
    documents = read(tmp_path / "it.yaml")
    assert documents.parameter("effort")["defaultValue"] == "thorough"
    assert documents.parameter("candidates")["defaultValue"] == ["svm"]
    assert documents.parameter("source")["defaultValue"] == {}
    assert "standard (minutes)" in documents.parameter("effort")["description"]


@pytest.mark.parametrize("image", ["images/python:v1", "no image"])
def test_without_a_digest_nothing_is_written(tmp_path: Path, image: str) -> None:
    with pytest.raises(UnpinnedImage):
        compile_to(pipeline.score, tmp_path / "folder" / "it.yaml", image)
    assert list(tmp_path.iterdir()) == []


def test_a_tag_is_taken_where_it_is_allowed(tmp_path: Path) -> None:
    compile_to(pipeline.score, tmp_path / "it.yaml", "images/python:v1", allow_tag=True)
    assert {item["image"] for item in containers(read(tmp_path / "it.yaml")).values()} == {"images/python:v1"}


@pytest.mark.parametrize("memory", ["8GB", "8", "0Gi", "-1Gi", "8 Gi", "8Gi\n", "much"])
def test_what_is_no_amount_of_memory_is_refused(tmp_path: Path, memory: str) -> None:
    with pytest.raises(InvalidMemory, match="write 8Gi"):
        compile_to(pipeline.score, tmp_path / "it.yaml", memory=memory)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [("it.json", "end its name with .yaml"), ("it", "end its name with .yaml"), ("file/it.yaml", "can't be written")],
)
def test_where_nothing_can_be_written_is_said(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(UnusableOutput, match=words):
        compile_to(pipeline.score, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_breaks_a_rule_takes_no_other_files_place(tmp_path: Path) -> None:
    @dsl.pipeline(name="careless")
    def careless(contract: str):
        named = dsl.importer(artifact_uri=contract, artifact_class=dsl.Artifact)
        placed(select(contract=named.output, evaluation=named.output), "Select")

    output = tmp_path / "it.yaml"
    output.write_text("the one before")
    with pytest.raises(RulesBroken) as refused:
        compile_to(careless, output, IMAGE)
    assert "parameter 'contract': it has no description (described)" in str(refused.value)
    assert "task 'importer': it has no name for people (display-name)" in str(refused.value)
    assert output.read_text() == "the one before"
    assert [path.name for path in tmp_path.iterdir()] == ["it.yaml"]

    compile_to(careless, output)
    assert "careless" in output.read_text()


def test_a_component_has_to_be_declared() -> None:
    def unheard():
        """Does nothing."""

    with pytest.raises(UndeclaredStage, match="'unheard' has no needs: say in components/needs"):

        @dsl.pipeline(name="new")
        def new():
            placed(component(unheard)(), "Unheard")
