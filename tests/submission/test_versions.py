from __future__ import annotations

from http import HTTPStatus

import pytest

from submission.connection import Connection, Endpoint
from submission.errors import NotPermitted
from submission.package import Package
from submission.versions import upload, version_name
from tests.submission.conftest import connect
from tests.submission.kfp_server import KfpServer, serving

COMMIT = "3f2a9c41d07e55aa0011223344556677889900ab"
DIGEST = "9f8e7d6c" + "0" * 56


@pytest.mark.parametrize(
    ("revision", "remark", "name"),
    [
        (COMMIT, "", "0.1.0+3f2a9c41d07e"),
        (f"{COMMIT}-modified", "", "0.1.0+3f2a9c41d07e.modified.9f8e7d6c"),
        ("unknown", "", "0.1.0+unknown.modified.9f8e7d6c"),
        (COMMIT, "no-cache", "0.1.0+3f2a9c41d07e.no-cache"),
    ],
)
def test_a_versions_name_tells_the_commit_and_whether_that_is_all(revision: str, remark: str, name: str) -> None:
    assert version_name(revision, DIGEST, remark) == name


def test_the_same_yaml_makes_one_version_whatever_its_name(
    server: KfpServer, connection: Connection, package: Package
) -> None:
    first = upload(connection, package, "1")
    again = upload(connection, package, "2")

    assert (first.is_new, again.is_new) == (True, False)
    assert again.version_id == first.version_id
    assert [version.name for version in server.versions.values()] == ["1"]
    assert [pipeline.display_name for pipeline in server.pipelines.values()] == ["concord"]
    assert first.link == f"{server.url}/#/pipelines/details/{first.pipeline_id}/version/{first.version_id}"


def test_what_arrives_is_the_file(server: KfpServer, connection: Connection, package: Package) -> None:
    upload(connection, package, "1")
    (request,) = server.asked("POST .*/upload_version")
    assert request.body == package.path.read_text()
    assert package.digest in request.query["description"]


def test_another_yaml_of_the_same_commit_is_another_version(
    server: KfpServer, connection: Connection, package: Package
) -> None:
    first = upload(connection, package, "1")
    other = package.without_cache()
    second = upload(connection, other, "1")

    assert second.version_id != first.version_id
    assert second.pipeline_id == first.pipeline_id
    assert second.version == f"1.{other.digest[:8]}"
    assert not upload(connection, other, "1").is_new


def test_an_old_version_is_found_behind_many(server: KfpServer, connection: Connection, package: Package) -> None:
    first = upload(connection, package, "first")
    template = server.versions[first.version_id]
    for number in range(250):
        copied = type(template)(
            **{**template.to_dict(), "name": str(number), "description": "another", "pipeline_spec": None}
        )
        server.versions[str(number)] = copied
    assert upload(connection, package, "again").version_id == first.version_id
    assert len(server.asked("GET .*/versions$")) == 1 + 3


def test_a_pipeline_that_somebody_makes_meanwhile_is_used(server: KfpServer, package: Package) -> None:
    theirs = upload(connect(server), package, "1")
    server.fail("GET .*/pipelines$", HTTPStatus.OK, "{}", times=1, content_type="application/json")
    assert upload(connect(server), package, "2").pipeline_id == theirs.pipeline_id
    assert len(server.pipelines) == 1


def test_pipelines_belong_to_a_namespace_where_there_are_several(package: Package) -> None:
    with serving(namespaces=("team", "other")) as server:
        ids = {
            upload(Connection(Endpoint(server.url, namespace)), package, "1").pipeline_id
            for namespace in ("team", "other", "team")
        }
        assert len(ids) == 2
        assert [pipeline.namespace for pipeline in server.pipelines.values()] == ["team", "other"]


def test_names_fit_kubernetes_where_versions_are_its_objects(package: Package) -> None:
    with serving(pipeline_store="kubernetes") as server:
        made = upload(connect(server), package, "0.1.0+3f2a9c41d07e")
        assert made.version == "0.1.0+3f2a9c41d07e"
        assert [version.name for version in server.versions.values()] == ["0.1.0-3f2a9c41d07e"]


def test_who_may_not_upload_changes_nothing(server: KfpServer, connection: Connection, package: Package) -> None:
    server.forbidden = {"create pipelines"}
    with pytest.raises(NotPermitted, match="create the pipeline 'concord'"):
        upload(connection, package, "1")
    assert not server.pipelines
    assert not server.versions
