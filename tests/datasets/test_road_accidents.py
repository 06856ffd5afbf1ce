from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components import PROJECT, table
from components.preparation.baac import FEATURES, prepare
from contract.document import load_contract
from contract.features import CategoricalFeature
from contract.schema import Contract
from datasets.road_accidents.generator import COLUMNS, HARD_SPACE, main

FOLDER = PROJECT / "datasets" / "road_accidents"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract(FOLDER / "contract.yaml")


@pytest.fixture(scope="module")
def made(contract: Contract) -> dict[str, bytes]:
    assert contract.training.made
    return {role: (FOLDER / location).read_bytes() for role, location in contract.training.made.files.items()}


@pytest.fixture(scope="module")
def rows(made: dict[str, bytes]) -> dict[str, list[dict[str, str]]]:
    return {role: list(csv.DictReader(content.decode().splitlines(), delimiter=";")) for role, content in made.items()}


@pytest.fixture(scope="module")
def frame(contract: Contract, made: dict[str, bytes]) -> pd.DataFrame:
    renamed = {feature.column: feature.name for feature in contract.features if feature.column}
    return table.typed(contract, prepare(made).rename(columns=renamed))


def test_the_generator_makes_the_shipped_files_again(made: dict[str, bytes], tmp_path: Path) -> None:
    assert main(["--accidents", "1200", "--seed", "0", str(tmp_path)]) == 0
    assert {path.stem: path.read_bytes() for path in tmp_path.iterdir()} == made
    assert sum(map(len, made.values())) < 700_000


def test_another_seed_makes_other_accidents(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        main(["--accidents", "3", "--seed", seed, str(tmp_path / seed)])
    assert (tmp_path / "1" / "usagers.csv").read_bytes() != (tmp_path / "2" / "usagers.csv").read_bytes()


def test_the_made_files_have_the_official_columns_and_oddities(rows: dict[str, list[dict[str, str]]]) -> None:
    assert {role: tuple(lines[0]) for role, lines in rows.items()} == COLUMNS
    accidents, users, vehicles = rows["caracteristiques"], rows["usagers"], rows["vehicules"]
    assert {"2A", "2B", "971"} <= {row["dep"] for row in accidents}
    assert all("," in row["lat"] and ":" in row["hrmn"] for row in accidents)
    assert {"500", "901", "-1"} <= {row["vma"] for row in rows["lieux"]}
    assert {row["larrout"] for row in rows["lieux"]} == {""}
    assert all(HARD_SPACE in row["id_vehicule"] for row in (*users, *vehicles))
    assert {row["id_vehicule"] for row in users} - {row["id_vehicule"] for row in vehicles}
    assert {"80", "99", "0"} <= {row["catv"] for row in vehicles}
    injuries: dict[str, set[str]] = {}
    for row in users:
        injuries.setdefault(row["Num_Acc"], set()).add(row["grav"])
    kinds = [frozenset(found) for found in injuries.values()]
    assert {frozenset({"1"}), frozenset({"-1"})} <= set(kinds)
    assert any({"2", "3"} <= found for found in kinds)
    assert len(users) > len(vehicles) > len(accidents)


def test_the_contract_accepts_every_made_row(contract: Contract, frame: pd.DataFrame) -> None:
    assert table.encode(contract, frame).violations == ()
    assert not np.isnan(table.classes(contract, frame)).any()
    assert 1190 < len(frame) < 1200


def test_about_a_third_has_priority_and_it_can_be_foretold(contract: Contract, frame: pd.DataFrame) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import cross_val_predict

    labels = table.target(contract, frame)
    assert 0.3 < labels.mean() < 0.42
    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, random_state=0)
    matrix = table.encode(contract, frame).matrix
    foretold = cross_val_predict(model, matrix, labels, cv=3, method="predict_proba")[:, 1]
    assert 0.78 < roc_auc_score(labels, foretold) < 0.92


def test_the_contract_has_the_columns_that_the_preparation_makes(contract: Contract) -> None:
    assert tuple(feature.column or feature.name for feature in contract.features) == FEATURES
    assert contract.suspects == ("place", "catu", "sexe", "secu1", "victim_age")


def test_the_contract_lists_the_communes_that_the_preparation_leaves(contract: Contract) -> None:
    (communes,) = (feature for feature in contract.features if feature.name == "com")
    assert isinstance(communes, CategoricalFeature)
    listed = np.loadtxt(PROJECT / "components" / "preparation" / "communes.txt", dtype=int)
    assert list(communes.values) == [0, *listed]
