"""Rows judged and answered as the endpoint does it: by the same encoder and the same scorer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from contract.encoding import Encoder

if TYPE_CHECKING:
    import numpy.typing as npt

    from components.scoring.part import Part
    from contract.bundle import Bundle
    from contract.errors import Violation
    from contract.scorer import Answer


@dataclass(frozen=True)
class Scored:
    """What came of a part.

    `answered` are the positions in the part's columns of the rows that are answered, in order; `answer` has theirs.
    `refused` says what is wrong with the others, by their number in the file and then in contract order. `unusual`
    counts the answered rows that have a value outside its usual range.
    """

    answered: npt.NDArray[np.intp]
    answer: Answer
    refused: tuple[Violation, ...]
    unusual: int


class BatchScorer:
    """Answers parts with the model of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self._encoder = Encoder(bundle.contract.features)
        self._scorer = bundle.scorer

    def __call__(self, part: Part) -> Scored:
        """Answer every row that a request might hold, and say of the others what an answer to them would have said."""
        encoded = self._encoder.from_columns(part.columns)
        refused = list(part.broken)
        answered = np.arange(len(part.numbers))
        matrix, unusual = encoded.matrix, encoded.unusual
        if encoded.violations:
            # A column of numbers no longer tells 1 from 1.0 or an id from its digits, so these rows are judged again.
            suspects = sorted({violation.row for violation in encoded.violations})
            again = self._encoder.from_columns(part.values(suspects))
            matrix[suspects], unusual[suspects] = again.matrix, again.unusual
            wrong = [suspects[violation.row] for violation in again.violations]
            numbers = part.numbers[wrong].tolist()
            refused += [replace(item, row=row) for item, row in zip(again.violations, numbers, strict=True)]
            answered = np.setdiff1d(answered, wrong)
            matrix, unusual = matrix[answered], unusual[answered]
        refused.sort(key=lambda violation: violation.row)
        return Scored(answered, self._scorer(matrix), tuple(refused), int(unusual.any(axis=1).sum()))
