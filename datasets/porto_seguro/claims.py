"""Who claims: the made-up rule by which the generator's rows get their target.

It was not learnt from the real table, which wasn't at hand: which column does what is assumed, and the sizes are set so
that models reach about the Gini that they reach there. One part adds up in log-odds, which a logistic regression on
indicators can learn; the other bends and combines columns, which takes trees. The calculated columns have no part in
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Columns = Mapping[str, npt.NDArray[Any]]

INTERCEPT = -3.537
"""Log-odds of the row to which all else adds nothing; sets the rate of positives to that of the real table, 3.64 %."""
ADDED = 0.78
"""Weight of what adds up."""
COMBINED = 2.4
"""Weight of what bends and combines."""

_SLOPES = {
    "ps_ind_01": (1.90, 0.03),
    "ps_ind_07_bin": (0.257, 0.19),
    "ps_ind_06_bin": (0.394, -0.13),
    "ps_ind_08_bin": (0.164, 0.08),
    "ps_ind_15": (7.30, -0.03),
    "ps_ind_16_bin": (0.661, -0.06),
    "ps_ind_17_bin": (0.121, 0.36),
    "ps_reg_01": (0.611, 0.15),
    "ps_reg_02": (0.439, 0.20),
    "ps_reg_03": (0.894, 0.28),
    "ps_car_13": (0.813, 0.75),
    "ps_car_15": (3.066, 0.06),
}
"""Column: (its mean, change of log-odds by unit)."""

_CODES = {
    "ps_ind_02_cat": {-1: 0.5, 2: 0.02, 3: 0.03, 4: 0.08},
    "ps_ind_04_cat": {-1: 1.0, 1: 0.11},
    "ps_ind_05_cat": {-1: 0.75, 1: 0.2, 2: 0.6, 3: 0.05, 4: 0.35, 5: 0.2, 6: 0.4},
    "ps_car_01_cat": {-1: 1.2, 0: 0.3, 1: 0.25, 2: 0.25, 3: 0.05, 5: -0.1, 6: 0.08, 7: -0.08, 9: 0.2, 10: 0.05},
    "ps_car_02_cat": {0: 0.12},
    "ps_car_03_cat": {-1: -0.12, 1: 0.08},
    "ps_car_04_cat": {1: 0.2, 2: 0.3, 3: 0.2, 6: 0.15, 8: 0.3, 9: 0.25},
    "ps_car_05_cat": {-1: -0.05, 1: 0.06},
    "ps_car_07_cat": {-1: 0.6, 0: 0.35},
    "ps_car_08_cat": {0: 0.08},
    "ps_car_09_cat": {-1: 0.4, 1: 0.15, 2: -0.02, 3: 0.03, 4: 0.15},
    "ps_car_11": {0: 0.15, 1: 0.08},
    "ps_car_06_cat": {code: 0.06 * float(np.sin(5.0 * code)) for code in range(18)},
    "ps_car_11_cat": {code: 0.12 * float(np.sin(2.4 * code)) for code in range(1, 105)},
}
"""Column: change of log-odds by code; a code that isn't here changes nothing."""


def claim_probability(columns: Columns) -> Array:
    """The probability that each row's driver claims, float64 of shape (rows,), from the table's columns as written."""
    log_odds = INTERCEPT + ADDED * added(columns) + COMBINED * combined(columns)
    return 1 / (1 + np.exp(-log_odds))


def added(columns: Columns) -> Array:
    """What each column adds by itself to the log-odds, in steps or by code: float64 of shape (rows,)."""
    total = np.zeros(len(columns["ps_ind_01"]))
    for name, (mean, slope) in _SLOPES.items():
        total += slope * np.where(columns[name] == -1, 0, columns[name] - mean)
    for name, changes in _CODES.items():
        by_code = np.zeros(106)
        by_code[[code + 1 for code in changes]] = list(changes.values())
        total += by_code[columns[name].astype(np.intp) + 1]
    return total


def combined(columns: Columns) -> Array:
    """What columns add by their bends and together, no straight line among it: float64 of shape (rows,)."""
    car = np.tanh(2.5 * (columns["ps_car_13"] - 0.81))
    region = np.where(columns["ps_reg_03"] == -1, 0, np.tanh(2 * (columns["ps_reg_03"] - 0.89)))
    fifteenth = np.tanh(0.4 * (columns["ps_ind_15"] - 7.3))
    seventeenth = columns["ps_ind_17_bin"] - 0.121
    fifth = (columns["ps_ind_05_cat"] != 0) - 0.11
    bend = np.abs(columns["ps_ind_03"] - 4.4) - 2.2
    total: Array = 0.06 * bend - 0.35 * fifteenth * seventeenth
    total += car * (0.12 * region + 0.3 * fifth - 0.1 * fifteenth)
    return total
