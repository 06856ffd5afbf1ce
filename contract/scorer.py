"""From encoded rows to a calibrated probability and a decision: the one implementation that is tested and served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import onnxruntime
from pydantic import FiniteFloat

from contract.features import Strict, Text
from contract.forest import forest_of
from contract.trees import Trees

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.forest import Forest
    from contract.transform import CompiledTransform, Transform

    Vector = npt.NDArray[np.float64]


class Calibration(Strict):
    """Platt's sigmoid: probability = 1 / (1 + exp(slope · score + intercept)).

    Platt (1999), "Probabilistic outputs for support vector machines", as fitted by scikit-learn's
    CalibratedClassifierCV; a useful score has a negative slope.
    """

    method: Literal["sigmoid"]
    slope: FiniteFloat
    intercept: FiniteFloat

    def __call__(self, scores: Vector) -> Vector:
        """Probabilities of the positive class, float64 of the scores' shape."""
        exponent = np.minimum(self.slope * scores + self.intercept, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(exponent)), dtype=np.float64)


class DecisionRule(Strict):
    """What turns a score into an answer: `decision.json` of a bundle."""

    format: Literal[1]
    calibration: Calibration
    threshold: FiniteFloat
    labels: tuple[Text, Text]


@dataclass(frozen=True)
class Answer:
    """Per row: the probability of the positive class (float64), and whether it reaches the threshold (bool)."""

    probability: Vector
    positive: npt.NDArray[np.bool_]


class Scorer:
    """Transform, ONNX model and decision rule in a row. Safe to share between threads.

    Where the model carries its trees as data, larger batches go through tables instead of ONNX Runtime, which change no
    bit of an answer.
    """

    def __init__(self, transform: Transform, model: bytes, rule: DecisionRule) -> None:
        self.rule = rule
        self._transform: CompiledTransform = transform.compile()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._output = [self._session.get_outputs()[-1].name]
        self._forest = self._forest_in_model()

    def __call__(self, encoded: Vector) -> Answer:
        """Score encoded rows, float64 of shape (rows, features)."""
        columns = self._transform(encoded)
        if self._forest and len(columns) >= self._forest.worthwhile:
            scores = self._forest(columns)
        else:
            raw = self._session.run(self._output, {self._input: columns})[0]
            scores = (raw[:, -1] if raw.ndim > 1 else raw).astype(np.float64, copy=False)
        probability = self.rule.calibration(scores)
        return Answer(probability, probability >= self.rule.threshold)

    def _forest_in_model(self) -> Forest | None:
        names = Trees.names()
        if not {item.name for item in self._session.get_outputs()}.issuperset(names):
            return None
        flags = self._transform.flags
        nothing = np.empty((0, flags.shape[1]), dtype=np.float32)
        arrays = self._session.run(names, {self._input: nothing})
        return forest_of(Trees.of(dict(zip(names, arrays, strict=True)), flags.shape[1]), flags)
