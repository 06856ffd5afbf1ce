from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from components.errors import StageError, UntrustedModel
from components.learning.candidates import CANDIDATES
from components.learning.persistence import TRUSTED, load, save
from tests.components.tables import irises, made

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from components.learning.fitting import Fitted
    from components.learning.rows import Rows


@pytest.mark.parametrize("name", CANDIDATES)
def test_every_candidate_comes_back_as_it_was(
    name: str, fitted: Callable[[str], Fitted], rows: Rows, tmp_path: Path
) -> None:
    first = fitted(name).estimator
    save(first, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(again.predict_proba(rows.matrix), first.predict_proba(rows.matrix))
    np.testing.assert_array_equal(again.predict(rows.matrix), first.predict(rows.matrix))
    assert again.threshold == first.threshold


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_file_holds_json_and_plain_arrays_alone(name: str, fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    save(fitted(name).estimator, tmp_path / "model.skops")
    with zipfile.ZipFile(tmp_path / "model.skops") as archive:
        arrays = [member for member in archive.namelist() if member != "schema.json"]
        assert arrays
        for member in arrays:
            np.load(io.BytesIO(archive.read(member)), allow_pickle=False)


def test_nothing_is_trusted_that_no_candidate_needs(fitted: Callable[[str], Fitted]) -> None:
    needed: set[str] = set()
    for name in CANDIDATES:
        needed.update(skops.io.get_untrusted_types(data=skops.io.dumps(fitted(name).estimator)))
    needed.update(skops.io.get_untrusted_types(data=skops.io.dumps(irises().reference(CANDIDATES["svm"]))))
    assert needed == set(TRUSTED)


@pytest.mark.parametrize("name", ["lightgbm", "catboost", "hist-gradient-boosting", "svm"])
def test_what_tells_three_classes_apart_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    table = made(3)
    first = table.reference(CANDIDATES[name])
    save(first, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    np.testing.assert_array_equal(again.predict_proba(table.tested), first.predict_proba(table.tested))


def test_no_function_is_called_because_one_that_calls_functions_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(FunctionTransformer(partial(shutil.rmtree, ignore_errors=True)), path)
    with pytest.raises(UntrustedModel, match=r"holds shutil\.rmtree, which"):
        load(path)


def test_a_foreign_type_is_named_and_never_loaded(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(FunctionTransformer(shutil.rmtree), path)
    with pytest.raises(UntrustedModel) as caught:
        load(path)
    assert isinstance(caught.value, StageError)
    assert str(caught.value) == (
        f"{path}: holds shutil.rmtree, which no estimator of ours consists of, so it isn't loaded;"
        " train the candidate again"
    )


def _zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_", "."), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", pickle.dumps({"a": 1}), _zipped(other_json="{}"), _zipped(schema_json="no JSON"), _zipped(schema_json="{}")],
    ids=["empty", "pickle", "another archive", "broken schema", "empty schema"],
)
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(UntrustedModel, match=r"is no sound skops file .*train the candidate again"):
        load(path)


def test_a_file_that_was_cut_off_is_refused(fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    save(fitted("logistic-regression").estimator, path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UntrustedModel, match="is no sound skops file"):
        load(path)
