"""What the v2 protocol answers of each row: the tensors `label`, `probability` and, of two classes, `decision`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from contract.scorer import Answer
    from predictor.served import Served


class Output(NamedTuple):
    """A tensor of an answer. `shape` is that of one row's part: () for one value, (classes,) for one of each class."""

    datatype: str
    shape: tuple[int, ...] = ()


def outputs_of(served: Served) -> dict[str, Output]:
    """The outputs of a model by name, in the order of its answers."""
    if served.is_binary:
        return {"label": Output("BYTES"), "probability": Output("FP64"), "decision": Output("BOOL")}
    return {"label": Output("BYTES"), "probability": Output("FP64", (len(served.labels),))}


def output_values(served: Served, wanted: Collection[str], scored: Answer) -> dict[str, list[Any]]:
    """The values of the outputs that are wanted, by name, flat and row-major; of all if none is named.

    `label` names the class decided on. `probability` is that of the positive of two classes, or that of each of more in
    the order of the labels. `decision` says whether it reaches the threshold.
    """
    values: dict[str, list[Any]] = {
        "label": [served.labels[position] for position in scored.decided.tolist()],
        "probability": scored.probability.ravel().tolist(),
    }
    if served.is_binary:
        values["decision"] = (scored.decided == 1).tolist()
    return {name: values[name] for name in wanted} or values
