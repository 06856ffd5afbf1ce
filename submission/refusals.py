"""What an answer of the API that isn't a success means, and what to do about it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

from kfp_server_api import ApiException
from urllib3 import exceptions

from submission.errors import (
    AlreadyThere,
    CertificateRefused,
    EndpointUnreachable,
    NotAuthenticated,
    NotFound,
    NotKubeflowPipelines,
    NotPermitted,
    RequestRefused,
    ServerFailed,
    SubmissionError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from submission.credentials import Credentials

_LONGEST = 600  # characters of the server's own words
_FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80"


@dataclass(frozen=True)
class Asked:
    """A request, as messages speak of it.

    Attributes:
        doing: completes "may not …": `create the run`.
        verb, resource: what Kubernetes calls it, in the group pipelines.kubeflow.org.
    """

    doing: str
    verb: str
    resource: str


@dataclass(frozen=True)
class Explanation:
    """Turns what the libraries raise into our errors, for one endpoint and its credentials.

    Attributes:
        versions: of server and SDK, where they may explain a refusal; else empty.
    """

    endpoint: str
    namespace: str | None
    credentials: Credentials
    versions: str = ""

    def explain(self, error: Exception, asked: Asked) -> NoReturn:
        """Raise ours for theirs; what isn't about the API is raised as it is."""
        if isinstance(error, ApiException) and error.status:
            raise self._refused(error, asked) from None
        if isinstance(error, exceptions.HTTPError):
            raise self._unreachable(error) from None
        if isinstance(error, UnicodeDecodeError):
            raise self.something_else("bytes that are no text") from None
        raise error

    def something_else(self, what: str) -> NotKubeflowPipelines:
        """The error for an answer that the API would never give."""
        return NotKubeflowPipelines(
            f"{self.endpoint} answers, but not as Kubeflow Pipelines: it sends {what}. It was asked with "
            f"{self.credentials.origin}.\n"
            "- A login page: the session is over or was never begun. Log in with a browser and give its cookie "
            "(KFP_COOKIE or --cookie-file), or a token (KFP_TOKEN or --token-file).\n"
            "- Another address: behind the Kubeflow dashboard it ends in /pipeline (https://HOST/pipeline). Or reach "
            f"it directly: {_FORWARD}, then --endpoint http://localhost:8080"
        )

    def _refused(self, error: ApiException, asked: Asked) -> SubmissionError:
        status: int = error.status
        words = self.credentials.without_secrets(_words(error.body))
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            is_known = status == HTTPStatus.FORBIDDEN
            return self._not_permitted(asked, words) if is_known else self._not_authenticated(words)
        if status == HTTPStatus.NOT_FOUND and not is_json_type(error.headers or {}):
            return self.something_else("404, with a page of its own")
        cannot, said = f"{self.endpoint} can't {asked.doing}", _after_colon(words)
        if status == HTTPStatus.NOT_FOUND:
            return NotFound(f"{cannot}: there is no such thing{said}")
        if status == HTTPStatus.CONFLICT:
            return AlreadyThere(f"{cannot}: the name is taken{said}")
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ServerFailed(
                f"{cannot} now: it answers {status} {error.reason}{said}\nTry again; if it stays so, ask the cluster's "
                "administrator: kubectl logs -n kubeflow deploy/ml-pipeline"
            )
        return RequestRefused(
            f"{self.endpoint} refuses to {asked.doing} ({status} {error.reason}){said}{self.versions}"
        )

    def _not_authenticated(self, words: str) -> NotAuthenticated:
        fix = (
            "Give other ones: they are expired, of another cluster, or (a token) made for another audience."
            if self.credentials.is_secret
            else "Give some."
        )
        return NotAuthenticated(
            f"{self.endpoint} doesn't accept {self.credentials.origin} (401){_after_colon(words)}\n{fix} A token: "
            "kubectl create token NAME --namespace NAMESPACE --audience pipelines.kubeflow.org > FILE, then "
            "--token-file FILE"
        )

    def _not_permitted(self, asked: Asked, words: str) -> NotPermitted:
        # The server's own words are more exact where it says them: it may check more than what was asked for.
        said = {
            key: match[1]
            for key in ("Verb", "Resource", "Namespace")
            if (match := re.search(rf"\b{key}:([\w./-]+)", words))
        }
        verb, resource = said.get("Verb", asked.verb), said.get("Resource", asked.resource)
        namespace = said.get("Namespace") or self.namespace or "NAMESPACE"
        return NotPermitted(
            f"{self.endpoint} doesn't let {self.credentials.origin} {asked.doing} (403){_after_colon(words)}\n"
            f"What is missing: '{verb}' on '{resource}.pipelines.kubeflow.org' in the namespace {namespace}. Who may "
            "bind roles there can grant it to a service account or a user:\n"
            f"  kubectl create rolebinding concord-submit --namespace {namespace} "
            f"--clusterrole kubeflow-pipelines-edit --serviceaccount {namespace}:NAME\n"
            f"and check it: kubectl auth can-i {verb} {resource}.pipelines.kubeflow.org --namespace {namespace} "
            f"--as system:serviceaccount:{namespace}:NAME"
        )

    def _unreachable(self, error: exceptions.HTTPError) -> SubmissionError:
        reason: BaseException | None = error.reason if isinstance(error, exceptions.MaxRetryError) else error
        if isinstance(reason, exceptions.ResponseError):
            return self.something_else("one redirection after the other")
        if isinstance(reason, exceptions.SSLError):
            return self._untrusted(str(reason))
        if isinstance(reason, exceptions.NameResolutionError):
            why = "no host has that name"
        elif isinstance(reason, exceptions.NewConnectionError):
            why = "it refuses connections" if "refused" in str(reason).lower() else str(reason).rpartition(": ")[2]
        elif isinstance(reason, exceptions.TimeoutError):
            why = "it doesn't answer in time"
        else:
            why = f"the connection broke ({type(reason).__name__})"
        return EndpointUnreachable(
            f"{self.endpoint} can't be reached: {why}.\n"
            f"If Kubeflow Pipelines isn't published outside of its cluster: {_FORWARD}, then --endpoint "
            "http://localhost:8080. Within the cluster: --endpoint http://ml-pipeline.kubeflow.svc.cluster.local:8888"
        )

    def _untrusted(self, why: str) -> CertificateRefused:
        if "WRONG_VERSION_NUMBER" in why or "wrong version number" in why:
            return CertificateRefused(
                f"{self.endpoint} doesn't speak TLS: write http:// if that is meant, or another port."
            )
        reason = re.sub(r".*\[SSL[^\]]*\]\s*|\s*\(_ssl\.c:\d+\).*", "", why)
        return CertificateRefused(
            f"{self.endpoint} has a certificate that isn't trusted: {reason}.\nIf it is one of your own authority, "
            "name that authority's file (PEM): --ca-file FILE or KFP_CA_FILE"
        )


def is_json_type(headers: Mapping[str, str]) -> bool:
    """Whether headers announce JSON."""
    return "json" in {name.lower(): value for name, value in headers.items()}.get("content-type", "").lower()


def _words(body: object) -> str:
    """What the server says itself, on one line; nothing of a page made for a browser."""
    text = body if isinstance(body, str) else ""
    try:
        document: Any = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        found = (document.get(key) for key in ("message", "error", "error_message"))
        text = next((value for value in found if isinstance(value, str) and value), "")
    elif "<" in text:
        return ""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _after_colon(words: str) -> str:
    return f": {words}" if words else "."
