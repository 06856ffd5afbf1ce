"""Who asks: a token or a cookie, by file or by environment variable, and never as an argument.

An argument of a command can be read by everybody on the machine (`ps`), and stays in the shell's history.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from submission.errors import CredentialsUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_VARIABLE = "KFP_TOKEN"  # noqa: S105  (a name, not a secret)
COOKIE_VARIABLE = "KFP_COOKIE"
PROJECTED_TOKEN = Path("/var/run/secrets/kubeflow/pipelines/token")
"""Where a pod finds its service account's token for Kubeflow Pipelines, if it mounts one; as in kfp's SDK."""
PROJECTED_TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105


@dataclass(frozen=True)
class Credentials:
    """At most one of a token, a file with a token, and a cookie.

    Attributes:
        origin: where they come from, for messages.
        token_file: read anew for each request, as the kubelet and other brokers replace it before it expires.
    """

    origin: str = "no credentials (none were given)"
    token: str | None = None
    token_file: Path | None = None
    cookie: str | None = None

    @property
    def is_secret(self) -> bool:
        """Whether anything secret is sent."""
        return bool(self.token or self.token_file or self.cookie)

    def without_secrets(self, text: str) -> str:
        """A text of the server's, without a secret that it might repeat."""
        secrets = [self.token, self.cookie]
        if self.token_file:
            with suppress(OSError, UnicodeDecodeError):
                secrets.append(self.token_file.read_text(encoding="utf-8").strip())
        for secret in filter(None, secrets):
            text = text.replace(secret, "…")
        return text


def find_credentials(token_file: Path | None, cookie_file: Path | None, environment: Mapping[str, str]) -> Credentials:
    """The credentials that are given: by option, else by environment variable, else those of the pod.

    Raises `CredentialsUnusable` if two are given in the same way, or a file doesn't hold what it should.
    """
    if token_file and cookie_file:
        raise CredentialsUnusable("--token-file and --cookie-file exclude each other: give one of them.")
    if token_file:
        _secret_in(token_file, "token")
        return Credentials(f"the token in {token_file}", token_file=token_file)
    if cookie_file:
        return Credentials(f"the cookie in {cookie_file}", cookie=_secret_in(cookie_file, "cookie"))
    token, cookie = environment.get(TOKEN_VARIABLE, "").strip(), environment.get(COOKIE_VARIABLE, "").strip()
    if token and cookie:
        raise CredentialsUnusable(f"{TOKEN_VARIABLE} and {COOKIE_VARIABLE} exclude each other: unset one of them.")
    if token:
        return Credentials(f"the token of {TOKEN_VARIABLE}", token=_checked(token, TOKEN_VARIABLE, "token"))
    if cookie:
        return Credentials(f"the cookie of {COOKIE_VARIABLE}", cookie=_checked(cookie, COOKIE_VARIABLE, "cookie"))
    projected = Path(environment.get(PROJECTED_TOKEN_VARIABLE) or PROJECTED_TOKEN)
    if PROJECTED_TOKEN_VARIABLE in environment or projected.exists():
        _secret_in(projected, "token")
        return Credentials(f"this pod's service account (its token in {projected})", token_file=projected)
    return Credentials()


def _secret_in(path: Path, kind: str) -> str:
    try:
        return _checked(path.read_text(encoding="utf-8").strip(), str(path), kind)
    except OSError as error:
        raise CredentialsUnusable(f"the {kind} in {path} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CredentialsUnusable(f"{path} holds no {kind}: it isn't text.") from None


def _checked(secret: str, place: str, kind: str) -> str:
    if not secret:
        raise CredentialsUnusable(f"{place} is empty; it should hold a {kind}.")
    if len(secret.splitlines()) > 1 or (kind == "token" and " " in secret):
        raise CredentialsUnusable(
            f"{place} holds more than a {kind}: one line"
            + (", without 'Bearer'." if kind == "token" else ", such as 'authservice_session=…'.")
        )
    if kind == "cookie" and "=" not in secret:
        raise CredentialsUnusable(f"{place} holds no cookie: it is NAME=VALUE, such as 'authservice_session=…'.")
    return secret
