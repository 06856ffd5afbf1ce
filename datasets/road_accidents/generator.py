"""Make up the four files of a year of road accidents (BAAC), in the layout of 2021. None of these accidents happened.

The official files are too large to ship, so these stand in for them: to try the system and to test it. They have the
official columns, codes and oddities (Corsica's 2A, decimal commas, -1, ids with a space that doesn't break, speed
limits with a digit too many, users without a vehicle), and a severity that can be foretold nearly as well.
Where things happen and how often is roughly as in the real files; which goes with which is assumed.

`python -m datasets.road_accidents.generator --accidents 1200 --seed 0 DIR` makes the files in `made/`.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = {
    "caracteristiques": (
        "Num_Acc", "jour", "mois", "an", "hrmn", "lum", "dep", "com", "agg", "int", "atm", "col", "adr", "lat", "long",
    ),
    "lieux": (
        "Num_Acc", "catr", "voie", "v1", "v2", "circ", "nbv", "vosp", "prof", "pr", "pr1", "plan", "lartpc", "larrout",
        "surf", "infra", "situ", "vma",
    ),
    "usagers": (
        "Num_Acc", "id_vehicule", "num_veh", "place", "catu", "grav", "sexe", "an_nais", "trajet", "secu1", "secu2",
        "secu3", "locp", "actp", "etatp",
    ),
    "vehicules": (
        "Num_Acc", "id_vehicule", "num_veh", "senc", "catv", "obs", "obsm", "choc", "manv", "motor", "occutc",
    ),
}  # fmt: skip
"""The official columns of each file, in their order."""

YEAR = 2021
HARD_SPACE = "\N{NO-BREAK SPACE}"

PEDESTRIAN = 3
"""What a user was, `catu`; in the vehicles' `obsm`, 1 is a pedestrian who was hit."""
PEDESTRIAN_PLACE = 10
ON_TWO_WHEELS = frozenset({1, 2, 30, 33, 36, 50, 80})
"""Of the categories of vehicle below, those that protect nobody."""
NIGHT_WITHOUT_LAMPS = 3
HEAD_ON = 1
SUNRISE, SUNSET = 6, 20
FASTEST_ROAD = 90
"""Km/h; above it are motorways."""
OLD = 65
SMALL_PLACE = 0.5
"""Places of this severity are small ones, and roads in them are rarely built up."""
KILLED, HOSPITALISED, SLIGHTLY_HURT = 4.4, 2.1, 0.0
"""From which height of the drawn score on."""


class Place(NamedTuple):
    """A commune: its codes, where it is, how often accidents happen there, and how its police record injuries."""

    dep: str
    com: str
    lat: float
    long: float
    weight: float
    severity: float


PLACES = (
    Place("75", "75116", 48.860, 2.262, 8, -0.9),
    Place("75", "75112", 48.835, 2.420, 8, -0.9),
    Place("93", "93066", 48.936, 2.357, 6, -0.6),
    Place("92", "92050", 48.892, 2.207, 5, -0.5),
    Place("94", "94028", 48.791, 2.463, 4, -0.6),
    Place("31", "31555", 43.604, 1.444, 6, 0.4),
    Place("35", "35238", 48.111, -1.680, 5, -0.3),
    Place("49", "49007", 47.474, -0.552, 5, -0.6),
    Place("59", "59350", 50.637, 3.063, 6, -0.4),
    Place("67", "67482", 48.573, 7.752, 5, -0.2),
    Place("13", "13215", 43.361, 5.369, 5, 0.2),
    Place("69", "69383", 45.754, 4.869, 5, -0.3),
    Place("33", "33063", 44.837, -0.579, 5, 0.0),
    Place("06", "06088", 43.710, 7.262, 4, 0.3),
    Place("2A", "2A004", 41.927, 8.737, 3, 0.8),
    Place("2B", "2B033", 42.697, 9.450, 3, 0.8),
    Place("971", "97101", 16.270, -61.505, 3, 0.5),
    Place("973", "97302", 4.937, -52.326, 4, -0.2),
    Place("974", "97411", -20.882, 55.450, 4, 0.1),
    Place("988", "98818", -22.276, 166.457, 3, 1.0),
    # Villages, where accidents are few and far from help.
    Place("01", "01001", 46.153, 4.926, 4, 0.7),
    Place("23", "23001", 46.087, 2.170, 4, 1.0),
    Place("48", "48002", 44.620, 3.731, 4, 0.9),
    Place("89", "89002", 47.797, 4.118, 4, 0.8),
)

