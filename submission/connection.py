"""The API of Kubeflow Pipelines at one address, as one namespace and one set of credentials see it."""

from __future__ import annotations

import json
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import kfp
import kfp_server_api
import urllib3
from kfp.client import ServiceAccountTokenVolumeCredentials

from submission.credentials import Credentials
from submission.errors import (
    CredentialsUnusable,
    NamespaceMissing,
    NotFound,
    NotKubeflowPipelines,
    UnsupportedServer,
    WrongEndpoint,
)
from submission.refusals import Asked, Explanation, is_json_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for an answer. The SDK's own methods wait for ever."""
_REDIRECTIONS = 5
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_PAGE = 100
_HEALTHZ = Asked("say that it is healthy", "get", "healthz")


@dataclass(frozen=True)
class Endpoint:
    """Where the API is, and who asks.

    Attributes:
        host: its address with scheme, and a path if there is one: `https://kubeflow.example.org/pipeline`.
        namespace: of the runs, where the server has several; None: that of the SDK's context, or of this pod.
        ca_file: certificates (PEM) of the authority that the server's certificate must come from; None: the usual ones.
        ui: the address of the pages, if it isn't the API's.
    """

    host: str
    namespace: str | None = None
    credentials: Credentials = field(default_factory=Credentials)
    ca_file: Path | None = None
    ui: str | None = None

    def checked(self) -> Endpoint:
        """The same, with addresses as they can be used.

        Raises `WrongEndpoint`, or `CredentialsUnusable` if `ca_file` isn't there.
        """
        if self.ca_file and not self.ca_file.is_file():
            raise CredentialsUnusable(f"there is no file {self.ca_file} with the certificates to trust.")
        host = _address(self.host)
        return Endpoint(host, self.namespace, self.credentials, self.ca_file, _address(self.ui) if self.ui else host)

    @property
    def leaks_credentials(self) -> bool:
        """Whether a secret would cross a network unencrypted: no TLS, and neither this machine nor within a cluster."""
        url = urlsplit(self.host)
        name = url.hostname or ""
        is_near = name in ("localhost", "::1") or name.startswith("127.") or name.endswith((".svc", ".cluster.local"))
        return self.credentials.is_secret and url.scheme == "http" and not is_near


