"""Make up rows of the shape of Porto Seguro's table. Nobody observed these rows: they say nothing about any driver.

The real table can't be shipped (see README.md), so these stand in for it: to try the system, to test it, and to measure
it at any size. They share the real table's columns, codes, distributions (`marginals`), shares of missing cells and
rate of claims, and its claims can be foretold about as well (`claims`). Which columns move together, which miss
together, and what brings claims are assumed: none of it was measured on the real table.

`python -m datasets.porto_seguro.generator --rows 20000 --seed 0 made.parquet` makes the file beside this one.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from datasets.porto_seguro.claims import claim_probability
from datasets.porto_seguro.marginals import MARGINALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Columns = dict[str, npt.NDArray[Any]]

BLOCK = 100_000
"""Rows that are made, and written, at once, so that memory doesn't grow with their number."""

FEATURES = (
    *("ps_ind_01", "ps_ind_02_cat", "ps_ind_03", "ps_ind_04_cat", "ps_ind_05_cat"),
    *(f"ps_ind_{number:02}_bin" for number in range(6, 14)),
    *("ps_ind_14", "ps_ind_15", "ps_ind_16_bin", "ps_ind_17_bin", "ps_ind_18_bin"),
    *("ps_reg_01", "ps_reg_02", "ps_reg_03"),
    *(f"ps_car_{number:02}_cat" for number in range(1, 12)),
    *(f"ps_car_{number:02}" for number in range(11, 16)),
    *(f"ps_calc_{number:02}" for number in range(1, 15)),
    *(f"ps_calc_{number:02}_bin" for number in range(15, 21)),
)
"""The real table's columns after `id` and `target`, in its order."""

SUMMED = tuple(f"ps_ind_{number}_bin" for number in range(10, 14))
"""What `ps_ind_14` adds up."""

LOADINGS = {
    "region": {"ps_reg_01": 0.75, "ps_reg_02": 0.8, "ps_reg_03": 0.93},
    "car": {"ps_car_12": 0.85, "ps_car_13": 0.85, "ps_car_14": 0.65, "ps_car_15": 0.8, "ps_car_11": 0.2}
    | {"ps_car_02_cat": -0.6, "ps_car_04_cat": 0.5, "ps_car_06_cat": 0.35, "ps_car_08_cat": -0.2, "ps_car_01_cat": 0.2},
    "driver": {"ps_ind_01": 0.45, "ps_ind_03": 0.45, "ps_ind_02_cat": 0.2},
    "policy": {"ps_ind_15": 0.8},
    "rare": dict.fromkeys(SUMMED, 0.85),
}
"""Columns that move together: how closely each follows what they have in common, -1 to 1. Assumed."""

KINDS = {"ps_ind_06_bin": 0.393742, "ps_ind_07_bin": 0.257033, "ps_ind_08_bin": 0.163921, "ps_ind_09_bin": 0.185304}
"""In every row exactly one of these is 1: their means in the real table add up to 1."""
POLICIES = {"ps_ind_18_bin": 0.153446, "ps_ind_17_bin": 0.121081, "": 0.06465, "ps_ind_16_bin": 0.660823}
"""In every row at most one of these is 1."""

GAPS = {
    "car_record": {"ps_car_03_cat": (411_231, 0.9), "ps_car_05_cat": (266_551, 0.9), "ps_reg_03": (107_772, 0.15)},
    "form": {"ps_ind_02_cat": (216, 0.97), "ps_ind_04_cat": (83, 0.97), "ps_car_01_cat": (107, 0.97)}
    | {"ps_ind_05_cat": (5_809, 0.6), "ps_car_07_cat": (11_489, 0.6), "ps_car_09_cat": (569, 0.8)}
    | {"ps_car_14": (42_620, 0.3)},
    "": {"ps_car_02_cat": (5, 0.0), "ps_car_11": (5, 0.0), "ps_car_12": (1, 0.0)},
}
"""Columns that miss together: in how many of `ROWS` rows each does, and, assumed, how closely it follows the others."""
ROWS = 595_212
"""Rows of the real training table."""

