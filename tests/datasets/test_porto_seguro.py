"""Porto Seguro's contract, and the made-up rows that stand in for its table: what they share with it, and what not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.stats import norm
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from components.ingest import ingest_source, is_made
from contract.document import load_contract
from contract.encoding import Encoder
from contract.features import BooleanFeature, CategoricalFeature, IntegerFeature, NumericFeature
from datasets.porto_seguro import generator
from datasets.porto_seguro.claims import added, claim_probability
from datasets.porto_seguro.generator import FEATURES, GAPS, blocks, main
from datasets.porto_seguro.marginals import MARGINALS, Levels

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from contract.schema import Contract

FOLDER = Path(generator.__file__).parent
SHIPPED = FOLDER / "made.parquet"
ROWS, POSITIVES = 595_212, 21_694
MISSING = {
    "ps_ind_02_cat": 216,
    "ps_ind_04_cat": 83,
    "ps_ind_05_cat": 5_809,
    "ps_reg_03": 107_772,
    "ps_car_01_cat": 107,
    "ps_car_02_cat": 5,
    "ps_car_03_cat": 411_231,
    "ps_car_05_cat": 266_551,
    "ps_car_07_cat": 11_489,
    "ps_car_09_cat": 569,
    "ps_car_11": 5,
    "ps_car_12": 1,
    "ps_car_14": 42_620,
}
SIGMAS = 5
"""Standard errors that a share may be off: chance does that once in 1.7 million times."""


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """On a busy machine threads that wait for each other take most of the time."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract(FOLDER / "contract.yaml")


@pytest.fixture(scope="module")
def many() -> pd.DataFrame:
    """Enough rows for rare things to happen: 300,000, of another seed than the shipped ones."""
    frame: pd.DataFrame = pa.concat_tables(list(blocks(300_000, seed=1))).to_pandas()
    return frame


def test_the_generator_makes_the_shipped_rows_again(tmp_path: Path) -> None:
    assert main(["--rows", "20000", "--seed", "0", str(tmp_path / "again.parquet")]) == 0
    again, shipped = parquet.read_table(tmp_path / "again.parquet"), parquet.read_table(SHIPPED)
    assert again.schema.equals(shipped.schema)
    assert again.equals(shipped)


def test_the_shipped_file_is_small_and_compactly_typed() -> None:
    assert SHIPPED.stat().st_size < 1_000_000
    types = {str(field.type) for field in parquet.read_schema(SHIPPED)}
    assert types == {"int32", "int8", "double"}
    assert not any(column.null_count for column in parquet.read_table(SHIPPED).columns), "-1 is what is missing"


def test_a_seed_makes_its_own_rows_and_always_the_same() -> None:
    first, again, other = (next(blocks(500, seed)) for seed in (3, 3, 4))
    assert first.equals(again)
    assert not first.equals(other)


def test_a_table_of_several_blocks_is_written_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "BLOCK", 400)
    assert main(["--rows", "1000", str(tmp_path / "rows.parquet")]) == 0
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert table.num_rows == 1000
    ids = table["id"].to_numpy()
    assert (np.diff(ids) > 0).all(), "ids go on from block to block"
    first, second = (table.slice(start, 400)["ps_car_13"].to_pylist() for start in (0, 400))
    assert first != second, "no block repeats another"


def test_a_file_that_cannot_be_written_is_an_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--rows", "10", "/no/such/folder/made.parquet"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("/no/such/folder/made.parquet: can't be written")
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--rows", "0"], ["--seed", "-1"], ["--rows", "many"]])
def test_a_number_that_makes_no_table_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*arguments, "made.parquet"])
    assert arguments[0] in capsys.readouterr().err


def test_the_columns_are_those_of_the_contract_in_its_order(contract: Contract) -> None:
    assert [*FEATURES] == contract.feature_names
    assert len(FEATURES) == 57
    assert parquet.read_schema(SHIPPED).names == ["id", "target", *FEATURES]


def test_kinds_follow_the_suffixes(contract: Contract) -> None:
    for feature in contract.features:
        if feature.name.endswith("_cat"):
            assert isinstance(feature, CategoricalFeature), feature.name
        elif feature.name.endswith("_bin"):
            assert isinstance(feature, BooleanFeature), feature.name
        else:
            assert isinstance(feature, NumericFeature | IntegerFeature), feature.name


