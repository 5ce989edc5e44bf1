"""Area, energy, leakage and speed of one memory macro with one read and one write port, by interpolation in CACTI.

The table (results/sram.parquet) holds CACTI 7's answers for three word widths and five sizes, at 22 to 90 nm, with
transistors for high performance (HP) and for low standby power (LSTP). Between its points, and beyond them, figures
follow power laws: linear in the logarithms of width, size and node.

Of the two transistors a memory gets the slower and less leaking one wherever its cycle fits the clock; the band spans
both. CACTI ends at 22 nm. At 7 nm area is that of 22 nm times the ratio of bit cells, 0.027 um2 (ISSCC 2017, foundry
7 nm) to CACTI's 146 F**2; leakage stays that of 22 nm; energy lies between CACTI's power law of 32 to 22 nm and 0.133
pJ a bit (Jouppi et al., ISCA 2021: 32 KiB, 64 bits, 8.5 pJ at 7 nm), typically their geometric mean.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from .band import Band
from .cacti import FIGURES, PROFILES
from .nodes import Node, between
from .tables import read_table

Grid = npt.NDArray[np.float64]
AREA_FACTOR, ENERGY_FACTOR = 1.3, 2.0
"""Bands around CACTI's figures: assumptions, a memory compiler's macros differ by about as much."""
LEAST_NM = 22.0
BIT_CELL_7_UM2, BIT_CELL_22_UM2 = 0.027, 146 * 0.022**2
JOUPPI_PJ_PER_BIT = 8.5 / 64


@dataclass(frozen=True)
class MacroCost:
    """One macro."""

    area_um2: Band
    read_pj: Band
    """Reading one word."""
    write_pj: Band
    leakage_mw: Band
    cycle_ns: float
    """Of the transistors that were taken."""
    profile: str


@dataclass(frozen=True)
class _Figures:
    area_um2: float
    read_pj: float
    write_pj: float
    leakage_mw: float
    access_ns: float
    cycle_ns: float


@lru_cache(maxsize=1 << 16)
def macro_cost(width: int, depth: int, node: Node, period_ns: float) -> MacroCost:
    """Return what `depth` words of `width` bits cost at a node and a clock period."""
    fast, slow = (_figures(profile, width, width * depth / 8, node) for profile in PROFILES)
    taken, profile = (slow, PROFILES[1]) if slow.cycle_ns <= period_ns else (fast, PROFILES[0])
    return MacroCost(
        area_um2=_band(taken.area_um2, AREA_FACTOR, fast.area_um2, slow.area_um2),
        read_pj=_energy(taken.read_pj, (fast.read_pj, slow.read_pj), width, node),
        write_pj=_energy(taken.write_pj, (fast.write_pj, slow.write_pj), width, node),
        leakage_mw=_band(taken.leakage_mw, 1.0, fast.leakage_mw, slow.leakage_mw),
        cycle_ns=taken.cycle_ns,
        profile=profile,
    )


def _band(typical: float, factor: float, *others: float) -> Band:
    return Band(min(typical / factor, *others), typical, max(typical * factor, *others))


def _energy(taken: float, both: tuple[float, float], width: int, node: Node) -> Band:
    if node.nanometers >= LEAST_NM:
        return _band(taken, ENERGY_FACTOR, *both)
    published = JOUPPI_PJ_PER_BIT * width
    return _band(sqrt(taken * published), ENERGY_FACTOR, *both, published)


def _figures(profile: str, width: int, size: float, node: Node) -> _Figures:
    """Return the figures at a node: interpolated, or carried on from the last two nodes of the table."""
    grids = _grids(profile)
    nodes = sorted(grids)
    upper = next((index for index, value in enumerate(nodes) if value >= node.nanometers), len(nodes) - 1)
    first, second = nodes[max(upper - 1, 0)], nodes[max(upper, 1)]
    at_first, at_second = (_at(grids[value], width, size) for value in (first, second))
    found = _Figures(*(between(node.nanometers, first, a, second, b) for a, b in zip(at_first, at_second, strict=True)))
    if node.nanometers >= LEAST_NM:
        return found
    at_22 = _Figures(*_at(grids[nodes[0]], width, size))
    area = at_22.area_um2 * BIT_CELL_7_UM2 / BIT_CELL_22_UM2
    return _Figures(area, found.read_pj, found.write_pj, at_22.leakage_mw, at_22.access_ns, at_22.cycle_ns)


def _at(grid: Grid, width: float, size: float) -> list[float]:
    """Return all figures of a node at a width and a size: bilinear in logarithms, carried on outside."""
    widths, sizes = _axes()
    row, across = _place(widths, log(width))
    column, along = _place(sizes, log(size))
    cell = grid[:, row : row + 2, column : column + 2]
    by_size = cell[:, :, 0] * (1 - along) + cell[:, :, 1] * along
    return [exp(value) for value in by_size[:, 0] * (1 - across) + by_size[:, 1] * across]


def _place(axis: Grid, value: float) -> tuple[int, float]:
    """Return the interval of an axis that is used for `value`, and how far along it the value is."""
    index = int(np.clip(np.searchsorted(axis, value) - 1, 0, len(axis) - 2))
    return index, float((value - axis[index]) / (axis[index + 1] - axis[index]))


@cache
def _axes() -> tuple[Grid, Grid]:
    table = read_table("sram")
    return np.log(np.sort(table["width"].unique())), np.log(np.sort(table["size"].unique()))


@cache
def _grids(profile: str) -> dict[float, Grid]:
    """Return, by node, logarithms of all figures [figure, width, size]; what CACTI refused is carried on in size."""
    table = read_table("sram")
    table = table[table["profile"] == profile]
    grids: dict[float, Grid] = {}
    for nanometers, rows in table.groupby("nanometers"):
        cells = [rows.pivot_table(index="width", columns="size", values=name, dropna=False) for name in FIGURES]
        grid = np.log(np.stack([cell.to_numpy(float) for cell in cells]))
        missing = np.isnan(grid[:, :, 0])
        grid[:, :, 0] = np.where(missing, 2 * grid[:, :, 1] - grid[:, :, 2], grid[:, :, 0])
        grids[float(str(nanometers))] = grid
    return grids