_NORMAL = NormalDist()


def blocks(rows: int, seed: int = 0) -> Iterator[pa.Table]:
    """The made table, block by block: `id` int32, `target` and codes int8, all else float64; -1 is missing.

    The same `rows` and `seed` (0 or more) make the same table.
    """
    last = 0
    for block, start in enumerate(range(0, rows, BLOCK)):
        columns = _block(np.random.default_rng([seed, block]), min(BLOCK, rows - start))
        columns["id"] = np.cumsum(columns["id"], dtype=np.int32) + last
        last = columns["id"][-1]
        yield pa.table({name: columns[name] for name in ("id", "target", *FEATURES)})


def _block(rng: np.random.Generator, rows: int) -> Columns:
    """One block's columns of shape (rows,); `id` is still the step from the row before."""
    common = {name: rng.standard_normal(rows) for name in LOADINGS}
    follows = {column: (name, loading) for name, columns in LOADINGS.items() for column, loading in columns.items()}
    columns: Columns = {}
    for column, marginal in MARGINALS.items():
        name, loading = follows.get(column, ("", 0.0))
        columns[column] = marginal.at(_following(rng, common.get(name), loading, rows))
    columns |= _one_of(KINDS, rng.standard_normal(rows))
    columns |= _one_of(POLICIES, _following(rng, common["policy"], 0.8, rows))
    columns["ps_ind_14"] = np.stack([columns[name] for name in SUMMED]).sum(axis=0, dtype=np.int8)
    for gaps in GAPS.values():
        shared = rng.standard_normal(rows)
        for column, (count, loading) in gaps.items():
            missing = _following(rng, shared, loading, rows) < _NORMAL.inv_cdf(count / ROWS)
            columns[column][missing] = -1
    columns["target"] = (rng.random(rows) < claim_probability(columns)).astype(np.int8)
    columns["id"] = rng.integers(1, 5, rows, dtype=np.int32)
    return columns


def _following(rng: np.random.Generator, common: Array | None, loading: float, rows: int) -> Array:
    """Standard normal draws of shape (rows,) that correlate with `common` by `loading`."""
    own = rng.standard_normal(rows)
    return own if common is None else loading * common + np.sqrt(1 - loading**2) * own


def _one_of(shares: dict[str, float], draws: Array) -> Columns:
    """Indicators, of which the share of the distribution that a draw falls into sets one; "" has no column."""
    edges = [_NORMAL.inv_cdf(share) for share in np.cumsum(list(shares.values()))[:-1]]
    chosen = np.searchsorted(edges, draws)
    return {name: (chosen == position).astype(np.int8) for position, name in enumerate(shares) if name}


def write(path: Path, rows: int, seed: int = 0) -> None:
    """Make a table and write it as Parquet, a block at a time. Raises `OSError` where that can't be written."""
    tables = blocks(rows, seed)
    first = next(tables)
    with parquet.ParquetWriter(path, first.schema, compression="zstd", compression_level=19) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 fine, 1 a file that can't be written."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.porto_seguro.generator",
        description="Make up rows of the shape of Porto Seguro's table, and write them as Parquet.",
    )
    parser.add_argument("--rows", type=_at_least(1), default=20_000, help="rows to make (default: %(default)s)")
    parser.add_argument("--seed", type=_at_least(0), default=0, help="the same seed makes the same rows (default: 0)")
    parser.add_argument("path", type=Path, metavar="FILE", help="the Parquet file to write")
    options = parser.parse_args(arguments)
    try:
        write(options.path, options.rows, options.seed)
    except OSError as error:
        print(f"{options.path}: can't be written: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{options.path}: {options.rows:,} rows, all made up")
    return 0


def _at_least(lowest: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if value < lowest:
            raise argparse.ArgumentTypeError(f"must be at least {lowest}, not {value}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
