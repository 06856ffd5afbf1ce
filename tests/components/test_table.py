from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from components import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from contract.schema import Contract


def test_a_decimal_is_read_to_the_last_bit_as_a_request_reads_it(heart: Contract) -> None:
    texts = [
        "0.9534842586036535",
        "0.1",
        "2.2250738585072014e-308",
        "5e-324",
        "1.7976931348623157",
        "0.30000000000000004",
    ]
    column = table.typed(heart, pd.DataFrame({"oldpeak": [*texts, "?"]}))["oldpeak"]
    assert column[:-1].tolist() == [float(text) for text in texts]
    assert column.isna().tolist() == [False] * len(texts) + [True]


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


def test_a_marker_means_its_number_however_it_is_written(
    parcels: Contract, sent: Callable[[int], pd.DataFrame]
) -> None:
    contract = parcels.model_copy(update={"missing_markers": ("-9", "none")})
    cells = sent(5).assign(weight=["-9", "-9.0", "none", "9", "-9.5"])
    np.testing.assert_array_equal(table.typed(contract, cells)["weight"], [np.nan, np.nan, np.nan, 9, -9.5])


def test_cells_may_be_categories_or_numbers_already(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    cells = sent(20).assign(express="1")
    expected = table.typed(parcels, cells)
    pd.testing.assert_frame_equal(table.typed(parcels, cells.astype("category")), expected)
    known = cells.assign(weight=cells["weight"].astype(float), express=True)
    pd.testing.assert_frame_equal(table.typed(parcels, known), expected)
    head = cells.astype("category").head(3)  # its categories are those of all rows
    pd.testing.assert_frame_equal(table.typed(parcels, head), expected.head(3))


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


@pytest.mark.parametrize("rows", [1, 3, 5])
def test_encoding_does_not_depend_on_how_many_rows_are_worked_on_at_once(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    cells = sent(5).assign(weight=["1.5", "heavy", "", "3", "99"], zone=["01", "3", "02", "", "01"])
    frame = table.typed(parcels, cells)
    whole = table.encode(parcels, frame)
    monkeypatch.setattr(table, "ROWS", rows)
    parts = table.encode(parcels, frame)
    np.testing.assert_array_equal(parts.matrix, whole.matrix)
    np.testing.assert_array_equal(parts.unusual, whole.unusual)
    assert parts.violations == whole.violations
    assert [(v.row, v.column, v.rule) for v in parts.violations] == [
        (1, "weight", "wrong-type"),
        (1, "zone", "unknown-category"),
        (2, "weight", "missing-value"),
        (3, "zone", "missing-value"),
        (4, "weight", "out-of-range"),
    ]


def test_rows_of_a_matrix_stand_together(heart: Contract, cleveland: pd.DataFrame) -> None:
    encoded = table.encode(heart, cleveland)
    assert encoded.matrix.flags.c_contiguous
    assert table.encode(heart, cleveland.head(0)).matrix.shape == (0, 13)


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


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_cell_is_no_class_that_is_called_none_or_nan(heart: Contract, missing: float | None) -> None:
    ill = heart.target.classes[1].model_copy(update={"values": ("None", "nan")})
    healthy = heart.target.classes[0].model_copy(update={"values": ("0",)})
    contract = heart.model_copy(update={"target": heart.target.model_copy(update={"classes": (healthy, ill)})})
    frame = pd.DataFrame({"num": pd.Series(["None", "nan", "0", missing], dtype=object)})
    np.testing.assert_array_equal(table.classes(contract, frame), [1.0, 1.0, 0.0, np.nan])


def test_classes_are_their_places_among_the_labels_however_many(heart: Contract, cleveland: pd.DataFrame) -> None:
    classes = tuple(
        heart.target.classes[0].model_copy(update={"label": f"grade {grade}", "values": (grade,)})
        for grade in (3, 0, 1, 4, 2)
    )
    target = heart.target.model_copy(update={"classes": classes, "positive": None})
    contract = heart.model_copy(update={"target": target})
    assert contract.target.labels[:2] == ("grade 3", "grade 0")
    assert np.bincount(table.target(contract, cleveland)).tolist() == [35, 164, 55, 13, 36]


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


def test_part_of_the_columns_may_be_read(cleveland: pd.DataFrame, tmp_path: Path) -> None:
    table.write(cleveland, tmp_path / "table")
    pd.testing.assert_frame_equal(table.read(tmp_path / "table", ["num", "age"]), cleveland[["num", "age"]])


@pytest.mark.parametrize("rows", [1, 2, 4, 10])
def test_parts_have_the_types_of_the_whole_and_its_index_goes_on(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path, rows: int
) -> None:
    cells = sent(7)
    cells.loc[:4, ["weight", "zone"]] = ""
    frame = table.typed(parcels, cells)
    table.write(frame, tmp_path / "table")
    parts = list(table.chunks(tmp_path / "table", rows))
    assert [len(part) for part in parts] == [rows] * (7 // rows) + ([7 % rows] if 7 % rows else [])
    assert all(part.dtypes.equals(frame.dtypes) for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts), frame)


@pytest.mark.parametrize("rows", [2, 7])
def test_what_is_read_may_be_changed_and_is_in_the_order_of_the_file(
    parcels: Contract, sent: Callable[[int], pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(table, "ROWS", rows)
    frame = table.typed(parcels, sent(7)).assign(number=range(7), yes=True)
    table.write(frame, tmp_path / "table")
    read = table.read(tmp_path / "table")
    pd.testing.assert_frame_equal(read, frame)
    read.loc[3, "weight"] = 12.5
    read.loc[3, "zone"] = "03"
    assert read["weight"].drop(3).tolist() == frame["weight"].drop(3).tolist()
    assert (read["weight"][3], read["zone"][3]) == (12.5, "03")


def test_large_tables_are_written_in_groups_of_rows(cleveland: pd.DataFrame, tmp_path: Path) -> None:
    large = cleveland.loc[cleveland.index.repeat(300)].reset_index(drop=True)
    table.write(large, tmp_path / "table")
    written = parquet.ParquetFile(tmp_path / "table").metadata
    assert [written.row_group(group).num_rows for group in range(written.num_row_groups)] == [50_000, 40_900]
    pd.testing.assert_frame_equal(table.read(tmp_path / "table"), large)


def test_a_table_of_no_rows_keeps_its_columns(cleveland: pd.DataFrame, tmp_path: Path) -> None:
    table.write(cleveland.head(0), tmp_path / "table")
    pd.testing.assert_frame_equal(table.read(tmp_path / "table"), cleveland.head(0), check_index_type=False)
    assert list(table.chunks(tmp_path / "table")) == []


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


def test_requests_keep_what_a_cell_is(heart: Contract, cleveland: pd.DataFrame) -> None:
    frame = cleveland.head(4).astype(object)
    frame["age"] = pd.Series([63, np.int64(64), 65.0, 66.5], dtype=object)
    frame["thal"] = pd.Series([3, "bad", None, "7"], dtype=object)
    frame["oldpeak"] = pd.Series(["2.5", 1, np.float64(0.5), np.nan], dtype=object)
    sent = table.requests_of(heart, frame)
    for name, expected in {
        "age": [63, 64, 65, 66.5],
        "thal": [3, "bad", None, 7],
        "oldpeak": [2.5, 1.0, 0.5, None],
    }.items():
        assert [row[name] for row in sent] == expected
        assert [type(row[name]) for row in sent] == [type(value) for value in expected]


def test_codes_in_text_stay_text_in_requests(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    requests = table.requests_of(parcels, table.typed(parcels, sent(20)))
    assert {request["zone"] for request in requests} == {"01", "02"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, 3),
        (3, 3),
        (np.int8(3), 3),
        (np.float64(3), 3),
        (2.5, "2.5"),
        ("3", "3"),
        (True, "True"),
        (np.True_, "True"),
    ],
)
def test_a_code_is_a_whole_number_or_text(value: object, expected: object) -> None:
    found = table.code(value)
    assert found == expected
    assert type(found) is type(expected)


def test_requests_encode_to_the_rows_they_came_from(parcels: Contract, sent: Callable[[int], pd.DataFrame]) -> None:
    from contract.encoding import Encoder

    frame = table.typed(parcels, sent(30))
    again = Encoder(parcels.features).from_records(table.requests_of(parcels, frame))
    assert again.violations == ()
    np.testing.assert_array_equal(again.matrix, table.encode(parcels, frame).matrix)
