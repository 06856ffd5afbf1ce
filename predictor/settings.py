"""What an operator may set, with its unit and its reason."""

from __future__ import annotations

from pathlib import Path  # pydantic reads it at run time
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from predictor.errors import InvalidSettings

PREFIX = "PREDICTOR_"

Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Settings from the command line, else from the environment (`PREDICTOR_BUNDLE`, …), else their defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    bundle: Path = Field(description="directory of a bundle, or of several; KServe mounts it at /mnt/models")
    model_name: Annotated[str, Field(min_length=1, pattern=r"^[^/:?#%]+$")] | None = Field(
        default=None,
        description="name in the routes; the bundle's own unless given, so that an InferenceService may have another",
    )
    http_port: Port = Field(default=8080, description="TCP port for HTTP; KServe probes 8080")
    enable_grpc: bool = Field(
        default=False,
        description="answer v2 over gRPC too; off, as a port that nobody uses needs guarding all the same",
    )
    grpc_port: Port = Field(default=8081, description="TCP port for gRPC; KServe's is 8081")
    inline_bytes: Annotated[int, Field(ge=0)] = Field(
        default=16_384,
        description="bytes of body up to which a request is small: about 100 records, answered in a millisecond; more"
        " are worked on in turns, so that probes and other clients needn't wait",
    )
    max_body_bytes: Count = Field(
        default=16 * 2**20,
        description="bytes that a body may have, uncompressed; 10,000 records of 57 features fit, and reading them"
        " blocks other requests for less than 0.1 s",
    )
    max_held_bytes: Count = Field(
        default=64 * 2**20,
        description="bytes of all bodies being answered; beyond, 503 with Retry-After, so that memory stays bounded",
    )
    max_requests: Count = Field(
        default=1_000,
        description="requests being answered; beyond, 503 with Retry-After: at 20,000 a second the last of them waits"
        " for 50 ms, and a longer queue helps nobody",
    )
    body_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=30.0, description="seconds for a body to arrive, so that slow clients don't use up max_held_bytes"
    )
    drain_delay_seconds: Seconds = Field(
        default=5.0,
        description="seconds to go on answering after SIGTERM while /ready says no: load balancers learn it that late",
    )
    drain_seconds: Count = Field(
        default=20,
        description="seconds that requests in flight get after that; with the delay it stays below Kubernetes' grace"
        " period of 30, after which the pod is killed",
    )
    drift_rows: Count = Field(default=2_000, description="rows of the newest traffic that drift is measured on")
    drift_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        default=3_600.0, description="seconds after which a row no longer counts for drift, however few there are"
    )
    drift_minimum: Count = Field(
        default=200, description="rows below which drift isn't told (NaN): chance alone would look like drift"
    )
    truth_rows: Annotated[int, Field(ge=0)] = Field(
        default=50_000,
        description="rows whose answers are remembered until their true labels come, at 30 bytes each (8 more for each"
        " class of three and more), and 400 once labels do; 0 for none",
    )
    truth_window: Count = Field(default=2_000, description="newest labelled rows that quality is told from")
    truth_minimum: Count = Field(
        default=100, description="labelled rows below which quality isn't told (NaN): an interval would say nothing"
    )
    truth_path: Path | None = Field(
        default=None,
        description="directory in which remembered and labelled rows outlive a restart; in memory only unless given",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        default="auto", description="json has a line an object for collectors; auto is text on a terminal, else json"
    )
    log_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="share of the requests answered well that are logged; all failures are; both up to log_limit",
    )
    log_limit: Count = Field(default=20, description="lines a second about requests; what is left out is counted")


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
