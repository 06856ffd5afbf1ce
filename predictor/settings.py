"""What an operator may set, with its unit and its reason."""

from __future__ import annotations

from pathlib import Path  # pydantic reads it at run time
from typing import Annotated, Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from predictor.errors import InvalidSettings

PREFIX = "PREDICTOR_"


class Settings(BaseSettings):
    """Settings from the command line, else from the environment (`PREDICTOR_BUNDLE`, …), else their defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    bundle: Path = Field(description="directory of the bundle; KServe mounts it at /mnt/models")
    model_name: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description="name in the routes; the bundle's own unless given, so that an InferenceService may have another",
    )
    http_port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=8080, description="TCP port; KServe probes 8080")
    inline_bytes: Annotated[int, Field(ge=0)] = Field(
        default=16_384,
        description="bytes of body up to which a request is answered on the event loop: about 100 records, which take"
        " less than a millisecond; a larger batch goes to a thread, so that probes and other clients needn't wait",
    )
    drain_seconds: Annotated[int, Field(ge=1)] = Field(
        default=25,
        description="seconds that requests in flight get to finish after SIGTERM; below Kubernetes' grace period of 30,"
        " after which the pod is killed",
    )


def load_settings(given: dict[str, Any]) -> Settings:
    """Settings out of what the command line gave, over the environment.

    Raises `InvalidSettings` naming every setting that is absent or wrong.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = []
        for detail in error.errors():
            name = ".".join(map(str, detail["loc"]))
            message = detail["msg"][:1].lower() + detail["msg"][1:]
            reason = "is required" if detail["type"] == "missing" else f"{message}, not {detail['input']!r}"
            problems.append(f"--{name} (or {PREFIX}{name.upper()}): {reason}")
        raise InvalidSettings("; ".join(problems)) from None