def test_only_what_misses_in_the_real_table_may_miss(contract: Contract) -> None:
    assert {feature.name for feature in contract.features if feature.missing.allowed} == set(MISSING)
    assert all(feature.missing.markers == ((-1,) if feature.missing.allowed else ()) for feature in contract.features)
    informative = {feature.name for feature in contract.features if feature.missing.informative}
    assert informative == {name for name, count in MISSING.items() if count / ROWS > 0.009}


def test_the_contract_answers_every_made_row_and_finds_none_unusual(contract: Contract, many: pd.DataFrame) -> None:
    encoded = Encoder(contract.features).from_columns({name: many[name].to_numpy() for name in FEATURES})
    assert not encoded.violations
    assert not encoded.unusual.any()
    assert (np.isnan(encoded.matrix) == (many[[*FEATURES]] == -1).to_numpy()).all()


def test_the_contract_knows_every_code_and_no_more(contract: Contract) -> None:
    for feature in contract.features:
        if isinstance(feature, CategoricalFeature):
            marginal = MARGINALS[feature.name]
            assert isinstance(marginal, Levels)
            assert sorted(marginal.values.tolist()) == list(feature.values), feature.name


def test_a_file_of_kaggles_form_is_read_and_the_made_rows_are_left_alone(contract: Contract, tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path)
    rows = next(blocks(200, seed=5)).to_pandas()
    rows.to_csv(tmp_path / "train.csv", index=False)
    assert not is_made(contract.training, tmp_path)
    frame, _ = ingest_source(contract, contract.training, tmp_path)
    assert len(frame) == 200
    assert frame["ps_reg_03"].isna().equals(rows["ps_reg_03"] == -1)
    assert frame["ps_car_13"].tolist() == pytest.approx(rows["ps_car_13"].tolist(), rel=1e-14)