LIMITS = {False: ((80, 0.5), (90, 0.25), (110, 0.15), (130, 0.1)), True: ((50, 0.74), (30, 0.18), (70, 0.08))}
"""Speed limits outside built-up areas and in them."""

SLIPS = {50: "500", 90: "901", 30: "3", 80: "800", 70: "770"}
"""How a speed limit is mistyped: some can be put right, some can't."""


class Maker:
    """Draws one accident after another; the same seed makes the same files."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._weights = np.array([place.weight for place in PLACES]) / sum(place.weight for place in PLACES)
        self._vehicles = 201_000
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}

    def accident(self, number: int) -> None:
        """Add the lines of one accident to all four files."""
        key = f"{YEAR}{number:08}"
        place = PLACES[self._random.choice(len(PLACES), p=self._weights)]
        hour = int(self._random.normal(15, 5.5)) % 24
        dark = not SUNRISE <= hour <= SUNSET
        built_up = self._chance(0.85 if place.severity < SMALL_PLACE else 0.35)
        limit = self._one_of(LIMITS[built_up])
        collision = self._one_of(((1, 0.1), (2, 0.14), (3, 0.32), (4, 0.04), (5, 0.03), (6, 0.27), (7, 0.1)))
        vehicles = 1 if collision in {6, 7} else 3 if collision in {4, 5} else 2
        lum = (5 if built_up else NIGHT_WITHOUT_LAMPS) if dark else self._one_of(((1, 0.92), (2, 0.08)))
        self._add(
            "caracteristiques", Num_Acc=key, jour=self._random.integers(1, 29), mois=self._random.integers(1, 13),
            an=YEAR, hrmn=f"{hour:02}:{self._random.integers(0, 60):02}", lum=lum, dep=place.dep, com=place.com,
            agg=2 if built_up else 1, int=self._one_of(((1, 0.62), (2, 0.14), (3, 0.13), (6, 0.06), (9, 0.05))),
            atm=self._one_of(((1, 0.78), (2, 0.1), (3, 0.03), (8, 0.05), (9, 0.02), (5, 0.01), (-1, 0.01))),
            col=collision if self._chance(0.99) else -1, adr="A MADE UP ROAD",
            lat=self._degrees(place.lat), long=self._degrees(place.long),
        )  # fmt: skip
        self._road(key, limit, built_up=built_up)
        danger = place.severity + (limit - 60) / 40 + 0.5 * (lum == NIGHT_WITHOUT_LAMPS) + 0.8 * (collision == HEAD_ON)
        self._users([self._vehicle(key, letter, vehicles) for letter in "ABC"[:vehicles]], danger)

    def _road(self, key: str, limit: int, *, built_up: bool) -> None:
        category = self._one_of(((4, 0.7), (3, 0.25), (7, 0.05))) if built_up else 1 if limit > FASTEST_ROAD else 3
        shown = SLIPS[limit] if limit in SLIPS and self._chance(0.01) else limit if self._chance(0.98) else -1
        self._add(
            "lieux", Num_Acc=key, catr=category, voie="D 1", v1=0, v2="",
            circ=self._or_unknown(3 if limit > FASTEST_ROAD else 2), nbv=2, vosp=0, prof=1, pr="(1)", pr1="(1)",
            plan=1, lartpc="", larrout="", surf=self._one_of(((1, 0.8), (2, 0.17), (7, 0.01), (-1, 0.02))), infra=0,
            situ=self._one_of(((1, 0.88), (3, 0.08), (4, 0.02), (0, 0.01), (-1, 0.01))), vma=shown,
        )  # fmt: skip

    def _vehicle(self, key: str, letter: str, vehicles: int) -> dict[str, Any]:
        self._vehicles += 1
        catv = self._one_of(
            ((7, 0.58), (33, 0.1), (30, 0.06), (2, 0.04), (1, 0.06), (80, 0.01), (50, 0.03), (10, 0.06), (14, 0.02),
             (37, 0.01), (36, 0.01), (99, 0.01), (0, 0.01))
        )  # fmt: skip
        vehicle = {
            "Num_Acc": key,
            "id_vehicule": f"{self._vehicles // 1000}{HARD_SPACE}{self._vehicles % 1000:03}",
            "num_veh": f"{letter}01",
            "catv": catv,
        }
        motor = 5 if catv == 1 else self._one_of(((1, 0.93), (2, 0.02), (3, 0.03), (0, 0.01), (-1, 0.01)))
        obsm = 2 if vehicles > 1 else self._one_of(((0, 0.5), (1, 0.48), (6, 0.02)))
        self._add(
            "vehicules", **vehicle, senc=1, obs=0, obsm=self._or_unknown(obsm), choc=1, manv=1,
            motor=motor, occutc="",
        )  # fmt: skip
        return {**vehicle, "obsm": obsm}

    def _users(self, vehicles: Sequence[Mapping[str, Any]], danger: float) -> None:
        users = []
        for vehicle in vehicles:
            users.append(self._user(vehicle, danger, catu=1, place=1))
            users += [self._user(vehicle, danger, catu=2, place=2) for _ in range(self._random.binomial(2, 0.2))]
            if vehicle["obsm"] == 1:
                users.append(self._user(vehicle, danger, catu=PEDESTRIAN, place=PEDESTRIAN_PLACE))
        unhurt = all(user["grav"] == 1 for user in users)
        if unhurt and self._chance(0.9):  # an accident is recorded because somebody was hurt, nearly always
            users[0]["grav"] = 4
        if self._chance(0.002):  # no vehicle of this number, as where a driver fled
            users[0]["id_vehicule"] = f"999{HARD_SPACE}999"
        if self._chance(0.002):
            for user in users:
                user["grav"] = -1
        for user in users:
            self._add("usagers", **user)

    def _user(self, vehicle: Mapping[str, Any], danger: float, *, catu: int, place: int) -> dict[str, Any]:
        age = int(np.clip(self._random.gamma(4, 10), 1, 100))
        exposed = catu == PEDESTRIAN or vehicle["catv"] in ON_TWO_WHEELS
        secured = self._chance(0.9)
        equipment = (2 if catu != PEDESTRIAN else 0) if exposed else 1
        hurt = (
            danger
            + (1.4 if exposed else -0.6)
            + (0.0 if secured else 0.8)
            + (0.7 if age > OLD else 0.0)
            + self._random.logistic(0, 0.9)
        )
        grav = 2 if hurt > KILLED else 3 if hurt > HOSPITALISED else 4 if hurt > SLIGHTLY_HURT else 1
        return {
            "Num_Acc": vehicle["Num_Acc"], "id_vehicule": vehicle["id_vehicule"], "num_veh": vehicle["num_veh"],
            "place": place, "catu": catu, "grav": grav, "sexe": self._one_of(((1, 0.68), (2, 0.31), (-1, 0.01))),
            "an_nais": YEAR - age if self._chance(0.985) else "",
            "trajet": self._one_of(((5, 0.6), (1, 0.3), (0, 0.1))),
            "secu1": self._or_unknown(equipment if secured else self._one_of(((0, 0.5), (8, 0.5)))),
            "secu2": " -1", "secu3": "-1", "locp": 3 if catu == PEDESTRIAN else "-1", "actp": " -1", "etatp": "-1",
        }  # fmt: skip

    def _add(self, file: str, **row: Any) -> None:
        self.rows[file].append(row)

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _or_unknown(self, code: int) -> int:
        return code if self._chance(0.985) else -1

    def _one_of(self, shares: Sequence[tuple[int, float]]) -> int:
        codes, weights = zip(*shares, strict=True)
        total = sum(weights)
        return int(self._random.choice(codes, p=[weight / total for weight in weights]))

    def _degrees(self, centre: float) -> str:
        return f"{centre + self._random.normal(0, 0.03):.8f}".replace(".", ",")


def make(accidents: int, seed: int, folder: Path) -> None:
    """Write the four files, named after their roles, to `folder`."""
    maker = Maker(seed)
    for number in range(1, accidents + 1):
        maker.accident(number)
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in COLUMNS.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.DictWriter(file, columns, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
            lines.writeheader()
            lines.writerows(maker.rows[name])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m datasets.road_accidents.generator", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the four files go")
    parser.add_argument("--accidents", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    make(options.accidents, options.seed, options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
