"""The routes of `kfp_server`: what each request of the API v2beta1 does, and the models that answer it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import kfp_server_api as api
import yaml

if TYPE_CHECKING:
    from tests.submission.kfp_server import KfpServer

MODELS = api.ApiClient()
"""Turns the library's models into JSON and back."""


class Refused(Exception):
    """An answer that is no success, in the form of grpc-gateway."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Received:
    """One request; `body` is its JSON, or of an upload its YAML documents."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


def _model(kind: type[Any], body: Mapping[str, Any]) -> Any:
    """A request's body as the model; a field that it doesn't have is an error, as in the real server."""
    unknown = set(body) - set(kind.attribute_map.values())
    if unknown:
        raise Refused(HTTPStatus.BAD_REQUEST, f"unknown fields {sorted(unknown)}")
    return MODELS.deserialize(SimpleNamespace(data=json.dumps(body)), kind.__name__)


def _filtered(items: Mapping[str, Any], query: Mapping[str, str]) -> list[Any]:
    """Those of the filter's name, the newest first."""
    wanted = [
        predicate["stringValue"]
        for predicate in json.loads(query.get("filter") or '{"predicates": []}')["predicates"]
        if (predicate["operation"], predicate["key"]) == ("EQUALS", "display_name")
    ]
    found = [item for item in items.values() if not wanted or item.display_name in wanted]
    return found[::-1] if query.get("sort_by", "").endswith(" desc") else found


def _page(query: Mapping[str, str], found: Sequence[Any]) -> tuple[list[Any], str | None]:
    begin, size = int(query.get("page_token") or 0), int(query.get("page_size") or 10)
    more = begin + size < len(found)
    return list(found[begin : begin + size]), str(begin + size) if more else None


def _get(items: Mapping[str, Any], key: str) -> Any:
    try:
        return items[key]
    except KeyError:
        raise Refused(HTTPStatus.NOT_FOUND, f"ResourceNotFoundError: {key} not found.") from None


def now() -> datetime:
    return datetime.now(UTC)


def _healthz(server: KfpServer, request: Received) -> Any:
    return {
        "commit_sha": "0" * 40,
        "tag_name": server.version,
        "multi_user": bool(server.namespaces),
        "pipeline_store": server.pipeline_store,
    }


def _list_experiments(server: KfpServer, request: Received) -> Any:
    namespace = server.checked_namespace(request.query.get("namespace"))
    found = [item for item in _filtered(server.experiments, request.query) if item.namespace == namespace]
    page, token = _page(request.query, found)
    return api.V2beta1ListExperimentsResponse(experiments=page or None, next_page_token=token)


def _create_experiment(server: KfpServer, request: Received) -> Any:
    made = _model(api.V2beta1Experiment, request.body)
    server.checked_namespace(made.namespace)
    if any(
        (item.display_name, item.namespace) == (made.display_name, made.namespace)
        for item in server.experiments.values()
    ):
        raise Refused(HTTPStatus.CONFLICT, f"Already exist error: the experiment {made.display_name} exists")
    made.experiment_id, made.created_at = str(uuid.uuid4()), now()
    server.experiments[made.experiment_id] = made
    return made


def _list_pipelines(server: KfpServer, request: Received) -> Any:
    namespace = request.query.get("namespace")
    found = [item for item in _filtered(server.pipelines, request.query) if item.namespace == namespace]
    page, token = _page(request.query, found)
    return api.V2beta1ListPipelinesResponse(pipelines=page or None, next_page_token=token)


def _create_pipeline(server: KfpServer, request: Received) -> Any:
    made = _model(api.V2beta1Pipeline, request.body)
    if any(
        (item.display_name, item.namespace) == (made.display_name, made.namespace) for item in server.pipelines.values()
    ):
        raise Refused(HTTPStatus.CONFLICT, f"Already exist error: the pipeline {made.display_name} exists")
    made.pipeline_id, made.created_at = str(uuid.uuid4()), now()
    server.pipelines[made.pipeline_id] = made
    return made


def _list_versions(server: KfpServer, request: Received, pipeline_id: str) -> Any:
    found = [item for item in _filtered(server.versions, request.query) if item.pipeline_id == pipeline_id]
    page, token = _page(request.query, found)
    return api.V2beta1ListPipelineVersionsResponse(pipeline_versions=page or None, next_page_token=token)


def _get_version(server: KfpServer, request: Received, pipeline_id: str, version_id: str) -> Any:
    return _get(server.versions, version_id)


def _upload_version(server: KfpServer, request: Received) -> Any:
    pipeline = _get(server.pipelines, request.query["pipelineid"])
    name = request.query["name"]
    if server.pipeline_store == "kubernetes" and not re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name):
        raise Refused(
            HTTPStatus.BAD_REQUEST, f"Invalid value: {name!r}: a lowercase RFC 1123 subdomain must consist of …"
        )
    if any((item.pipeline_id, item.name) == (pipeline.pipeline_id, name) for item in server.versions.values()):
        raise Refused(HTTPStatus.CONFLICT, f"Already exist error: the version {name} exists")
    documents = list(yaml.load_all(request.body, yaml.CSafeLoader))
    spec = documents[0] if len(documents) == 1 else {"pipeline_spec": documents[0], "platform_spec": documents[1]}
    made = api.V2beta1PipelineVersion(
        pipeline_id=pipeline.pipeline_id,
        pipeline_version_id=str(uuid.uuid4()),
        name=name,
        display_name=request.query.get("display_name") or name,
        description=request.query.get("description"),
        created_at=now(),
        pipeline_spec=spec,
    )
    server.versions[made.pipeline_version_id] = made
    return made


