"""France's road accidents (BAAC): one row an accident, of the four files of a year or of the predecessor's table.

The official files of the ONISR come under the roles `caracteristiques`, `lieux`, `usagers` and `vehicules`, in the
layout that they have since 2019. The table that the predecessor had prepared of them comes as `features` and `target`,
two CSVs whose rows belong together by position. Either way the columns and their codes are the same 28 and `grav`:
1 where somebody was killed or taken to hospital (the accident has priority), 0 otherwise.

What the predecessor derived is derived here, but for its faults (the dataset's README has the table):

- Of an accident's users the worst hurt is described: killed, then hospitalised, slightly hurt, unhurt. Recoding the
  codes as numbers, the predecessor had put hospitalised before killed.
- An accident has priority if any user was killed or hospitalised. Where only unhurt users were left, their code 1 had
  been taken for the class 1.
- An age outside 0 to 120 is missing; it had been replaced in a copy that nobody kept.
- Speed limits that are wrong by a factor of ten are put right, or else are missing: see `speed_limit`.
- Whatever isn't known is missing. Rows had been dropped for it, or the commonest value put in, by then unmarked.
- -1 is missing in every column (coordinates aside, where it is a place), and so is 0 where the codes start at 1.
- A user whose vehicle isn't in the file stays, without what the vehicle would have said; such users had been dropped.
- A commune with fewer than three accidents in the predecessor's table is 0, "any other": too few to learn from.
- A pedelec is a two-wheeler, and "other vehicle" a group of its own; both had been counted as unknown, and dropped.
- The hour is read from `17:45` and from `1745`, as years before 2019 wrote it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from components.errors import UnreadableTable
from components.preparation.delimited import numbers, read, refuse, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY = "Num_Acc"
_VEHICLE = "id_vehicule"
_RAW = {
    "caracteristiques": (
        _KEY, "jour", "mois", "hrmn", "lum", "dep", "com", "agg", "int", "atm", "col", "lat", "long",
    ),
    "lieux": (_KEY, "catr", "circ", "surf", "situ", "vma"),
    "usagers": (_KEY, _VEHICLE, "place", "catu", "grav", "sexe", "an_nais", "secu1"),
    "vehicules": (_KEY, _VEHICLE, "catv", "obsm", "motor"),
}  # fmt: skip
_ALIASES = {"Accident_Id": _KEY}  # what 2022 calls it in one of its files

FEATURES = (
    "place", "catu", "sexe", "secu1", "year_acc", "victim_age", "catv", "obsm", "motor", "catr", "circ", "surf", "situ",
    "vma", "jour", "mois", "lum", "dep", "com", "agg_", "int", "atm", "col", "lat", "long", "hour", "nb_victim",
    "nb_vehicules",
)  # fmt: skip
TARGET = "grav"

_PREPARED = {"features": FEATURES, "target": (TARGET,)}
_ZERO_MEANS_NONE = frozenset({"secu1", "obsm", "situ"})
"""Where 0 says that there was none. The other codes start at 1, so a 0 says that nobody filled it in."""

_SEVERITY = {2: 3, 3: 2, 4: 1, 1: 0}
"""Of the codes of `grav`, killed, hospitalised, slightly hurt and unhurt: how bad that is."""
_SERIOUS = 2

_CATV = {
    1: (1, 2, 4, 5, 30, 31, 32, 33, 34, 41, 42, 43, 50, 60, 80),
    2: (3, 7),
    3: (18, 19, 37, 38, 39, 40),
    4: (13, 14, 15, 16, 17, 20, 21),
    5: (8, 9, 10, 11, 12),
    6: (6, 35, 36),
    7: (99,),
}
"""The predecessor's groups of vehicles and the official codes in each; 80 and 99 had been unknown."""
_ATM = {0: (1, 8, 9), 1: (2, 3, 4, 5, 6, 7)}
"""0 for weather that is normal, overcast or other, 1 for what impairs driving."""

_CORSICA = {"2A": "201", "2B": "202"}
_NO_COMMUNE = "N/C"
_LISTED = Path(__file__).with_name("communes.txt")
_OTHER_COMMUNE = 0
_OLDEST = 120
_FASTEST = 130
_SLOWEST = 5
_LAST_HOUR = 23


def prepare(files: Mapping[str, bytes]) -> pd.DataFrame:
    """The 28 columns and `grav`, text of shape (accidents, 29), in the order of the file that lists the accidents.

    Raises `UnreadableTable` for other roles than the two sets above, for files that aren't what their role says, and
    for files that don't belong together.
    """
    for roles, derive in ((_RAW, _from_raw), (_PREPARED, _from_prepared)):
        if set(files) == set(roles):
            return derive(files)
    raise UnreadableTable(
        f"the preparation 'baac' makes a table of the roles {', '.join(_RAW)}, or of {', '.join(_PREPARED)}; it was"
        f" given {', '.join(sorted(files)) or 'none'}. Name the four official files, or the two of a prepared table."
    )


