"""Runs on the server: begin one, find one, and what its state means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfp_server_api import V2beta1Experiment, V2beta1PipelineVersionReference, V2beta1Run, V2beta1RuntimeConfig

from submission.errors import AlreadyThere, NotFound, RequestRefused, SubmissionError
from submission.filters import named
from submission.outline import Outlined, outline
from submission.refusals import Asked
from submission.tasks import Task, tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from submission.connection import Connection
    from submission.versions import Uploaded

STATUS_OF = {"SUCCEEDED": 0, "FAILED": 1, "SKIPPED": 1, "CANCELING": 4, "CANCELED": 4}
"""The exit status by the state of a run that is over; one that is being cancelled won't succeed any more."""
STILL_RUNNING = 5
"""The exit status if it isn't over, as far as is known."""


@dataclass(frozen=True)
class Run:
    """A run as it is now.

    Attributes:
        state: as the API says it, but `CANCELED` for one that failed because it was cancelled.
        error: what the API says about the failure of the whole.
    """

    run_id: str
    name: str
    state: str
    created: datetime | None
    finished: datetime | None
    error: str
    tasks: tuple[Task, ...]
    link: str

    @property
    def is_over(self) -> bool:
        """Whether its state is the last, or leads to nothing but one other."""
        return self.state in STATUS_OF

    @property
    def failed(self) -> list[Task]:
        """The tasks that failed."""
        return [task for task in self.tasks if task.state == "FAILED"]


class Runs:
    """The runs of a server; the outline of a pipeline is read once for all looks at a run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._outlines: dict[str, dict[str, Outlined]] = {}

    def begin(
        self,
        version: Uploaded,
        parameters: Mapping[str, Any],
        *,
        name: str,
        experiment: str,
        service_account: str | None,
    ) -> Run:
        """Create a run of a version, in an experiment that is made if it isn't there."""
        body = V2beta1Run(
            display_name=name,
            experiment_id=experiment_id(self._connection, experiment, create=True),
            description=f"Version {version.version}",
            pipeline_version_reference=reference(version),
            runtime_config=V2beta1RuntimeConfig(parameters=dict(parameters)),
            service_account=service_account,
        )
        asked = Asked("create the run", "create", "runs")
        return self._run(self._connection.ask(self._connection.client.runs.run_service_create_run, asked, run=body))

    def get(self, run_id: str) -> Run:
        """A run as it is now. Raises `NotFound` if there is none of that id."""
        asked = Asked(f"show the run {run_id}", "get", "runs")
        return self._run(self._connection.ask(self._connection.client.runs.run_service_get_run, asked, run_id=run_id))

    def latest(self, experiment: str | None) -> Run:
        """The newest run of an experiment, or of all. Raises `NotFound` if there is none."""
        where: dict[str, str] = dict(self._connection.scope)
        if experiment:
            where = {"experiment_id": experiment_id(self._connection, experiment, create=False)}
        answer = self._connection.ask(
            self._connection.client.runs.run_service_list_runs,
            Asked("list the runs", "list", "runs"),
            page_size=1,
            sort_by="created_at desc",
            **where,
        )
        if not answer.runs:
            raise NotFound(f"there is no run{f' in the experiment {experiment!r}' if experiment else ''} yet.")
        return self.get(answer.runs[0].run_id)

    def _run(self, found: Any) -> Run:
        state = str(found.state or "PENDING").upper()
        states = {str(status.state).upper() for status in found.state_history or ()}
        if state == "FAILED" and states & {"CANCELING", "CANCELED"}:
            state = "CANCELED"  # the workflow engine fails what is stopped
        details = found.run_details.task_details if found.run_details else None
        return Run(
            run_id=found.run_id,
            name=found.display_name or found.run_id,
            state=state,
            created=found.created_at,
            finished=found.finished_at,
            error=found.error.message if found.error and found.error.message else "",
            tasks=tuple(tasks_of(details, self._outline(found))),
            link=self._connection.run_link(found.run_id),
        )

    def _outline(self, found: Any) -> dict[str, Outlined]:
        """What the pipeline of a run says of its tasks; nothing, if its version was deleted or may not be read."""
        if found.run_id in self._outlines:
            return self._outlines[found.run_id]
        spec, version = found.pipeline_spec, found.pipeline_version_reference
        if not spec and version:
            try:
                spec = self._connection.ask(
                    self._connection.client.pipelines.pipeline_service_get_pipeline_version,
                    Asked("show the version of the run's pipeline", "get", "pipelines"),
                    pipeline_id=version.pipeline_id,
                    pipeline_version_id=version.pipeline_version_id,
                ).pipeline_spec
            except SubmissionError as error:
                if error.is_transient:
                    raise
        spec = (spec or {}).get("pipeline_spec", spec)  # beside settings for Kubernetes it lies one level deeper
        parameters = (found.runtime_config.parameters if found.runtime_config else None) or {}
        self._outlines[found.run_id] = outline(spec, parameters) if spec and "root" in spec else {}
        return self._outlines[found.run_id]


def reference(version: Uploaded) -> V2beta1PipelineVersionReference:
    """How a run or a schedule names its version."""
    return V2beta1PipelineVersionReference(pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id)


def experiment_id(connection: Connection, name: str, *, create: bool) -> str:
    """The id of an experiment by its name. Raises `NotFound` if it isn't there and shall not be made."""
    service = connection.client.experiments
    asked = Asked("list the experiments", "list", "experiments")

    def find() -> str | None:
        found = connection.ask(
            service.experiment_service_list_experiments, asked, filter=named(name), page_size=1, **connection.scope
        ).experiments
        return str(found[0].experiment_id) if found else None

    if found := find():
        return found
    if not create:
        raise NotFound(
            f"there is no experiment {name!r}; runs are grouped under the name that --experiment gives them."
        )
    body = V2beta1Experiment(display_name=name, namespace=connection.namespace)
    asked_for_it = Asked(f"create the experiment '{name}'", "create", "experiments")
    try:
        return str(
            connection.ask(service.experiment_service_create_experiment, asked_for_it, experiment=body).experiment_id
        )
    except (AlreadyThere, RequestRefused):  # somebody else made it meanwhile
        if found := find():
            return found
        raise
