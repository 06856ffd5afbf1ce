"""MLflow, as Concord uses it: one experiment a table, one run a pipeline with a nested run a candidate, one registry.

The client is used as it is, without MLflow's global state, and every failure of it becomes `TrackingUnreachable`.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from components.errors import TrackingUnreachable
from contract.errors import CorruptBundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

CHALLENGER = "challenger"
CHAMPION = "champion"
BUNDLE = "bundle"
"""Where the bundle lies among a run's artifacts."""

ARTIFACT_LOCATION = "CONCORD_ARTIFACT_LOCATION"
"""Names the environment variable with the artifact root of new experiments; only a store without a server needs it."""

_LONGEST_PARAMETER = 6000
"""Characters that MLflow takes."""

_PRESET_RUN = "MLFLOW_RUN_ID"
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "15", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
"""Seconds and retries, unless the environment says otherwise; MLflow's own defaults add up to many minutes."""


def tracking_uri() -> str:
    """Where MLflow is, from `MLFLOW_TRACKING_URI`. Raises `TrackingUnreachable` if that isn't set, or is no URI."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        raise TrackingUnreachable(
            "MLFLOW_TRACKING_URI isn't set. Set it to a server (http://host:5000) or a database (sqlite:///mlflow.db)."
        )
    try:
        parts = urlsplit(uri)
        usable = parts.port != 0 and (parts.hostname or parts.scheme not in {"http", "https"})
    except ValueError:
        usable = False
    if not usable:
        raise TrackingUnreachable(
            "MLFLOW_TRACKING_URI is no valid URI (it isn't shown, since it may hold a password). Correct it: a server"
            " is http://host:5000, a database sqlite:///mlflow.db; in a password, / [ ] @ : # ? are %2F, %5B and so on."
        )
    return uri


def without_password(uri: str) -> str:
    """A URI as it may be shown: without user, password and query."""
    return re.sub(r"(?<=//)[^/]*@", "…@", uri.partition("?")[0])


@contextmanager
def connection() -> Iterator[MlflowClient]:
    """A client of the tracker. Whatever it raises inside becomes `TrackingUnreachable`, which names the tracker."""
    uri = tracking_uri()
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _try_database(uri)
        yield MlflowClient(uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise _unreachable(uri, error) from None


def _try_database(uri: str) -> None:
    """Connect once if this is a database: MLflow would try for minutes. Nothing for another kind of URI."""
    from mlflow.store.db.db_types import DATABASE_ENGINES
    from sqlalchemy import NullPool, create_engine, make_url

    if urlsplit(uri).scheme.partition("+")[0] not in DATABASE_ENGINES:
        return
    url = make_url(uri)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        with create_engine(url, poolclass=NullPool).connect():
            pass
    except ImportError as error:
        raise _unreachable(uri, error) from None


def _unreachable(uri: str, error: Exception) -> TrackingUnreachable:
    return TrackingUnreachable(
        f"MLflow at {without_password(uri)} can't be used: {_reason(uri, error)}\n"
        "Start it, or correct MLFLOW_TRACKING_URI; on one machine, unset it to use a database in the folder of runs."
    )


def _reason(uri: str, error: Exception) -> str:
    """The first line of what a library says, without the password that it may repeat."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = lines[0].replace(uri, without_password(uri))
    password = urlsplit(uri).password
    return reason.replace(password, "…") if password else reason


