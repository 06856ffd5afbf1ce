"""A loaded bundle under the name it is served by: everything the protocols need to answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from contract.encoding import Encoder
from predictor.errors import MalformedRequest

if TYPE_CHECKING:
    from contract.bundle import Bundle
    from contract.encoding import Encoded
    from contract.features import Feature
    from contract.scorer import Answer


@dataclass(frozen=True)
class Served:
    """One model. It never changes, so threads may share it."""

    name: str
    bundle: Bundle

    @cached_property
    def encoder(self) -> Encoder:
        """What checks rows and turns them into numbers."""
        return Encoder(self.bundle.contract.features)

    @property
    def version(self) -> str:
        """The bundle's version, as clients see it."""
        return self.bundle.manifest.version

    @property
    def features(self) -> tuple[Feature, ...]:
        """The features in contract order, which is the order of arrays and matrices."""
        return self.bundle.contract.features

    @property
    def labels(self) -> tuple[str, str]:
        """The classes' labels, negative first."""
        return self.bundle.scorer.rule.labels

    @property
    def threshold(self) -> float:
        """The probability of the positive class from which a row is decided positive."""
        return self.bundle.scorer.rule.threshold

    def score(self, encoded: Encoded) -> Answer:
        """Probability and decision of rows that the contract allows."""
        return self.bundle.scorer(encoded.matrix)

    def check_rows(self, rows: int) -> None:
        """Raise `MalformedRequest` for no rows, or more than the contract lets one request hold."""
        if not rows:
            raise MalformedRequest("the request holds no rows; send at least one")
        if rows > self.bundle.contract.max_rows:
            raise MalformedRequest(
                f"the request holds {rows} rows, at most {self.bundle.contract.max_rows} are allowed; send it in parts"
            )