def speed_limit(kmh: pd.Series[float]) -> pd.Series[float]:
    """Limits in km/h, with slips by a factor of ten put right: 500 and 501 are 50, 3 is 30.

    Above 130, France's highest limit, the last digit is dropped if that leaves a whole ten up to 130; otherwise nobody
    can tell (520, 140), and the limit is missing. Below 5, walking pace, a value is tenfold what it says. 0 and less is
    missing.
    """
    shortened = kmh // 10
    readable = (shortened % 10 == 0) & (shortened <= _FASTEST)
    corrected = kmh.mask(kmh > _FASTEST, shortened.where(readable))
    return corrected.mask(kmh < _SLOWEST, kmh * 10).where(kmh > 0)


def _from_prepared(files: Mapping[str, bytes]) -> pd.DataFrame:
    features, target = (read(role, files[role], columns, ",") for role, columns in _PREPARED.items())
    if len(features) != len(target):
        raise UnreadableTable(
            f"features has {len(features):,} rows and target {len(target):,}, but they belong together by position;"
            " take both from the same preparation"
        )
    for name in set(FEATURES) - {"lat", "long"}:
        features[name] = features[name].mask(features[name].isin(["-1", "-1.0"]), "")
    features["vma"] = texts(speed_limit(numbers("features", features["vma"])))
    features["victim_age"] = texts(_age(numbers("features", features["victim_age"])))
    features["com"] = texts(_listed(numbers("features", features["com"])))
    return features.assign(grav=target[TARGET].to_numpy()).reset_index(drop=True)


def _from_raw(files: Mapping[str, bytes]) -> pd.DataFrame:
    read_files = {role: read(role, files[role], columns, ";", _ALIASES) for role, columns in _RAW.items()}
    for frame in read_files.values():
        for key in {_KEY, _VEHICLE}.intersection(frame):
            frame[key] = frame[key].str.replace(r"\s", "", regex=True)  # 201 764, with a space that doesn't break
    _check_accidents(read_files)
    accidents = _accidents(read_files["caracteristiques"])
    places = _places(read_files["lieux"])
    vehicles = _vehicles(read_files["vehicules"])
    worst = _worst_hurt(read_files["usagers"])
    _check_vehicles(worst, vehicles)
    described = worst.join(vehicles, on=[_KEY, _VEHICLE]).set_index(_KEY)
    table = accidents.join([places, described]).assign(
        nb_victim=read_files["usagers"][_KEY].value_counts(),
        nb_vehicules=read_files["vehicules"][_KEY].value_counts(),
    )
    table["victim_age"] = _age(table["year_acc"] - table["an_nais"])
    known = table[table[TARGET].notna()]
    return known[[*FEATURES, TARGET]].apply(texts).reset_index(drop=True)


def _check_accidents(files: Mapping[str, pd.DataFrame]) -> None:
    keys = files["caracteristiques"][_KEY]
    for role, frame in files.items():
        malformed = ~frame[_KEY].str.fullmatch(r"(19|20)\d{8,12}")
        refuse(role, frame[_KEY], malformed, "is no number of an accident, which starts with its year; correct it")
        for one, other, from_, to in (
            (role, "caracteristiques", frame[_KEY], keys),
            ("caracteristiques", role, keys, frame[_KEY]),
        ):
            alone = from_[~from_.isin(to)].unique()
            if len(alone):
                raise UnreadableTable(
                    f"{one} and {other} don't belong together: {len(alone):,} accidents of {one}, such as {alone[0]},"
                    f" are not in {other}. Fetch the four files of one year, whole."
                )
    refuse("caracteristiques", keys, keys.duplicated(), "has a line already; keep one")


def _check_vehicles(worst: pd.DataFrame, vehicles: pd.DataFrame) -> None:
    found = pd.MultiIndex.from_frame(worst[[_KEY, _VEHICLE]]).isin(vehicles.index)
    if found.mean() < 1 / 2:
        raise UnreadableTable(
            f"usagers and vehicules don't belong together: {(~found).sum():,} of {len(found):,} users have an"
            f" {_VEHICLE} that vehicules lacks, such as {worst[_VEHICLE][~found].iloc[0]!r}. Fetch both files again."
        )