@contextmanager
def _artifacts(what: str) -> Iterator[None]:
    """What artifact stores raise has no common base: each brings the exceptions of its own client."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        uri = tracking_uri()
        raise TrackingUnreachable(
            f"the artifact store of MLflow at {without_password(uri)} failed to {what}: {_reason(uri, error)}\n"
            "Check that it is up, has room, and lets this run in."
        ) from None


def experiment_id(client: MlflowClient, name: str) -> str:
    """The experiment of that name, made if there is none. Raises `TrackingUnreachable` if it was deleted."""
    found = client.get_experiment_by_name(name)
    if not found:
        return str(client.create_experiment(name, artifact_location=os.environ.get(ARTIFACT_LOCATION)))
    if found.lifecycle_stage != "active":
        raise TrackingUnreachable(
            f"the experiment {name!r} was deleted in MLflow. Restore it (mlflow experiments restore"
            f" --experiment-id {found.experiment_id}), or run with another --experiment."
        )
    return str(found.experiment_id)


def check(experiment: str) -> str:
    """Make sure that the tracker answers and takes runs of the experiment. Returns where it is, fit to be shown."""
    with connection() as client:
        if preset := os.environ.get(_PRESET_RUN):
            client.get_run(preset)
        else:
            experiment_id(client, experiment)
    return without_password(tracking_uri())


@contextmanager
def pipeline_run(client: MlflowClient, experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """The run of a pipeline, by its id: started here, and ended as finished, or failed if the body raises.

    One that the surroundings have begun already (`MLFLOW_RUN_ID`, such as Kubeflow's MLflow plugin) is taken instead:
    it gets the tags, and whoever began it ends it.
    """
    if preset := os.environ.get(_PRESET_RUN):
        for key, value in tags.items():
            client.set_tag(preset, key, value)
        yield preset
        return
    run = client.create_run(experiment_id(client, experiment), run_name=name, tags=dict(tags))
    with _ended(client, run.info.run_id):
        yield run.info.run_id


@contextmanager
def nested_run(client: MlflowClient, parent: str, name: str, tags: Mapping[str, str]) -> Iterator[str]:
    """A run below another, in the experiment of that one; otherwise as `pipeline_run`."""
    experiment = client.get_run(parent).info.experiment_id
    run = client.create_run(experiment, run_name=name, tags={**tags, "mlflow.parentRunId": parent})
    with _ended(client, run.info.run_id):
        yield run.info.run_id


@contextmanager
def _ended(client: MlflowClient, run_id: str) -> Iterator[None]:
    from mlflow.exceptions import MlflowException

    try:
        yield
    except BaseException:
        with suppress(MlflowException, OSError):
            client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FINISHED")


def log(client: MlflowClient, run_id: str, parameters: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    """Log parameters and metrics at once; a metric that is undefined (NaN) is left out, and a long parameter cut."""
    import math
    import time

    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, now, 0) for name, value in metrics.items() if math.isfinite(value)],
        params=[Param(name, str(value)[:_LONGEST_PARAMETER]) for name, value in parameters.items()],
    )


def keep(client: MlflowClient, run_id: str, files: Mapping[str, str]) -> None:
    """Keep texts as artifacts of a run, each under its path."""
    with _artifacts("keep the artifacts of a run"):
        for path, text in files.items():
            client.log_text(run_id, text, path)


def register_bundle(
    client: MlflowClient, model: str, run_id: str, bundle: Path, *, tags: Mapping[str, str], description: str
) -> str:
    """Keep a bundle with a run and make it a version of a registered model, under the alias `challenger`.

    Returns the version.
    """
    with _artifacts("keep the bundle"):
        client.log_artifacts(run_id, str(bundle), BUNDLE)
    if not client.search_registered_models(filter_string=f"name = '{model}'"):
        client.create_registered_model(model, description=description)
    source = f"{client.get_run(run_id).info.artifact_uri}/{BUNDLE}"
    registered = client.create_model_version(model, source, run_id, tags=dict(tags), description=description)
    client.set_registered_model_alias(model, CHALLENGER, registered.version)
    return str(registered.version)


def version_with_alias(client: MlflowClient, model: str, alias: str) -> ModelVersion | None:
    """The version that has the alias, or `None`."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(model, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def download_bundle(client: MlflowClient, version: ModelVersion, directory: Path) -> Path:
    """Fetch the bundle of a version into `directory`; returns the bundle's own directory.

    Raises `contract.errors.CorruptBundle` if the version has none (any more); a store that doesn't answer, and may
    answer again, is `TrackingUnreachable`.
    """
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(version.run_id or "")
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        raise CorruptBundle(
            f"version {version.version} of {version.name} has no run any more, hence no bundle"
        ) from None
    with _artifacts("fetch the champion's bundle"):
        if client.list_artifacts(run.info.run_id, BUNDLE):
            return Path(client.download_artifacts(run.info.run_id, BUNDLE, str(directory)))
    raise CorruptBundle(f"version {version.version} of {version.name} has no bundle among its run's artifacts")
