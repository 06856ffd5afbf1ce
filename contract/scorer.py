"""From encoded rows to calibrated probabilities and a decision: the one implementation that is tested and served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import onnxruntime
from pydantic import Field, FiniteFloat, StrictBool, model_validator

from contract.decision import PAIR
from contract.features import Strict, Text
from contract.forest import forest_of
from contract.trees import Trees

if TYPE_CHECKING:
    import numpy.typing as npt

    from contract.forest import Forest
    from contract.transform import CompiledTransform, Transform

    Floats = npt.NDArray[np.float64]


_ALMOST_NOTHING = 1e-12  # keeps the logarithm of no probability finite, as in scikit-learn


class Calibration(Strict):
    """Platt's sigmoid: probability = 1 / (1 + exp(slope · score + intercept)).

    Platt (1999), "Probabilistic outputs for support vector machines", as fitted by scikit-learn's
    CalibratedClassifierCV; a useful score has a negative slope.
    """

    method: Literal["sigmoid"]
    slope: FiniteFloat
    intercept: FiniteFloat

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities of one class, float64 of the scores' shape."""
        exponent = np.minimum(self.slope * scores + self.intercept, 700.0)
        return np.asarray(1.0 / (1.0 + np.exp(exponent)), dtype=np.float64)


class Temperature(Strict):
    """One temperature for all classes: probabilities = softmax(inverse · logits).

    Scores are logits, or probabilities whose logarithms are taken. Guo et al. (2017), "On calibration of modern neural
    networks", as fitted by scikit-learn's CalibratedClassifierCV. A sigmoid for each class would do worse where a class
    lies between others: no score of its own rises with its probability.
    """

    method: Literal["temperature"]
    inverse: FiniteFloat
    of_probabilities: StrictBool

    def __call__(self, scores: Floats) -> Floats:
        """Probabilities, float64 (rows, classes), of scores of the same shape."""
        logits = self.inverse * (np.log(scores + _ALMOST_NOTHING) if self.of_probabilities else scores)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)


class DecisionRule(Strict):
    """What turns scores into an answer: `decision.json` of a bundle.

    Between two classes there is one score, which a sigmoid calibrates, and a threshold. With more, each class has its
    own score, one temperature calibrates all, and the most probable class is answered.
    """

    format: Literal[1]
    calibration: Calibration | Temperature = Field(discriminator="method")
    threshold: FiniteFloat | None
    labels: tuple[Text, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (isinstance(self.calibration, Calibration), self.threshold is not None) != (self.is_binary, self.is_binary):
            raise ValueError("two classes need a sigmoid and a threshold; more need a temperature and no threshold")
        return self

    @property
    def is_binary(self) -> bool:
        """Whether a threshold decides between two classes."""
        return len(self.labels) == PAIR

    def probability(self, scores: Floats) -> Floats:
        """From scores: of the positive class (rows,), or with more than two classes of each (rows, classes)."""
        return self.calibration(scores)

    def decided(self, probability: Floats) -> npt.NDArray[np.intp]:
        """The position in `labels` of each row's class: the positive from the threshold on, or the most probable."""
        return decided(probability, self.threshold)


def decided(probability: Floats, threshold: float | None) -> npt.NDArray[np.intp]:
    """The class of each row: 1 where `probability` (rows,) reaches the threshold, or the most probable column."""
    found = probability.argmax(axis=1) if threshold is None else probability >= threshold
    return found.astype(np.intp)


@dataclass(frozen=True)
class Answer:
    """What a batch is answered.

    `probability` is float64: of the positive class (rows,), or with more than two classes of each (rows, classes).
    `decided`, intp (rows,), is the position of the answered class among the labels.
    """

    probability: Floats
    decided: npt.NDArray[np.intp]


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

    def __call__(self, encoded: Floats) -> Answer:
        """Score encoded rows, float64 of shape (rows, features)."""
        columns = self._transform(encoded)
        if self._forest and len(columns) >= self._forest.worthwhile:
            scores = self._forest(columns)
        else:
            raw = self._session.run(self._output, {self._input: columns})[0]
            if self.rule.is_binary and raw.ndim > 1:
                raw = raw[:, -1]
            scores = raw.astype(np.float64, copy=False)
        probability = self.rule.probability(scores)
        return Answer(probability, self.rule.decided(probability))

    def _forest_in_model(self) -> Forest | None:
        names = Trees.names()
        if not {item.name for item in self._session.get_outputs()}.issuperset(names):
            return None
        flags = self._transform.flags
        nothing = np.empty((0, flags.shape[1]), dtype=np.float32)
        arrays = self._session.run(names, {self._input: nothing})
        return forest_of(Trees.of(dict(zip(names, arrays, strict=True)), flags.shape[1]), flags)
