"""A loaded bundle under the name it is served by: everything the protocols need to answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import orjson

from contract.encoding import Encoded, Encoder
from contract.errors import RequestRefused
from contract.rows import RowReader
from contract.scorer import Answer
from predictor.errors import MalformedRequest
from predictor.turns import parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from contract.bundle import Bundle
    from contract.errors import Violation
    from contract.features import Feature
    from contract.scorer import Floats
    from predictor.turns import Turns


@dataclass(frozen=True)
class Served:
    """One model. It never changes, so threads may share it."""

    name: str
    bundle: Bundle

    @cached_property
    def encoder(self) -> Encoder:
        """What checks rows and turns them into numbers."""
        return Encoder(self.bundle.contract.features)

    @cached_property
    def reader(self) -> RowReader:
        """The encoder's fast forerunner for rows that nothing is to be said about."""
        return RowReader(self.bundle.contract.features)

    @cached_property
    def version(self) -> str:
        """The bundle's version, as clients see it."""
        return self.bundle.manifest.version

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features in contract order, which is the order of arrays and matrices."""
        return self.bundle.contract.features

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The classes' labels, by position; of two the positive one is last."""
        return self.bundle.scorer.rule.labels

    @cached_property
    def is_binary(self) -> bool:
        """Whether a threshold decides between two classes, one of them to be found."""
        return self.bundle.scorer.rule.is_binary

    @cached_property
    def threshold(self) -> float | None:
        """From which probability of the positive class on a row is decided positive; of more than two, `None`."""
        return self.bundle.scorer.rule.threshold

    @cached_property
    def threshold_facts(self) -> dict[str, float]:
        """The threshold as an answer tells it, or nothing where there is none."""
        return {} if self.threshold is None else {"threshold": self.threshold}

    @cached_property
    def v1_pieces(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Of a prediction as v1 has it: what stands before the probabilities, by class, and between each two."""
        first, *others = map(orjson.dumps, self.labels)
        decisions = (b'"decision":false,', b'"decision":true,') if self.is_binary else (b"",) * len(self.labels)
        return tuple(
            b'{"label":%b,%b"probabilities":{%b:' % (label, decision, first)
            for label, decision in zip((first, *others), decisions, strict=True)
        ), tuple(b",%b:" % label for label in others)

    @cached_property
    def v1_signature(self) -> bytes:
        """The end of every v1 answer: what answered."""
        facts = {"model_name": self.name, "model_version": self.version, **self.threshold_facts}
        return orjson.dumps(facts)[1:]

    @cached_property
    def v2_parameters(self) -> dict[str, float | str]:
        """What a v2 answer without warnings says besides its outputs."""
        return {"digest": self.bundle.manifest.digest, **self.threshold_facts, "warnings": 0}

    @cached_property
    def max_rows(self) -> int:
        """How many rows one request may hold."""
        return self.bundle.contract.max_rows

    def score(self, matrix: Floats, score: Callable[[Floats], Answer] | None = None) -> Turns[Answer]:
        """Score encoded rows, float64 (rows, features), in turns; with `score` if somebody wants to look on."""
        score = score or self.bundle.scorer
        answers = []
        for rows in parts(len(matrix)):
            answers.append(score(matrix[rows]))
            yield
        if len(answers) == 1:
            return answers[0]
        return Answer(
            np.concatenate([answer.probability for answer in answers]),
            np.concatenate([answer.decided for answer in answers]),
        )

    def encode(self, rows: int, part: Callable[[slice], Encoded]) -> Turns[Encoded]:
        """Encode rows in turns; `part` encodes some of them.

        Raises `contract.errors.RequestRefused` for all rows together.
        """
        encoded = []
        violations: list[Violation] = []
        for rows_now in parts(rows):
            encoded.append(part(rows_now))
            violations += [replace(item, row=item.row + rows_now.start) for item in encoded[-1].violations]
            yield
        if violations:
            raise RequestRefused(violations)
        if len(encoded) == 1:
            return encoded[0]
        return Encoded(
            np.concatenate([item.matrix for item in encoded]), np.concatenate([item.unusual for item in encoded]), ()
        )

    def check_rows(self, rows: int) -> None:
        """Raise `MalformedRequest` for no rows, or more than the contract lets one request hold."""
        if not rows:
            raise MalformedRequest("the request holds no rows; send at least one")
        if rows > self.max_rows:
            raise MalformedRequest(
                f"the request holds {rows} rows, at most {self.max_rows} are allowed; send it in parts"
            )