def _checked_run(server: KfpServer, made: Any) -> None:
    reference = made.pipeline_version_reference
    version = _get(server.versions, reference.pipeline_version_id)
    spec = version.pipeline_spec.get("pipeline_spec", version.pipeline_spec)
    declared = spec["root"]["inputDefinitions"]["parameters"]
    unknown = set(made.runtime_config.parameters) - set(declared)
    if unknown:
        raise Refused(HTTPStatus.BAD_REQUEST, f"Invalid input error: unknown parameters {sorted(unknown)}")
    _get(server.experiments, made.experiment_id)


def _create_run(server: KfpServer, request: Received) -> Any:
    made = _model(api.V2beta1Run, request.body)
    _checked_run(server, made)
    made.run_id, made.created_at, made.state = str(uuid.uuid4()), now(), "PENDING"
    server.runs[made.run_id] = made
    return made


def _get_run(server: KfpServer, request: Received, run_id: str) -> Any:
    return server.told(_get(server.runs, run_id))


def _list_runs(server: KfpServer, request: Received) -> Any:
    experiment = request.query.get("experiment_id")
    if not experiment:
        server.checked_namespace(request.query.get("namespace"))
    found = [run for run in _filtered(server.runs, request.query) if not experiment or run.experiment_id == experiment]
    page, token = _page(request.query, found)
    return api.V2beta1ListRunsResponse(runs=page or None, next_page_token=token)


def _list_schedules(server: KfpServer, request: Received) -> Any:
    server.checked_namespace(request.query.get("namespace"))
    page, token = _page(request.query, _filtered(server.schedules, request.query))
    return api.V2beta1ListRecurringRunsResponse(recurring_runs=page or None, next_page_token=token)


def _create_schedule(server: KfpServer, request: Received) -> Any:
    made = _model(api.V2beta1RecurringRun, request.body)
    _checked_run(server, made)
    if len(made.trigger.cron_schedule.cron.split()) != 6:
        raise Refused(HTTPStatus.BAD_REQUEST, "Invalid input error: Schedule cron is not a supported format")
    made.recurring_run_id, made.created_at = str(uuid.uuid4()), now()
    made.status = "ENABLED" if made.mode == "ENABLE" else "DISABLED"
    server.schedules[made.recurring_run_id] = made
    return made


def _delete_schedule(server: KfpServer, request: Received, schedule_id: str) -> Any:
    _get(server.schedules, schedule_id)
    del server.schedules[schedule_id]
    return {}


def _log(server: KfpServer, request: Received, run_id: str, pod: str) -> Any:
    _get(server.runs, run_id)
    if pod not in server.logs:
        raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f'failed to get logs: pods "{pod}" not found')
    return server.logs[pod]


def _pod(server: KfpServer, request: Received, namespace: str, pod: str) -> Any:
    return {**_get(server.pods or {}, pod), "metadata": {"name": pod, "namespace": namespace}}


def _pod_log(server: KfpServer, request: Received, namespace: str, pod: str) -> Any:
    return _get(server.logs, pod)


_V2 = "/apis/v2beta1"
ROUTES: list[tuple[str, str, str, Callable[..., Any]]] = [
    ("GET", f"{_V2}/healthz", "", _healthz),
    ("GET", f"{_V2}/experiments", "list experiments", _list_experiments),
    ("POST", f"{_V2}/experiments", "create experiments", _create_experiment),
    ("GET", f"{_V2}/pipelines", "list pipelines", _list_pipelines),
    ("POST", f"{_V2}/pipelines", "create pipelines", _create_pipeline),
    ("POST", f"{_V2}/pipelines/upload_version", "create pipelines", _upload_version),
    ("GET", f"{_V2}/pipelines/([^/]+)/versions", "list pipelines", _list_versions),
    ("GET", f"{_V2}/pipelines/([^/]+)/versions/([^/]+)", "get pipelines", _get_version),
    ("POST", f"{_V2}/runs", "create runs", _create_run),
    ("GET", f"{_V2}/runs", "list runs", _list_runs),
    ("GET", f"{_V2}/runs/([^/:]+)", "get runs", _get_run),
    ("GET", f"{_V2}/recurringruns", "list jobs", _list_schedules),
    ("POST", f"{_V2}/recurringruns", "create jobs", _create_schedule),
    ("DELETE", f"{_V2}/recurringruns/([^/:]+)", "delete jobs", _delete_schedule),
    ("GET", "/apis/v1alpha1/runs/([^/]+)/nodes/([^/]+)/log", "readLog runs", _log),
    ("GET", "/api/v1/namespaces/([^/]+)/pods/([^/]+)", "get pods", _pod),
    ("GET", "/api/v1/namespaces/([^/]+)/pods/([^/]+)/log", "get pods/log", _pod_log),
]
