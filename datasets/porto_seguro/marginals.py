"""What each column of Porto Seguro's table holds, taken by itself.

Counts, those of missing cells included, add up to the real table's 595,212 rows and give the means that its public
summaries print, to six digits. Other shares aren't known one by one: they are smooth shapes with about the mean,
deviation and quartiles of the real column; those of `ps_car_06_cat` and `ps_car_11_cat` are no more than plausible. The
calculated columns follow the binomial and Poisson distributions that their means and deviations fit. The table itself
wasn't at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from math import comb, exp, factorial
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_NORMAL = NormalDist()
_FAR = 5.0  # standard deviations: one draw in 1.7 million lies further out


@dataclass(frozen=True)
class Levels:
    """A column of few values: a standard normal draw becomes the value whose share of the distribution it falls into.

    `values` are in the order of the draw, `edges` the draws at which one value gives way to the next.
    """

    values: npt.NDArray[np.generic]
    edges: Array

    def at(self, draws: Array) -> npt.NDArray[np.generic]:
        """The values of standard normal draws, both of shape (rows,)."""
        return self.values[np.searchsorted(self.edges, draws)]


@dataclass(frozen=True)
class Roots:
    """A column of square roots of whole numbers over a divisor, which is how the table's real numbers are made.

    `draws` and `values` are points of the distribution, between which it is linear.
    """

    draws: Array
    values: Array
    divisor: int

    def at(self, draws: Array) -> Array:
        """The values of standard normal draws, both float64 of shape (rows,)."""
        between = np.interp(draws, self.draws, self.values)
        # Whole before the root: no processor's rounding of what went before shows in the result.
        return np.sqrt(np.rint((between * self.divisor) ** 2)) / self.divisor


def _draw(share: float) -> float:
    """The standard normal draw below which this share of draws lies."""
    return _NORMAL.inv_cdf(share) if 0 < share < 1 else math.copysign(_FAR, share - 0.5)


def _edges(weights: Iterable[float]) -> Array:
    *cumulative, total = accumulate(weights)
    return np.array([_draw(weight / total) for weight in cumulative])


def _codes(weights: Mapping[int, float]) -> Levels:
    return Levels(np.array(list(weights), dtype=np.int8), _edges(weights.values()))


def _from_zero(*weights: float) -> Levels:
    return _codes(dict(enumerate(weights)))


def _yes(share: float) -> Levels:
    return _from_zero(1 - share, share)


def _tenths(*weights: float) -> Levels:
    return Levels(np.arange(len(weights)) / 10, _edges(weights))


def _roots_of(weights: Mapping[int, float], divisor: int) -> Levels:
    return Levels(np.sqrt(np.array(list(weights))) / divisor, _edges(weights.values()))


def _roots(divisor: int, points: Mapping[float, float]) -> Roots:
    return Roots(np.array([_draw(share) for share in points]), np.array(list(points.values())), divisor)


def _binomial(trials: int, share: float) -> Levels:
    return _from_zero(*(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(trials + 1)))


def _poisson(mean: float, highest: int) -> Levels:
    return _from_zero(*(exp(-mean) * mean**k / factorial(k) for k in range(highest + 1)))


# Plausible, not known: two large codes, and a rest that falls off slowly, in no order of the codes.
_CAR_11_CAT = {103: 24_262.0, 104: 85_083.0} | {code: 9_500 / (1 + (code * 37 % 102) / 60) for code in range(1, 103)}

MARGINALS: Mapping[str, Levels | Roots] = {
    "ps_ind_01": _from_zero(0.2986, 0.2668, 0.1367, 0.082, 0.0743, 0.0655, 0.0429, 0.0332),
    "ps_ind_02_cat": _codes({1: 431_859, 2: 123_573, 3: 28_186, 4: 11_378}),
    "ps_ind_03": _from_zero(
        0.0505, 0.0847, 0.1455, 0.1443, 0.1225, 0.1198, 0.1014, 0.0844, 0.0613, 0.0399, 0.0253, 0.0204
    ),
    "ps_ind_04_cat": _codes({0: 346_965, 1: 248_164}),
    "ps_ind_05_cat": _from_zero(528_009, 8_322, 4_184, 8_233, 18_344, 1_649, 20_662),
    "ps_ind_10_bin": _yes(0.000373),
    "ps_ind_11_bin": _yes(0.001692),
    "ps_ind_12_bin": _yes(0.009439),
    "ps_ind_13_bin": _yes(0.000948),
    "ps_ind_15": _from_zero(
        0.0461, 0.0329, 0.0327, 0.0433, 0.0643, 0.0741, 0.0886, 0.1587, 0.0753, 0.0736, 0.0861, 0.0838, 0.0723, 0.0682
    ),
    "ps_reg_01": _tenths(0.0398, 0.0532, 0.0644, 0.0714, 0.0712, 0.0777, 0.0816, 0.0954, 0.1233, 0.322),
    "ps_reg_02": _tenths(
        *(0.1031, 0.1404, 0.1642, 0.1374, 0.0946, 0.0735, 0.0629, 0.0443, 0.0352, 0.0264),
        *(0.0222, 0.018, 0.0166, 0.0133, 0.0118, 0.0103, 0.0065, 0.0046, 0.0147),
    ),
    "ps_reg_03": _roots(
        40,
        {0: 0.061, 0.002: 0.15, 0.084: 0.525, 0.25: 0.64, 0.389: 0.7207, 0.5: 0.802, 0.695: 1.0, 0.8: 1.16}
        | {0.9: 1.38, 0.97: 1.7, 0.995: 2.15, 0.9999: 3.1, 1: 4.04},
    ),
    "ps_car_01_cat": _codes(
        {0: 5_904, 1: 1_367, 2: 2_144, 3: 6_658, 4: 26_174, 5: 18_142, 6: 62_393, 7: 179_247, 8: 15_093}
        | {9: 20_323, 10: 50_087, 11: 207_573}
    ),
    "ps_car_02_cat": _codes({0: 101_217, 1: 493_990}),
    "ps_car_03_cat": _codes({0: 73_272, 1: 110_709}),
    "ps_car_04_cat": _from_zero(496_581, 32_115, 23_770, 640, 230, 545, 1_560, 139, 20_598, 19_034),
    "ps_car_05_cat": _codes({0: 155_994, 1: 172_667}),
    "ps_car_06_cat": _from_zero(
        *(0.1855, 0.1989, 0.0014, 0.0197, 0.0547, 0.0056, 0.0331, 0.0209, 0.0013),
        *(0.0293, 0.0418, 0.2210, 0.0226, 0.0185, 0.0753, 0.0520, 0.0070, 0.0114),
    ),
    "ps_car_07_cat": _codes({0: 30_575, 1: 553_148}),
    "ps_car_08_cat": _codes({0: 99_948, 1: 495_264}),
    "ps_car_09_cat": _from_zero(194_518, 29_080, 353_482, 14_756, 2_807),
    "ps_car_10_cat": _from_zero(4_857, 590_179, 176),
    "ps_car_11_cat": _codes(dict(sorted(_CAR_11_CAT.items()))),
    "ps_car_11": _from_zero(25_983, 60_952, 189_353, 318_919),
    "ps_car_12": _roots_of(
        {1: 0.0001, 4: 0.0002, 6: 0.0006, 8: 0.0066, 9: 0.0288, 10: 0.2158, 12: 0.038, 14: 0.2508, 15: 0.106}
        | {16: 0.2011, 18: 0.037, 20: 0.0472, 22: 0.022, 25: 0.0246, 30: 0.0116, 36: 0.0069, 64: 0.0022}
        | {100: 0.0004, 160: 0.0001},
        divisor=10,
    ),
    "ps_car_13": _roots(
        220,
        {0: 0.2506, 0.001: 0.38, 0.01: 0.46, 0.05: 0.545, 0.25: 0.6709, 0.5: 0.7658, 0.75: 0.9062, 0.9: 1.09}
        | {0.95: 1.23, 0.99: 1.6, 0.999: 2.15, 0.9999: 2.8, 1: 3.7206},
    ),
    "ps_car_14": _roots(
        100,
        {0: 0.1095, 0.001: 0.24, 0.02: 0.29, 0.192: 0.3332, 0.461: 0.3688, 0.731: 0.3965, 0.9: 0.43, 0.98: 0.48}
        | {0.999: 0.56, 1: 0.6364},
    ),
    "ps_car_15": _roots_of(
        {0: 0.025, 1: 0.0072, 2: 0.0079, 3: 0.0118, 4: 0.0217, 5: 0.0379, 6: 0.0595, 7: 0.0669, 8: 0.0777, 9: 0.0751}
        | {10: 0.0863, 11: 0.0983, 12: 0.1063, 13: 0.199, 14: 0.1194},
        divisor=1,
    ),
    "ps_calc_01": _tenths(*[1.0] * 10),
    "ps_calc_02": _tenths(*[1.0] * 10),
    "ps_calc_03": _tenths(*[1.0] * 10),
    "ps_calc_04": _binomial(5, 0.4744),
    "ps_calc_05": _binomial(6, 0.3143),
    "ps_calc_06": _binomial(10, 0.7689),
    "ps_calc_07": _binomial(9, 0.334),
    "ps_calc_08": _binomial(12, 0.7688),
    "ps_calc_09": _binomial(7, 0.3341),
    "ps_calc_10": _poisson(8.4336, 25),
    "ps_calc_11": _poisson(5.4414, 19),
    "ps_calc_12": _poisson(1.4419, 10),
    "ps_calc_13": _poisson(2.8723, 13),
    "ps_calc_14": _poisson(7.539, 23),
    "ps_calc_15_bin": _yes(0.122427),
    "ps_calc_16_bin": _yes(0.62784),
    "ps_calc_17_bin": _yes(0.554182),
    "ps_calc_18_bin": _yes(0.287182),
    "ps_calc_19_bin": _yes(0.349024),
    "ps_calc_20_bin": _yes(0.153318),
}