class Connection:
    """The API at an endpoint that has answered once; every call has a time limit and raises errors of ours."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect.

        Raises any `SubmissionError` if there is no API that could be used.
        """
        self._endpoint = endpoint.checked()
        self.client = _client(self._endpoint)
        self._transport = self.client.runs.api_client
        self._explanation = Explanation(self._endpoint.host, endpoint.namespace, endpoint.credentials)
        health = self._health()
        self.server_version: str | None = health.get("tag_name") or None
        self.keeps_names_of_kubernetes = health.get("pipeline_store") == "kubernetes"
        """Whether pipelines and versions are Kubernetes objects, whose names have few letters to choose from."""
        named = endpoint.namespace or self.client.get_user_namespace() or _namespace_of_pod()
        self.namespace: str | None = named if health["multi_user"] else None
        """For requests: None where the server has only one, and refuses to be told which."""
        self.pod_namespace = named or "kubeflow"
        if health["multi_user"] and not named:
            raise NamespaceMissing(
                f"{self._endpoint.host} serves several namespaces: name yours with --namespace or KFP_NAMESPACE."
            )
        versions = f"\nThe server has version {self.server_version}, the SDK here {kfp.__version__}."
        is_other = bool(self.server_version) and _minor(self.server_version or "") != _minor(kfp.__version__)
        self._explanation = Explanation(
            self._endpoint.host, self.namespace, endpoint.credentials, versions if is_other else ""
        )

    def ask(self, service: Callable[..., Any], asked: Asked, **arguments: Any) -> Any:
        """Call one function of the API; returns its model of the answer. Raises `SubmissionError`."""
        try:
            answer = service(**arguments, _request_timeout=_TIMEOUT)
        except OSError as error:  # the token's file is read by the SDK, for each request
            raise CredentialsUnusable(f"{self._endpoint.credentials.origin} can't be read: {error}") from None
        except Exception as error:  # noqa: BLE001  (what isn't about the API comes out as it is)
            self._explanation.explain(error, asked)
        # The SDK takes any page for a model whose fields are all empty.
        if not is_json_type(self._transport.last_response.getheaders()):
            raise self._explanation.something_else("a page")
        return answer

    def every(self, service: Callable[..., Any], asked: Asked, key: str, **arguments: Any) -> Iterator[Any]:
        """All entries of a list, whose field of the answer is `key`, page by page."""
        token = ""
        while True:
            answer = self.ask(service, asked, page_token=token, page_size=_PAGE, **arguments)
            yield from getattr(answer, key) or []
            token = answer.next_page_token or ""
            if not token:
                return

    def text(self, path: str, asked: Asked, **parts: str) -> str:
        """A text that is no JSON, from a path whose `{parts}` are filled in. Raises `SubmissionError`."""
        try:
            response = self._transport.call_api(
                path,
                "GET",
                parts,
                auth_settings=["Bearer"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=_TIMEOUT,
            )
            content: bytes = response.data
        except Exception as error:  # noqa: BLE001
            self._explanation.explain(error, asked)
        if "html" in response.headers.get("content-type", ""):
            raise self._explanation.something_else("a page")
        return content.decode("utf-8", errors="replace")

    @property
    def scope(self) -> dict[str, str]:
        """The namespace as an argument of a list, where the server has several."""
        return {"namespace": self.namespace} if self.namespace else {}

    def run_link(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self._endpoint.ui}/#/runs/details/{run_id}"

    def version_link(self, pipeline_id: str, version_id: str) -> str:
        """The page of a version of a pipeline."""
        return f"{self._endpoint.ui}/#/pipelines/details/{pipeline_id}/version/{version_id}"

    def schedule_link(self, recurring_run_id: str) -> str:
        """The page of a schedule."""
        return f"{self._endpoint.ui}/#/recurringrun/details/{recurring_run_id}"

    def _health(self) -> dict[str, Any]:
        try:
            self.ask(self.client.healthzs.healthz_service_get_healthz, _HEALTHZ)
        except (NotFound, NotKubeflowPipelines) as error:
            self._refuse_version_1(error)
        health = json.loads(self._transport.last_response.data)
        if not isinstance(health, dict) or "multi_user" not in health:
            raise self._explanation.something_else("JSON of something else")
        return health

    def _refuse_version_1(self, error: Exception) -> None:
        try:
            found = json.loads(self.text("/apis/v1beta1/healthz", _HEALTHZ))
        except Exception:  # noqa: BLE001
            found = None
        if isinstance(found, dict) and "multi_user" in found:
            raise UnsupportedServer(
                f"{self._endpoint.host} is Kubeflow Pipelines {found.get('tag_name', '1.x')}, without the API v2beta1; "
                "Concord needs 2.0 or newer."
            ) from None
        if isinstance(error, NotKubeflowPipelines):
            raise error
        raise self._explanation.something_else("404 where its health should be") from None


class _Client(kfp.Client):  # type: ignore[misc]
    """The SDK's client, without a request at construction.

    To learn the namespace, its own asks five times for its health, with pauses and tracebacks in the log, and then
    writes it to the home directory, which a pod may not be able to.
    """

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:  # noqa: ARG002
        return kfp_server_api.V2beta1GetHealthzResponse(multi_user=False)


class _TokenFile(ServiceAccountTokenVolumeCredentials):  # type: ignore[misc]
    """The SDK's token that is read for each request, which is told once if it can't be read, instead of logged too."""

    def _get_token(self) -> str:
        return Path(self._token_path).read_text(encoding="utf-8").strip()


def _client(endpoint: Endpoint) -> _Client:
    given = endpoint.credentials
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that it needs version 2, which `_health` finds out
        client = _Client(
            host=endpoint.host,
            existing_token=given.token,
            credentials=_TokenFile(str(given.token_file)) if given.token_file else None,
            cookies=given.cookie,
            ssl_ca_cert=str(endpoint.ca_file) if endpoint.ca_file else None,
        )
    # Each failure comes out at once, to be told and counted here; by itself urllib3 tries thrice, within an instant.
    pool: urllib3.PoolManager = client.runs.api_client.rest_client.pool_manager
    pool.connection_pool_kw["retries"] = urllib3.Retry(
        total=None, connect=0, read=0, status=0, other=0, redirect=_REDIRECTIONS
    )
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    return client


def _address(text: str) -> str:
    url = urlsplit(text.strip())
    if url.scheme not in ("http", "https") or not url.hostname:
        raise WrongEndpoint(
            f"{text!r} is no address of Kubeflow Pipelines: write it as https://HOST or http://HOST:PORT"
        )
    if url.username or url.password:
        raise WrongEndpoint(
            "an address must hold no password: give a token (KFP_TOKEN, --token-file) or a cookie (KFP_COOKIE, "
            "--cookie-file)."
        )
    # What follows a # names a page of the UI, which people copy from their browser.
    return url._replace(query="", fragment="").geturl().rstrip("/")


def _namespace_of_pod() -> str | None:
    return _POD_NAMESPACE.read_text(encoding="utf-8").strip() if _POD_NAMESPACE.is_file() else None


def _minor(version: str) -> list[str]:
    return version.lstrip("v").split(".")[:2]
