"""Versions of a pipeline on the server: one for each different YAML, however often it is uploaded."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfp_server_api import V2beta1Pipeline

from components import PROJECT
from submission.errors import AlreadyThere, RequestRefused
from submission.filters import named
from submission.refusals import Asked

if TYPE_CHECKING:
    from submission.connection import Connection
    from submission.package import Package

_COMMIT = 12  # digits; git's own abbreviations grow with the repository, and names should stay alike
_DIGEST = 8


@dataclass(frozen=True)
class Uploaded:
    """A version on the server; `is_new` tells whether this upload made it."""

    pipeline: str
    pipeline_id: str
    version: str
    version_id: str
    is_new: bool
    link: str


def version_name(revision: str, digest: str, remark: str = "") -> str:
    """How a version is called: `0.1.0+3f2a9c41d07e`, by the project's version and the commit.

    Where files differ from the commit, it doesn't tell what is in them: the beginning of the YAML's digest follows.

    Args:
        revision: what `local.workspace.code_revision` says.
        digest: of the YAML.
        remark: how the YAML differs from what the commit alone gives.
    """
    with (PROJECT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    commit, _, modified = revision.partition("-")
    parts = [commit[:_COMMIT], *([remark] if remark else [])]
    if modified or commit == "unknown":
        parts += ["modified", digest[:_DIGEST]]
    return f"{version}+{'.'.join(parts)}"


def upload(connection: Connection, package: Package, name: str) -> Uploaded:
    """Upload a compiled pipeline as a version, unless the same YAML is there already, under whatever name.

    A version can't be changed. If another YAML has that name (the same commit compiled with another image), the
    beginning of the digest is added to it. The digest is kept in the version's description.
    """
    pipeline_id = _pipeline(connection, package)
    asked = Asked(f"list the versions of the pipeline '{package.name}'", "list", "pipelines")
    service = connection.client.pipelines.pipeline_service_list_pipeline_versions
    taken = set()
    for version in connection.every(
        service, asked, "pipeline_versions", pipeline_id=pipeline_id, sort_by="created_at desc"
    ):
        if f"sha256:{package.digest}" in (version.description or ""):
            return _uploaded(connection, package, version, is_new=False)
        taken.add(version.display_name)
    if name in taken:
        name = f"{name}.{package.digest[:_DIGEST]}"
    version = connection.ask(
        connection.client.pipeline_uploads.upload_pipeline_version,
        Asked(f"upload the version '{name}' of the pipeline '{package.name}'", "create", "pipelines"),
        uploadfile=str(package.path),
        pipelineid=pipeline_id,
        name=_plain(name) if connection.keeps_names_of_kubernetes else name,
        display_name=name,
        description=f"{package.title} sha256:{package.digest}".strip(),
    )
    return _uploaded(connection, package, version, is_new=True)


def _pipeline(connection: Connection, package: Package) -> str:
    """The id of the pipeline, which is made without a version if it isn't there.

    The API's upload of a whole pipeline would make a version that is called like the pipeline itself.
    """
    if found := _find_pipeline(connection, package.name):
        return found
    pipeline = V2beta1Pipeline(
        name=package.name, display_name=package.name, description=package.title, namespace=connection.namespace
    )
    asked = Asked(f"create the pipeline '{package.name}'", "create", "pipelines")
    try:
        made = connection.ask(connection.client.pipelines.pipeline_service_create_pipeline, asked, pipeline=pipeline)
    except (AlreadyThere, RequestRefused):  # somebody else made it meanwhile
        if found := _find_pipeline(connection, package.name):
            return found
        raise
    return str(made.pipeline_id)


def _find_pipeline(connection: Connection, name: str) -> str | None:
    asked = Asked("list the pipelines", "list", "pipelines")
    service = connection.client.pipelines.pipeline_service_list_pipelines
    found = list(connection.every(service, asked, "pipelines", filter=named(name), **connection.scope))
    return str(found[0].pipeline_id) if found else None


def _uploaded(connection: Connection, package: Package, version: Any, *, is_new: bool) -> Uploaded:
    return Uploaded(
        pipeline=package.name,
        pipeline_id=version.pipeline_id,
        version=version.display_name or version.name,
        version_id=version.pipeline_version_id,
        is_new=is_new,
        link=connection.version_link(version.pipeline_id, version.pipeline_version_id),
    )


def _plain(name: str) -> str:
    """A name as Kubernetes takes it."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")
