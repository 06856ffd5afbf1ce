from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from components import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract


def test_heart_has_the_documented_rows_classes_and_missing_cells(heart: Contract, cleveland: pd.DataFrame) -> None:
    assert len(cleveland) == 303
    assert np.bincount(table.target(heart, cleveland)).tolist() == [164, 139]
    missing = cleveland[heart.feature_names].isna().sum()
    assert missing[missing > 0].to_dict() == {"ca": 4, "thal": 2}


def test_the_sites_have_the_documented_rows(sites: dict[str, pd.DataFrame]) -> None:
    assert {name: len(frame) for name, frame in sites.items()} == {"hungarian": 294, "switzerland": 123, "va": 200}


def test_a_features_own_marker_is_missing_and_nowhere_else(sites: dict[str, pd.DataFrame]) -> None:
    assert sites["switzerland"]["chol"].isna().all()
    assert not (sites["va"][["chol", "trestbps"]] == 0).any(axis=None)
    assert (sites["va"]["oldpeak"] == 0).any()


def test_columns_are_floats_or_text(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    frame = table.typed(parcels, sent(20))
    kinds = {name: column.dtype.kind for name, column in frame.items()}
    assert kinds == {
        "weight": "f", "express": "f", "zone": "O", "floor": "f", "late": "O", "customer": "O", "sent": "O",
    }  # fmt: skip


def test_codes_in_text_keep_their_zeros(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    frame = table.typed(parcels, sent(20))
    assert set(frame["zone"]) == {"01", "02"}
    assert set(table.encode(parcels, frame).matrix[:, 2]) == {0.0, 1.0}


def test_true_and_false_are_a_boolean(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(4).assign(express=["true", "FALSE", " False ", "1"])
    assert table.typed(parcels, cells)["express"].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_text_marker_leaves_a_column_numeric(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(5).assign(floor=["2", "unknown", "-1", "-1.0", ""])
    frame = table.typed(parcels, cells)
    assert frame["floor"].tolist()[:1] == [2.0]
    assert frame["floor"].isna().tolist() == [False, True, True, True, True]


def test_one_stray_word_costs_its_own_cell_only(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(4).assign(weight=["1.5", "heavy", "", "3"])
    frame = table.typed(parcels, cells)
    assert frame["weight"].tolist() == ["1.5", "heavy", None, "3"]
    encoded = table.encode(parcels, frame)
    np.testing.assert_array_equal(encoded.matrix[:, 0], [1.5, np.nan, np.nan, 3.0])
    assert [(v.row, v.value, v.rule) for v in encoded.violations if v.column == "weight"] == [
        (1, "'heavy'", "wrong-type"),
        (2, "null", "missing-value"),
    ]


def test_a_column_that_is_absent_is_missing_in_every_row(heart: Contract, cleveland: pd.DataFrame) -> None:
    whole = table.encode(heart, cleveland).matrix
    without = table.encode(heart, cleveland.drop(columns="ca")).matrix
    position = heart.feature_names.index("ca")
    assert np.isnan(without[:, position]).all()
    np.testing.assert_array_equal(np.delete(without, position, axis=1), np.delete(whole, position, axis=1))


def test_a_class_that_the_contract_lacks_is_nan(heart: Contract, cleveland: pd.DataFrame) -> None:
    head = cleveland.head(4).assign(num=pd.Series(["0", "3", "9", None], dtype=object))
    np.testing.assert_array_equal(table.classes(heart, head), [0.0, 1.0, np.nan, np.nan])
    assert np.isnan(table.classes(heart, head.drop(columns="num"))).all()


def test_several_codes_may_mean_one_class(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    frame = table.typed(parcels, sent(3).assign(late=["no", "yes", "lost"]))
    assert table.target(parcels, frame).tolist() == [0, 1, 1]


def test_numbers_and_dates_sort_and_other_words_do_not() -> None:
    numbers = pd.Series([3.0, 1.0])
    assert table.sortable(numbers) is numbers
    dates = table.sortable(pd.Series(["2024-02-01", "2024-01-31T23:00:00-02:00", "someday", None], dtype=object))
    assert dates.isna().tolist() == [False, False, True, True]
    assert dates[0] < dates[1]


def test_parquet_gives_back_what_was_written(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path
) -> None:
    cells = sent(6)
    cells.loc[0, ["zone", "weight"]] = ""
    frame = table.typed(parcels, cells)
    table.write(frame, tmp_path / "table")
    pd.testing.assert_frame_equal(table.read(tmp_path / "table"), frame)


def test_requests_are_in_the_contracts_codes(
    heart: Contract, cleveland: pd.DataFrame, sites: dict[str, pd.DataFrame]
) -> None:
    first = table.requests_of(heart, cleveland.head(1))[0]
    assert first == {
        "age": 63, "sex": 1, "cp": 1, "trestbps": 145, "chol": 233, "fbs": 1, "restecg": 2, "thalach": 150,
        "exang": 0, "oldpeak": 2.3, "slope": 3, "ca": 0, "thal": 6,
    }  # fmt: skip
    assert {type(value) for name, value in first.items() if name != "oldpeak"} == {int}
    assert table.requests_of(heart, sites["switzerland"].head(1))[0]["chol"] is None


def test_requests_encode_to_the_rows_they_came_from(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    from contract.encoding import Encoder

    frame = table.typed(parcels, sent(30))
    again = Encoder(parcels.features).from_records(table.requests_of(parcels, frame))
    assert again.violations == ()
    np.testing.assert_array_equal(again.matrix, table.encode(parcels, frame).matrix)
