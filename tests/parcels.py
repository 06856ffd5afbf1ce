"""A small contract with every kind of feature, and the simplest model: for bundles that need no training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    import numpy.typing as npt

PARCELS = """\
# Small enough to be read at a glance.
format: 1
name: parcels
title: Parcels
description: Parcels handed in, and whether they arrived late.
licence: CC0 1.0
citation: Post Office (2026). Parcels.

training:
  location: parcels.csv
  title: Parcels of one week
external:
  abroad: {location: abroad.csv, title: Parcels of another country}
  island: {location: island.csv, title: Parcels of an island}

features:
  - name: weight
    kind: numeric
    unit: kg
    description: Weight
    range: {min: 0.1, max: 30}
    usual: {min: 0.5, max: 10}
  - name: stops
    kind: integer
    description: Stops on the way
    missing: {markers: [-1], allowed: true}
    range: {min: 0, max: 9}
  - name: fragile
    kind: boolean
    description: Handle with care
    missing: {markers: [unknown], allowed: true}
  - name: service
    kind: categorical
    description: How it is sent
    missing: {markers: [n/a], allowed: true}
    categories:
      - {value: std, label: standard}
      - {value: exp, label: express}
      - {value: nite, label: overnight}
  - name: zone
    kind: categorical
    description: Zone of the tariff
    categories:
      - {value: 1, label: city}
      - {value: 3, label: abroad}

target:
  column: arrived
  description: When it arrived
  classes:
    - {label: late, values: [late, lost]}
    - {label: on time, values: [punctual]}
  positive: late

excluded:
  - {column: signature, reason: known only on arrival}
id_column: parcel

split: {method: stratified, held_out: 0.25, seed: 3}

decision:
  metric: roc_auc
  threshold: {rule: fixed, value: 0.5}
  floors: {roc_auc: 0.6}

examples:
  - title: to the city
    instance: {weight: 2.5, stops: 3, fragile: false, service: std, zone: 1}
  - title: too heavy
    instance: {weight: 31, stops: 3, fragile: false, service: std, zone: 1}
    refused: out-of-range
"""


def linear_model(weights: npt.ArrayLike) -> bytes:
    """A real ONNX model: weighted sums of its inputs, without an intercept; `weights` are (columns, scores)."""
    matrix = np.array(weights, dtype=np.float32)
    columns, scores = matrix.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["columns", "weights"], ["score"])],
        "linear",
        [helper.make_tensor_value_info("columns", TensorProto.FLOAT, [None, columns])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, scores])],
        [numpy_helper.from_array(matrix, "weights")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content
