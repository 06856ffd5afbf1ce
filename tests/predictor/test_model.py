"""The lifecycle: ready only after the proof, and never because KServe says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contract.errors import CorruptBundle
from predictor.errors import NotReady, UnusableBundle
from predictor.model import BundleModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_model_is_ready_after_load_and_only_then(bundle: Path) -> None:
    model = BundleModel(bundle)
    model.start()
    assert not model.ready
    with pytest.raises(NotReady):
        _ = model.served
    assert model.load()
    assert model.ready
    assert model.served.name == "heart"


def test_a_name_of_its_own_wins_over_the_bundles(bundle: Path) -> None:
    model = BundleModel(bundle, "heart-canary")
    model.load()
    assert model.served.name == "heart-canary"


@pytest.mark.parametrize("content", [b"", b"no model at all"])
def test_a_sealed_model_that_cannot_run_is_named(copied: Path, reseal: Callable[[Path], None], content: bytes) -> None:
    (copied / "model.onnx").write_bytes(content)
    reseal(copied)
    model = BundleModel(copied)
    with pytest.raises(CorruptBundle, match=r"model\.onnx: is sealed but can't be read"):
        model.load()
    assert not model.ready


def test_a_sealed_transform_for_other_features_is_named(copied: Path, reseal: Callable[[Path], None]) -> None:
    path = copied / "transform.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"numbers":[0,', '"numbers":[99,'), encoding="utf-8")
    reseal(copied)
    with pytest.raises(UnusableBundle, match="is sealed but can't be run"):
        BundleModel(copied).load()
