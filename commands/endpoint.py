"""The options by which every command that talks to Kubeflow Pipelines is told where it is and who asks."""

from __future__ import annotations

import inspect
import os
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from submission.connection import Connection

_OPTIONS: dict[str, Any] = {
    "endpoint": Annotated[
        str | None,
        typer.Option(
            envvar="KFP_ENDPOINT",
            metavar="URL",
            help="address of Kubeflow Pipelines: http://localhost:8080, or https://HOST/pipeline behind its dashboard",
        ),
    ],
    "namespace": Annotated[
        str | None,
        typer.Option(
            envvar="KFP_NAMESPACE",
            help="where the server has several [default: that of kfp's context, or of this pod]",
        ),
    ],
    "token_file": Annotated[
        Path | None,
        typer.Option(
            envvar="KFP_TOKEN_FILE",
            help="a file with a bearer token, read anew for each request; or the token itself in KFP_TOKEN, never as an"
            " argument, which ps shows to everybody [default: this pod's projected token, if it has one]",
        ),
    ],
    "cookie_file": Annotated[
        Path | None,
        typer.Option(
            envvar="KFP_COOKIE_FILE",
            help="a file with a session's cookie, NAME=VALUE; or the cookie itself in KFP_COOKIE",
        ),
    ],
    "ca_file": Annotated[
        Path | None,
        typer.Option(envvar="KFP_CA_FILE", help="certificates (PEM) of the authority to trust, if it is your own"),
    ],
    "ui": Annotated[
        str | None,
        typer.Option(envvar="KFP_UI", metavar="URL", help="address of the pages, for links [default: that of the API]"),
    ],
}


def connecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose first parameter, `connect`, makes the connection that these options describe."""
    hints = get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command, eval_str=False).parameters.values())[1:]
    parameters = [
        *(item.replace(annotation=hints[item.name]) for item in own),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
            for name, option in _OPTIONS.items()
        ),
    ]

    @wraps(command)
    def with_options(**given: Any) -> Any:
        named = {name: given.pop(name) for name in _OPTIONS}
        return command(lambda: _connect(**named), **given)

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {item.name: item.annotation for item in parameters}
    return with_options


def _connect(  # noqa: PLR0913  (an option each)
    *,
    endpoint: str | None,
    namespace: str | None,
    token_file: Path | None,
    cookie_file: Path | None,
    ca_file: Path | None,
    ui: str | None,
) -> Connection:
    from submission.connection import Connection, Endpoint
    from submission.credentials import find_credentials
    from submission.errors import WrongEndpoint

    if not endpoint:
        raise WrongEndpoint(
            "where is Kubeflow Pipelines? Name it with --endpoint or KFP_ENDPOINT. If it isn't published: "
            "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80, then --endpoint http://localhost:8080"
        )
    where = Endpoint(endpoint, namespace, find_credentials(token_file, cookie_file, os.environ), ca_file, ui)
    if where.leaks_credentials:
        print(
            f"warning: {where.host} has no TLS, so anybody on the way to it can read {where.credentials.origin}.",
            file=sys.stderr,
        )
    return Connection(where)