def test_without_that_file_the_made_rows_stand_in_loudly(
    contract: Contract, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(SHIPPED, tmp_path)
    assert is_made(contract.training, tmp_path)
    frame, _ = ingest_source(contract, contract.training, tmp_path)
    assert "MADE" in capsys.readouterr().out
    shipped = parquet.read_table(SHIPPED).to_pandas()
    assert len(frame) == len(shipped) == 20_000
    assert not (frame[[*FEATURES]] == -1).any(axis=None)
    assert frame["ps_car_03_cat"].isna().equals(shipped["ps_car_03_cat"] == -1)


def is_near(share: float, expected: float, rows: int) -> bool:
    return bool(abs(share - expected) <= SIGMAS * np.sqrt(expected * (1 - expected) / rows))


def test_claims_are_as_frequent_as_in_the_real_table(many: pd.DataFrame) -> None:
    assert is_near(many["target"].mean(), POSITIVES / ROWS, len(many))
    shipped = parquet.read_table(SHIPPED)["target"].to_numpy()
    assert is_near(shipped.mean(), POSITIVES / ROWS, len(shipped))


def test_as_much_is_missing_as_in_the_real_table_and_nothing_else(many: pd.DataFrame) -> None:
    missing = (many[[*FEATURES]] == -1).mean()
    for name, count in MISSING.items():
        assert is_near(missing[name], count / ROWS, len(many)), name
    assert set(missing.index[missing > 0]) <= set(MISSING)


def test_what_is_assumed_to_be_missing_together_is(many: pd.DataFrame) -> None:
    missing = many[list(MISSING)] == -1
    assert missing.loc[missing["ps_car_05_cat"], "ps_car_03_cat"].mean() > 0.9
    assert missing.loc[missing["ps_ind_04_cat"], "ps_ind_02_cat"].mean() > 0.3
    alone = [*GAPS[""]]
    assert not missing[alone].all(axis=1).any()
    assert missing.loc[missing[alone].any(axis=1), "ps_ind_02_cat"].sum() == 0


@pytest.mark.parametrize(
    ("name", "mean", "deviation"),
    [
        ("ps_ind_01", 1.900, 1.984),
        ("ps_ind_03", 4.423, 2.700),
        ("ps_ind_15", 7.300, 3.546),
        ("ps_reg_01", 0.611, 0.288),
        ("ps_reg_02", 0.439, 0.404),
        ("ps_reg_03", 0.551, 0.794),
        ("ps_car_11_cat", 62.2, 33.0),
        ("ps_car_12", 0.380, 0.058),
        ("ps_car_13", 0.813, 0.225),
        ("ps_car_14", 0.276, 0.357),
        ("ps_car_15", 3.066, 0.731),
        ("ps_calc_04", 2.372, 1.117),
        ("ps_calc_08", 9.226, 1.460),
        ("ps_calc_10", 8.434, 2.905),
        ("ps_calc_13", 2.872, 1.695),
    ],
)
def test_means_and_deviations_are_those_reported_of_the_real_table(
    many: pd.DataFrame, name: str, mean: float, deviation: float
) -> None:
    assert many[name].mean() == pytest.approx(mean, rel=0.03)
    assert many[name].std() == pytest.approx(deviation, rel=0.03)


def test_columns_that_belong_together_do(many: pd.DataFrame) -> None:
    kinds = many[[f"ps_ind_{number:02}_bin" for number in range(6, 10)]].sum(axis=1)
    assert (kinds == 1).all()
    assert (many[["ps_ind_16_bin", "ps_ind_17_bin", "ps_ind_18_bin"]].sum(axis=1) <= 1).all()
    assert (many["ps_ind_14"] == many[[f"ps_ind_{number}_bin" for number in range(10, 14)]].sum(axis=1)).all()
    present = many[many["ps_reg_03"] != -1]
    assert present["ps_reg_02"].corr(present["ps_reg_03"]) == pytest.approx(0.7, abs=0.07)
    assert many["ps_car_12"].corr(many["ps_car_13"]) == pytest.approx(0.67, abs=0.07)
    squares = (present["ps_reg_03"] * 40) ** 2
    assert np.allclose(squares, squares.round()), "square roots of whole numbers, over 40"


def gini(target: pd.Series[int], scores: np.ndarray) -> float:
    return float(2 * roc_auc_score(target, scores) - 1)


def test_the_rule_behind_the_claims_allows_a_weak_model_and_no_better(many: pd.DataFrame) -> None:
    columns = {name: many[name].to_numpy() for name in FEATURES}
    assert 0.28 <= gini(many["target"], claim_probability(columns)) <= 0.32, "nothing can foretell them better"
    assert 0.22 <= gini(many["target"], added(columns)) <= 0.27, "nothing that only adds up"


def test_the_calculated_columns_have_no_part_in_that_rule(many: pd.DataFrame) -> None:
    columns = {name: many[name].to_numpy() for name in FEATURES}
    shuffled = {name: values[::-1] if "_calc_" in name else values for name, values in columns.items()}
    assert (claim_probability(columns) == claim_probability(shuffled)).all()


def test_models_reach_what_so_few_rows_allow(many: pd.DataFrame) -> None:
    learnt, judged = many[:40_000], many[100_000:]
    codes = [name for name in FEATURES if name.endswith("_cat")]
    numbers = [name for name in FEATURES if name not in codes and "_calc_" not in name]
    prepare = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), codes), (MinMaxScaler(), numbers))
    logistic = make_pipeline(prepare, LogisticRegression(C=0.1, max_iter=500))
    trees = HistGradientBoostingClassifier(learning_rate=0.1, max_iter=50, max_leaf_nodes=8, random_state=0)
    for model in (logistic, trees):
        model.fit(learnt[[*FEATURES]], learnt["target"])
        assert 0.19 <= gini(judged["target"], model.predict_proba(judged[[*FEATURES]])[:, 1]) <= 0.28, model


def test_the_calculated_columns_alone_foretell_nothing(many: pd.DataFrame) -> None:
    learnt, judged = many[:40_000], many[100_000:]
    calculated = [name for name in FEATURES if "_calc_" in name]
    model = HistGradientBoostingClassifier(max_iter=20, max_leaf_nodes=8, random_state=0)
    model.fit(learnt[calculated], learnt["target"])
    assert abs(gini(judged["target"], model.predict_proba(judged[calculated])[:, 1])) < 0.03


def test_a_draw_becomes_the_value_whose_share_it_falls_into() -> None:
    levels = MARGINALS["ps_ind_04_cat"]
    edge = norm.ppf(346_965 / (346_965 + 248_164))
    assert levels.at(np.array([edge - 1e-9, edge + 1e-9])).tolist() == [0, 1]
