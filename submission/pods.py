"""What is known of a failed task beyond the API's state: its pod's end and the last lines of its log."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from submission.errors import SubmissionError
from submission.refusals import Asked

if TYPE_CHECKING:
    from submission.connection import Connection
    from submission.tasks import Task

LAST_LINES = 20
_MAIN = "main"  # the container of Argo's pods that runs the code
_TIMEOUT = 5  # seconds; the cluster of the kube config may be another one, or away
_LOG_PATHS = (
    "/apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log",
    "/apis/v1beta1/runs/{run_id}/nodes/{node_id}/log",
)
"""Where the server streams a pod's log, archived ones too; it isn't part of the specified API, and has kept its first
version's address. Source: backend/src/apiserver/main.go of kubeflow/pipelines."""


@dataclass(frozen=True)
class Remains:
    """What a pod left.

    Attributes:
        ending: why its container ended or never began (`OOMKilled, exit code 137`); "" if that isn't known.
        log: its log's last lines.
        obstacle: why one of them is missing, as a sentence; "" if neither is.
    """

    ending: str = ""
    log: str = ""
    obstacle: str = ""


def remains_of(connection: Connection, run_id: str, task: Task) -> Remains:
    """Ask Kubernetes about a task's newest pod, if a kube config allows it, and otherwise the API for its log."""
    if not task.pods:
        return Remains(obstacle="It had no pod, so there is no log.")
    pod = task.pods[-1]
    try:
        ending, log = _of_kubernetes(connection.pod_namespace, pod)
        obstacle = ""
    except _Unavailable as error:
        ending, log, obstacle = "", "", f"Kubernetes couldn't be asked about the pod: {error}."
    if not log:
        try:
            log = last_lines(log_of(connection, run_id, pod), LAST_LINES)
        except SubmissionError as error:
            reason = str(error).splitlines()[0]
            obstacle = f"{obstacle} Its log couldn't be had either: {reason}".strip()
    return Remains(ending, log, obstacle if not (ending and log) else "")


def log_of(connection: Connection, run_id: str, pod: str) -> str:
    """A pod's whole log, by way of the API. Raises `SubmissionError`, `NotFound` if the pod is gone unarchived."""
    asked = Asked(f"show the log of the pod {pod}", "readLog", "runs")
    first: SubmissionError | None = None
    for path in _LOG_PATHS:
        try:
            return connection.text(path, asked, run_id=run_id, node_id=pod)
        except SubmissionError as error:
            first = first or error
    assert first is not None
    raise first


def last_lines(text: str, count: int) -> str:
    """The last lines of a text, all for 0."""
    return "\n".join(text.rstrip().splitlines()[-count:])


class _Unavailable(Exception):
    """Kubernetes says nothing about the pod."""


def _of_kubernetes(namespace: str, pod: str) -> tuple[str, str]:
    """How a pod's container ended, and the last lines of its log. Raises `_Unavailable` with the reason."""
    from kubernetes import client, config
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3 import Retry
    from urllib3.exceptions import HTTPError

    try:
        settings = client.Configuration()
        in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
        (config.load_incluster_config if in_pod else config.load_kube_config)(client_configuration=settings)
        settings.retries = Retry(total=0)
        core = client.CoreV1Api(client.ApiClient(settings))
        found = core.read_namespaced_pod(pod, namespace, _request_timeout=_TIMEOUT)
        ending = _ending(found.status)
        try:
            log = core.read_namespaced_pod_log(
                pod, namespace, container=_MAIN, tail_lines=LAST_LINES, _request_timeout=_TIMEOUT
            )
        except ApiException:  # reading logs is a permission of its own
            log = ""
    except ConfigException:
        raise _Unavailable("there is no kube config") from None
    except ApiException as error:
        why = "it isn't there (any more)" if error.status == 404 else f"{error.status} {error.reason}"  # noqa: PLR2004
        raise _Unavailable(f"{why}, pod {pod} in the namespace {namespace}") from None
    except HTTPError:
        raise _Unavailable("the cluster of the kube config doesn't answer") from None
    return ending, (log or "").rstrip()


def _ending(status: Any) -> str:
    containers = [*(status.init_container_statuses or ()), *(status.container_statuses or ())]
    for container in sorted(containers, key=lambda found: found.name != _MAIN):
        state = container.state
        if state and state.terminated and state.terminated.exit_code:
            end = state.terminated
            parts = [end.reason or "Error", f"exit code {end.exit_code}", *(filter(None, [end.message]))]
            return _of_container(container.name, ", ".join(parts))
        if state and state.waiting and state.waiting.message:
            return _of_container(container.name, f"{state.waiting.reason}: {state.waiting.message}")
    return ": ".join(filter(None, [status.reason, status.message]))


def _of_container(name: str, text: str) -> str:
    return " ".join(text.split()) if name == _MAIN else f"container {name}: {' '.join(text.split())}"
