"""Every rule by which accidents are derived, on files of one or two accidents written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from components.errors import UnreadableTable
from components.preparation import PREPARATIONS
from components.preparation.baac import FEATURES, prepare, speed_limit

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCIDENT = {
    "Num_Acc": "202100000001", "jour": "30", "mois": "11", "an": "2021", "hrmn": "17:45", "lum": "1", "dep": "59",
    "com": "59350", "agg": "2", "int": "2", "atm": "1", "col": "3", "adr": "Rue; du Port", "lat": "50,63250000",
    "long": "3,05220000",
}  # fmt: skip
PLACE = {"Num_Acc": "202100000001", "catr": "4", "circ": "2", "surf": "1", "larrout": "", "situ": "1", "vma": "50"}
USER = {
    "Num_Acc": "202100000001", "id_vehicule": "201 764", "num_veh": "A01", "place": "1", "catu": "1", "grav": "4",
    "sexe": "2", "an_nais": "1981", "trajet": "5", "secu1": "1",
}  # fmt: skip
VEHICLE = {
    "Num_Acc": "202100000001",
    "id_vehicule": "201 764",
    "num_veh": "A01",
    "catv": "7",
    "obsm": "2",
    "motor": "1",
}

Rows = list[dict[str, str]]


def written(rows: Rows) -> bytes:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(";".join(f'"{cell}"' for cell in line) + "\n" for line in lines).encode()


def files(
    accidents: Rows | None = None, places: Rows | None = None, users: Rows | None = None, vehicles: Rows | None = None
) -> dict[str, bytes]:
    return {
        "caracteristiques": written(accidents or [ACCIDENT]),
        "lieux": written(places or [PLACE]),
        "usagers": written(users or [USER]),
        "vehicules": written(vehicles or [VEHICLE]),
    }


def only(table: pd.DataFrame) -> dict[str, str]:
    (row,) = table.to_dict(orient="records")
    return {str(name): value for name, value in row.items()}


def with_key(key: str, *rows: dict[str, str]) -> Rows:
    return [row | {"Num_Acc": key} for row in rows]


def test_an_accident_becomes_one_row_of_text() -> None:
    assert only(PREPARATIONS["baac"](files())) == {
        "place": "1", "catu": "1", "sexe": "2", "secu1": "1", "year_acc": "2021", "victim_age": "40", "catv": "2",
        "obsm": "2", "motor": "1", "catr": "4", "circ": "2", "surf": "1", "situ": "1", "vma": "50", "jour": "30",
        "mois": "11", "lum": "1", "dep": "59", "com": "59350", "agg_": "2", "int": "2", "atm": "0", "col": "3",
        "lat": "50.6325", "long": "3.0522", "hour": "17", "nb_victim": "1", "nb_vehicules": "1", "grav": "0",
    }  # fmt: skip


def test_rows_keep_the_order_of_the_accidents() -> None:
    keys = ("202100000009", "202100000002")
    made = files(*([{**row, "Num_Acc": key} for key in keys] for row in (ACCIDENT, PLACE, USER, VEHICLE)))
    made["caracteristiques"] = written([ACCIDENT | {"Num_Acc": key, "jour": key[-1]} for key in keys])
    made["usagers"] = written([USER | {"Num_Acc": key, "place": key[-1]} for key in reversed(keys)])
    table = prepare(made)
    assert table["jour"].tolist() == table["place"].tolist() == ["9", "2"]
    assert table.index.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("injuries", "worst", "label"),
    [
        (["1", "4"], 1, "0"),
        (["1", "3"], 1, "1"),
        (["3", "2"], 1, "1"),  # killed is worse than hospitalised
        (["2", "3"], 0, "1"),
        (["4", "4"], 0, "0"),  # of equals the first
        (["1", "1"], 0, "0"),  # unhurt, whose code is 1, is no priority
        (["-1", "1"], 1, "0"),
        (["-1", "2"], 1, "1"),
    ],
)
def test_the_worst_hurt_user_is_described_and_decides(injuries: list[str], worst: int, label: str) -> None:
    users = [USER | {"grav": grav, "place": str(place)} for place, grav in enumerate(injuries, start=1)]
    row = only(prepare(files(users=users)))
    assert (row["place"], row["grav"]) == (str(worst + 1), label)
    assert row["nb_victim"] == "2"


def test_an_accident_without_any_known_injury_has_no_class_and_no_row() -> None:
    users = [USER, *with_key("202100000002", USER | {"grav": "-1"})]
    second = "202100000002"
    made = files(
        [ACCIDENT, *with_key(second, ACCIDENT)], [PLACE, *with_key(second, PLACE)], users,
        [VEHICLE, *with_key(second, VEHICLE)],
    )  # fmt: skip
    assert len(prepare(made)) == 1


def test_the_vehicle_is_that_of_the_user() -> None:
    users = [USER, USER | {"id_vehicule": "201 765", "grav": "3"}]
    vehicles = [VEHICLE, VEHICLE | {"id_vehicule": "201 765", "catv": "33"}]
    row = only(prepare(files(users=users, vehicles=vehicles)))
    assert (row["catv"], row["nb_vehicules"]) == ("1", "2")


def test_a_space_that_does_not_break_is_no_other_id() -> None:
    hard = VEHICLE | {"id_vehicule": "201\N{NO-BREAK SPACE}764"}
    assert only(prepare(files(vehicles=[hard])))["catv"] == "2"


def test_a_user_without_a_vehicle_keeps_the_injury() -> None:
    users = [USER, USER | {"id_vehicule": "999 999", "grav": "2", "place": "3"}]
    second = "202100000002"
    made = files(
        [ACCIDENT, *with_key(second, ACCIDENT)], [PLACE, *with_key(second, PLACE)], [*users, *with_key(second, USER)],
        [VEHICLE, *with_key(second, VEHICLE)],
    )  # fmt: skip
    row = prepare(made).iloc[0]
    assert (row["grav"], row["place"], row["catv"], row["motor"]) == ("1", "3", "", "")


@pytest.mark.parametrize("code", ["-1", " -1", "0", ""])
def test_what_is_unknown_is_missing_and_costs_no_row(code: str) -> None:
    unknown = dict.fromkeys(("lum", "agg", "int", "atm", "col"), code)
    row = only(
        prepare(
            files(
                [ACCIDENT | unknown],
                [PLACE | dict.fromkeys(("catr", "circ", "surf", "vma"), code)],
                [USER | dict.fromkeys(("place", "catu", "sexe", "an_nais"), code)],
                [VEHICLE | dict.fromkeys(("catv", "motor"), code)],
            )
        )
    )
    missing = {name for name, cell in row.items() if cell == ""}
    assert missing == {
        "lum", "agg_", "int", "atm", "col", "catr", "circ", "surf", "vma", "place", "catu", "sexe", "victim_age",
        "catv", "motor",
    }  # fmt: skip


def test_zero_is_a_code_where_it_means_none() -> None:
    made = files(places=[PLACE | {"situ": "0"}], users=[USER | {"secu1": "0"}], vehicles=[VEHICLE | {"obsm": "0"}])
    row = only(prepare(made))
    assert (row["situ"], row["secu1"], row["obsm"]) == ("0", "0", "0")


@pytest.mark.parametrize(
    ("born", "age"), [("2021", "0"), ("1901", "120"), ("1900", ""), ("2022", ""), ("", ""), ("-1", "")]
)
def test_an_age_nobody_has_is_missing(born: str, age: str) -> None:
    assert only(prepare(files(users=[USER | {"an_nais": born}])))["victim_age"] == age


@pytest.mark.parametrize(
    ("written_as", "limit"),
    [
        *((limit, limit) for limit in (5, 9, 30, 45, 130)),  # left alone
        *((300, 30), (500, 50), (501, 50), (700, 70), (900, 90), (901, 90), (1100, 110), (1, 10), (3, 30)),  # a slip
        *((limit, None) for limit in (140, 520, 770, 1400, 0, -1)),  # nobody can tell
    ],
)
def test_speed_limits_are_put_right_or_missing(written_as: int, limit: int | None) -> None:
    found = speed_limit(pd.Series([float(written_as)]))
    assert found.fillna(-99).tolist() == [-99 if limit is None else limit]


@pytest.mark.parametrize(
    ("code", "group"),
    [
        *((code, "1") for code in ("1", "33", "60", "80")),
        *(("3", "2"), ("7", "2"), ("37", "3"), ("40", "3"), ("14", "4"), ("21", "4"), ("10", "5"), ("35", "6")),
        *(("99", "7"), ("00", "")),
    ],
)
def test_vehicles_are_grouped(code: str, group: str) -> None:
    assert only(prepare(files(vehicles=[VEHICLE | {"catv": code}])))["catv"] == group


@pytest.mark.parametrize(
    ("code", "impairs"), [*((code, "1") for code in "234567"), *((code, "0") for code in "189"), ("-1", "")]
)
def test_weather_is_grouped(code: str, impairs: str) -> None:
    assert only(prepare(files([ACCIDENT | {"atm": code}])))["atm"] == impairs


@pytest.mark.parametrize(
    ("time", "hour"), [("17:45", "17"), ("00:05", "0"), ("1745", "17"), ("945", "9"), ("5", "0"), ("", ""), ("-1", "")]
)
def test_the_hour_is_read_in_both_formats(time: str, hour: str) -> None:
    assert only(prepare(files([ACCIDENT | {"hrmn": time}])))["hour"] == hour


@pytest.mark.parametrize(
    ("dep", "com", "number", "commune"),
    [
        ("2A", "2A004", "201", "201004"),
        ("2B", "2B033", "202", "202033"),
        ("01", "01004", "1", "1004"),
        ("974", "97411", "974", "97411"),
        ("23", "23001", "23", "0"),  # a commune that isn't listed
        ("75", "N/C", "75", ""),
    ],
)
def test_areas_are_numbers(dep: str, com: str, number: str, commune: str) -> None:
    row = only(prepare(files([ACCIDENT | {"dep": dep, "com": com}])))
    assert (row["dep"], row["com"]) == (number, commune)


@pytest.mark.parametrize(
    ("lat", "long", "found"),
    [("48,85", "-1", ("48.85", "-1")), ("0,00000000", "0,00000000", ("", "")), ("0", "9,5", ("0", "9.5"))],
)
def test_coordinates_have_commas_and_minus_one_is_a_place(lat: str, long: str, found: tuple[str, str]) -> None:
    row = only(prepare(files([ACCIDENT | {"lat": lat, "long": long}])))
    assert (row["lat"], row["long"]) == found


def test_the_first_of_several_roads_counts() -> None:
    assert only(prepare(files(places=[PLACE, PLACE | {"vma": "90"}])))["vma"] == "50"


def test_a_file_of_2022_calls_the_accident_otherwise() -> None:
    renamed = {("Accident_Id" if name == "Num_Acc" else name): cell for name, cell in ACCIDENT.items()}
    assert only(prepare(files([renamed])))["year_acc"] == "2021"


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (files([ACCIDENT | {"hrmn": "25:00"}]), "caracteristiques: line 2, hrmn: '25:00' is no time such as 17:45"),
        (files([ACCIDENT | {"lum": "dark"}]), "caracteristiques: line 2, lum: 'dark' is no number"),
        (files([ACCIDENT | {"atm": "12"}]), "caracteristiques: line 2, atm: '12' is a code that the data dictionary"),
        (files([ACCIDENT | {"com": "Lille"}]), "caracteristiques: line 2, com: 'Lille' is no number"),
        (files([ACCIDENT, ACCIDENT]), "caracteristiques: line 3, Num_Acc: '202100000001' has a line already; keep one"),
        (files(users=[USER | {"grav": "7"}]), "usagers: line 2, grav: '7' is no injury; known are 1 to 4, and -1"),
        (files(vehicles=[VEHICLE | {"catv": "44"}]), "vehicules: line 2, catv: '44' is a code that the data"),
        (files(vehicles=[VEHICLE, VEHICLE]), "vehicules: line 3, id_vehicule: '201764' stands more than once"),
        (files(users=with_key("17", USER)), "usagers: line 2, Num_Acc: '17' is no number of an accident"),
        (files(vehicles=[VEHICLE | {"id_vehicule": "5"}]), "usagers and vehicules don't belong together: 1 of 1 users"),
        (files(users=with_key("202000000001", USER)), "usagers and caracteristiques don't belong together"),
        (files([ACCIDENT, *with_key("202100000002", ACCIDENT)]),
         "1 accidents of caracteristiques, such as 202100000002, are not in lieux. Fetch the four files of one year"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_with_its_place(changed: Mapping[str, bytes], complaint: str) -> None:
    with pytest.raises(UnreadableTable, match=complaint):
        prepare(changed)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "none"),
        ({"features": b""}, "features"),
        (files() | {"weather": b""}, "caracteristiques, lieux, usagers, veh"),
    ],
)
def test_other_roles_are_refused_naming_those_that_work(given: Mapping[str, bytes], named: str) -> None:
    expected = (
        rf"of the roles caracteristiques, lieux, usagers, vehicules, or of features, target; it was given {named}"
    )
    with pytest.raises(UnreadableTable, match=expected):
        prepare(given)


PREPARED = {
    "place": "1", "catu": "1", "sexe": "2", "secu1": "0.0", "year_acc": "2021", "victim_age": "40.0", "catv": "2.0",
    "obsm": "2.0", "motor": "1.0", "catr": "4", "circ": "2.0", "surf": "1.0", "situ": "1.0", "vma": "501.0",
    "jour": "30", "mois": "11", "lum": "1", "dep": "59", "com": "59350", "agg_": "2", "int": "2", "atm": "0.0",
    "col": "3.0", "lat": "50.6", "long": "-1", "hour": "17", "nb_victim": "1", "nb_vehicules": "1",
}  # fmt: skip


def prepared(rows: Rows, labels: str = "0\n") -> dict[str, bytes]:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return {"features": "\n".join(lines).encode(), "target": f"grav\n{labels}".encode()}


def test_the_prepared_table_is_joined_by_position_and_gets_the_same_corrections() -> None:
    second = PREPARED | {"com": "23001", "lum": "-1", "victim_age": "150", "vma": "140.0"}
    table = prepare(prepared([PREPARED, second], "0\n1\n"))
    assert table.columns.tolist() == [*FEATURES, "grav"]
    assert table["grav"].tolist() == ["0", "1"]
    assert table["vma"].tolist() == ["50", ""]
    assert table["com"].tolist() == ["59350", "0"]
    assert table["lum"].tolist() == ["1", ""]
    assert table["victim_age"].tolist() == ["40", ""]
    assert table["long"].tolist() == ["-1", "-1"]


def test_both_ways_lead_to_the_same_codes() -> None:
    raw = prepare(files([ACCIDENT | {"lat": "50,6", "long": "-1"}], [PLACE | {"vma": "501"}], [USER | {"secu1": "0"}]))
    assert prepare(prepared([PREPARED])).astype(float).equals(raw.astype(float))


def test_prepared_files_of_unequal_length_are_refused() -> None:
    with pytest.raises(UnreadableTable, match="features has 1 rows and target 2, but they belong together by position"):
        prepare(prepared([PREPARED], "0\n1\n"))


def test_a_prepared_table_with_semicolons_is_refused() -> None:
    made = prepared([PREPARED])
    with pytest.raises(UnreadableTable, match="features: its cells are separated by semicolons; save it with commas"):
        prepare(made | {"features": made["features"].replace(b",", b";")})
