"""What a run left in MLflow, read from the database and the artifacts that its tracker kept in a directory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.tracking.client import BUNDLE, CHAMPION, version_with_alias
from contract.bundle import verify
from contract.errors import BundleError
from images.stages.errors import RunIncomplete

if TYPE_CHECKING:
    from pathlib import Path

    from contract.bundle import Manifest

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"


@dataclass(frozen=True)
class Registered:
    """The champion's version and the number of runs: one of the pipeline, and one below it for each candidate."""

    version: str
    runs: int

    def __str__(self) -> str:
        return f"version {self.version}, {self.runs} runs"


def registered(directory: Path, manifest: Manifest) -> Registered | None:
    """What is registered of a bundle; None if the directory has no database, as where a run used another tracker.

    Raises:
        RunIncomplete: the champion is another bundle, or its files aren't what was registered.
    """
    if not (directory / DATABASE).is_file():
        return None
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{directory / DATABASE}"
    client = MlflowClient(uri, registry_uri=uri)
    champion = version_with_alias(client, manifest.name, CHAMPION)
    if champion is None or champion.tags.get("digest") != manifest.digest:
        raise RunIncomplete(f"the champion in {directory / DATABASE} isn't the bundle that the run made.")
    kept = list(directory.glob(f"{ARTIFACTS}/**/{champion.run_id}/artifacts/{BUNDLE}"))
    try:
        whole = [verify(bundle).digest for bundle in kept] == [manifest.digest]
    except BundleError as error:
        raise RunIncomplete(f"what MLflow keeps of the champion isn't whole: {error}") from None
    if not whole:
        raise RunIncomplete(f"the champion's bundle isn't among the artifacts in {directory / ARTIFACTS}.")
    experiment = client.get_run(str(champion.run_id)).info.experiment_id
    return Registered(str(champion.version), len(client.search_runs([experiment])))