def _accidents(frame: pd.DataFrame) -> pd.DataFrame:
    role = "caracteristiques"
    table = _codes(role, frame, ("jour", "mois", "lum", "agg", "int", "atm", "col")).rename(columns={"agg": "agg_"})
    table["atm"] = _grouped(role, frame["atm"], table["atm"], _ATM)
    table["year_acc"] = frame[_KEY].str[:4].astype(np.float64)
    table["dep"] = _area(role, frame["dep"])
    table["com"] = _listed(_area(role, frame["com"]))
    table["hour"] = _hour(role, frame["hrmn"])
    for name in ("lat", "long"):
        table[name] = numbers(role, frame[name])
    nowhere = (table["lat"] == 0) & (table["long"] == 0)
    table.loc[nowhere, ["lat", "long"]] = np.nan
    return table.set_index(frame[_KEY])


def _places(frame: pd.DataFrame) -> pd.DataFrame:
    """Of an accident at a junction only the first road: since 2022 there is a line for each of them."""
    table = _codes("lieux", frame, ("catr", "circ", "surf", "situ", "vma"))
    table["vma"] = speed_limit(table["vma"])
    return table.set_index(frame[_KEY])[~frame[_KEY].duplicated().to_numpy()]


def _vehicles(frame: pd.DataFrame) -> pd.DataFrame:
    table = _codes("vehicules", frame, ("catv", "obsm", "motor"))
    table["catv"] = _grouped("vehicules", frame["catv"], table["catv"], _CATV)
    twice = frame.duplicated([_KEY, _VEHICLE])
    refuse("vehicules", frame[_VEHICLE], twice, f"stands more than once in its accident ({_KEY}); keep one")
    return table.set_index([frame[_KEY], frame[_VEHICLE]])


def _worst_hurt(frame: pd.DataFrame) -> pd.DataFrame:
    """One user an accident, the first in the file of those worst hurt, and `grav` as the class that follows.

    The class is missing where no user's injury is known.
    """
    table = _codes("usagers", frame, ("place", "catu", "sexe", "secu1", "grav", "an_nais"))
    severity = table["grav"].map(_SEVERITY)
    unknown = table["grav"].notna() & severity.isna()
    refuse("usagers", frame["grav"], unknown, "is no injury; known are 1 to 4, and -1 for one that isn't told")
    table[TARGET] = (severity >= _SERIOUS).astype(np.float64).where(severity.notna())
    table = table.assign(**frame[[_KEY, _VEHICLE]], severity=severity.fillna(-1))
    ordered = table.sort_values("severity", ascending=False, kind="stable")
    return ordered.drop_duplicates(_KEY).drop(columns="severity")


def _codes(role: str, frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Columns of codes as float64: NaN for -1 and, where the codes start at 1, for 0."""
    table = pd.DataFrame({name: numbers(role, frame[name]) for name in names})
    unknown = {name: [-1] if name in _ZERO_MEANS_NONE else [-1, 0] for name in names}
    return table.mask(table.isin(unknown))


def _grouped(
    role: str, cells: pd.Series[Any], codes: pd.Series[float], groups: Mapping[int, tuple[int, ...]]
) -> pd.Series[float]:
    grouped = codes.map({code: float(group) for group, members in groups.items() for code in members})
    refuse(role, cells, codes.notna() & grouped.isna(), "is a code that the data dictionary doesn't have; correct it")
    return grouped


def _area(role: str, cells: pd.Series[Any]) -> pd.Series[float]:
    """INSEE codes as numbers, as the predecessor has them: Corsica's 2A and 2B are 201 and 202, 2A004 is 201004."""
    spelt = cells.mask(cells.isin([_NO_COMMUNE, "-1"]), "")
    for letters, digits in _CORSICA.items():
        spelt = spelt.str.replace(f"^{letters}", digits, regex=True)
    return numbers(role, spelt)


def _listed(communes: pd.Series[float]) -> pd.Series[float]:
    """0 for every commune that the contract doesn't list: it had fewer than three accidents to learn from."""
    listed = np.loadtxt(_LISTED)
    return communes.where(communes.isna() | communes.isin(listed), _OTHER_COMMUNE)


def _hour(role: str, cells: pd.Series[Any]) -> pd.Series[float]:
    spelt = cells.mask(cells == "-1", "")
    hour = numbers(role, spelt.str.replace(r"^(\d{1,2}):\d{2}$", r"\g<1>00", regex=True)) // 100
    refuse(role, cells, (hour < 0) | (hour > _LAST_HOUR), "is no time such as 17:45; correct it, or empty it")
    return hour


def _age(years: pd.Series[float]) -> pd.Series[float]:
    return years.where(years.between(0, _OLDEST))
