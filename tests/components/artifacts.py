"""What the finished run left, for the stages after training, and bundles of other models made from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kfp import dsl

from components.learning.evaluation import Evaluation
from components.learning.fitting import fit
from components.learning.model import FittedCandidate
from components.learning.rows import rows_of
from components.packaging.packing import Origin, write_bundle
from components.packaging.parity import ParityReport
from components.table import read
from contract.bundle import seal, verify
from contract.document import load_contract
from local.outputs import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from components.learning.candidates import Candidate
    from components.learning.effort import Effort
    from contract.schema import Contract
    from tests.conftest import FinishedRun


@dataclass(frozen=True)
class Artifacts:
    """The artifacts of a run; nothing here changes them."""

    run: FinishedRun

    def path(self, component: str, output: str) -> Path:
        return Outputs.at(self.run.directory).artifact(component, output)

    def artifact(self, component: str, output: str) -> dsl.Artifact:
        """As a component gets it."""
        return dsl.Artifact(uri=str(self.path(component, output)))

    def models(self) -> list[dsl.Artifact]:
        found = Outputs.at(self.run.directory).artifacts("train", "model")
        return [dsl.Artifact(uri=str(path)) for path in found]

    @cached_property
    def contract(self) -> Contract:
        return load_contract(self.path("ingest", "contract"))

    @cached_property
    def evaluation(self) -> Evaluation:
        return Evaluation.model_validate_json(self.path("ablate", "completed").read_bytes())

    @cached_property
    def parity(self) -> ParityReport:
        return ParityReport.model_validate_json(self.path("package", "parity").read_bytes())

    @cached_property
    def training(self) -> pd.DataFrame:
        return read(self.path("split", "training"))

    @cached_property
    def held_out(self) -> pd.DataFrame:
        return read(self.path("split", "held_out"))

    def changed_bundle(self, directory: Path, change: Callable[[Path], object]) -> Path:
        """A copy of the run's bundle, changed and sealed again, so that it verifies."""
        shutil.copytree(self.run.bundle, directory)
        facts = verify(directory).model_dump(exclude={"format", "files", "digest"})
        change(directory)
        seal(directory, facts)
        return directory

    def bundle_of(
        self,
        candidate: Candidate,
        effort: Effort,
        directory: Path,
        training: pd.DataFrame,
        contract: Contract | None = None,
    ) -> Path:
        """A sealed bundle of one candidate, fitted on these rows; its evaluation and parity are the finished run's."""
        rules = contract or self.contract
        fitted = fit(candidate, rules, rows_of(rules, training), effort, seed=0)
        facts = FittedCandidate(
            name=candidate.name,
            parameters=fitted.parameters,
            threshold=fitted.threshold,
            rows=fitted.rows,
            seconds=0.0,
        )
        write_bundle(
            directory,
            rules,
            rules.model_dump_json().encode(),  # JSON is YAML
            fitted.estimator,
            facts,
            fitted.out_of_fold,
            self._evaluation_with(candidate.name),
            self.parity.candidates[0],
            training,
            Origin(run_id="run-42", data_sha256=str(rules.training.sha256), code_revision="0f3c9d1"),
        )
        return directory

    def _evaluation_with(self, name: str) -> Evaluation:
        """The finished run's evaluation, with the numbers of its first candidate under this name if it has none."""
        found = self.evaluation
        if name in {item.name for item in found.candidates}:
            return found
        first = found.candidates[0].model_copy(update={"name": name})
        return found.model_copy(update={"candidates": (*found.candidates, first)})
