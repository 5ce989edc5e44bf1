"""Tables of docs/COST.md, drawn from the shipped results."""

from collections.abc import Callable
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd

from ...model.config import AcceleratorConfig
from ..study.page import update_page
from ..utilization.tables import markdown
from . import events
from .band import Band
from .dram import DRAM
from .ecp5_cost import CHIP, LUTS_OF_CELL, ecp5_cost, luts_of
from .fpga import fpga_cost
from .logic import logic_cost
from .logic_tables import fit_errors
from .nodes import NODES, Node
from .point import evaluate_cost
from .tables import read_table

REST = ("leakage_mw", "access_ns", "cycle_ns")
LIBRARIES = ("nangate45", "asap7", "sky130hd")
BUILDS = {
    "S=4 P=16 W=4, port 512, H=1024": AcceleratorConfig(),
    "S=4 P=16 W=4, port 512, H=4096": AcceleratorConfig(hidden_capacity=4096),
    "S=1 P=4 W=1, port 128, H=4096": AcceleratorConfig(
        entries_per_cycle=1, lanes=4, elements_per_cycle=1, port_bits=128, hidden_capacity=4096
    ),
    "S=8 P=64 W=8, port 512, H=4096": AcceleratorConfig(
        entries_per_cycle=8, lanes=64, elements_per_cycle=8, hidden_capacity=4096
    ),
}


def update(path: Path) -> None:
    """Write the page's tables anew. Raises OptionError for a page or a table that is missing."""
    update_page(path, all_tables())


def all_tables() -> dict[str, str]:
    """Return every table by the name of its place on the page."""
    asic = pd.concat([read_table(f"asic-{name}") for name in LIBRARIES])
    return {
        "lanes": _asic(asic[asic["is_lane"]]),
        "engines": _asic(asic[~asic["is_lane"]]),
        "fits": _fits(),
        "ecp5": _ecp5(),
        "ecp5-lanes": _ecp5_lanes(),
        "ultrascale": _ultrascale(),
        "builds": _builds(),
        "fpga": _fpga(),
        "sram": _sram(),
        "events": _events(),
        "dram": _dram(),
    }


def _asic(table: pd.DataFrame) -> str:
    heads = ("part", "library", "um2", "gate equiv.", "flip-flops", "MHz", "leakage mW", "clock pJ", "logic pJ")
    return markdown(heads, (_asic_row(row) for row in table.to_dict("records")))


def _asic_row(row: dict[Any, Any]) -> list[str]:
    if row["error"]:
        return [row["part"], row["node"], row["error"], *[""] * 6]
    figures = (row["area_um2"], row["gate_equivalents"], row["flip_flops"], 1000 / row["period_ns"])
    powers = (row["leakage_mw"], row["clock_pj"], row["logic_pj"])
    return [row["part"], row["node"], *(f"{value:,.0f}" for value in figures), *map(_three, powers)]


def _fits() -> str:
    heads = ("library", "part", "rows", "unchecked", "gate equivalents off by", "flip-flops off by")
    return markdown(
        heads,
        (
            [library, part, str(rows), str(alone), f"{gates:.1%}", f"{flip_flops:.1%}"]
            for library, part, rows, alone, gates, flip_flops in fit_errors(LIBRARIES)
        ),
    )


def _ecp5() -> str:
    heads = (
        "slice",
        "LUT4",
        "carry",
        "LUT RAM",
        "LUT4 of the chip",
        "flip-flops",
        "18x18",
        "18 kbit RAM",
        "MHz routed",
    )
    names = ("flip_flops", "multipliers", "block_rams")
    rows = read_table("ecp5").to_dict("records")
    return markdown(
        heads,
        (
            [
                row["part"],
                *(f"{row[name]:,}" for name in LUTS_OF_CELL),
                f"{luts_of(row) / CHIP['LUT4']:.0%}",
                *(f"{row[name]:,}" for name in names),
                row["error"] or f"{row['fmax_mhz']:.1f}",
            ]
            for row in rows
        ),
    )


def _ecp5_lanes() -> str:
    heads = ("lanes of", "LUT4", "off by", "18 kbit RAM", "18x18", "fullest of the chip", "MHz", "off by", "clock is")
    rows: list[list[str]] = []
    for name, config in BUILDS.items():
        row = ecp5_cost(config)
        kind, share = row.fullest
        fullest = f"{kind}, {share:.0%}" + (", does not fit" if share > 1 else "")
        counts = f"{row.luts:,.0f}", f"{row.luts_error:.0%}", f"{row.block_rams:,}", f"{row.multipliers:,.0f}"
        rows.append([name, *counts, fullest, f"{row.fmax_mhz:.0f}", f"{row.fmax_error:.0%}", row.kind])
    return markdown(heads, rows)


def _ultrascale() -> str:
    heads = ("part, H=4096", "LUT", "LUT as RAM", "flip-flops", "DSP48E2", "36 kbit RAM", "UltraRAM")
    names = ("luts", "lut_rams", "flip_flops", "dsps", "block_rams", "ultra_rams")
    rows = read_table("ultrascale").to_dict("records")
    return markdown(
        heads,
        (
            [row["part"], row["error"], *[""] * 5]
            if row["error"]
            else [row["part"], *(f"{row[name]:,.1f}".removesuffix(".0") for name in names)]
            for row in rows
        ),
    )


def _builds() -> str:
    heads = (
        "build",
        "node",
        "logic mm2",
        "memories mm2",
        "area mm2",
        "band",
        "logic is",
        "MHz",
        "clock is",
        "leakage mW",
    )
    rows: list[list[str]] = []
    for name, config in BUILDS.items():
        for node in NODES:
            row = evaluate_cost(config, {}, "ideal", node)
            areas = (row.area_logic_um2 * 1e-6, row.area_memory_um2 * 1e-6, row.area_mm2)
            band = f"{_three(row.area_low_mm2)} to {_three(row.area_high_mm2)}"
            error = logic_cost(config, NODES[node]).error
            told = [f"{row.area_kind}, {error:.0%}", f"{row.fmax_mhz:.0f}", row.fmax_kind, _three(row.leakage_mw)]
            rows.append([name, node, *map(_three, areas), band, *told])
    return markdown(heads, rows)


def _fpga() -> str:
    heads = (
        "build",
        "LUT",
        "LUT as RAM",
        "flip-flops",
        "DSP48E2",
        "36 kbit RAM",
        "UltraRAM",
        "counts are",
        "MHz assumed",
    )
    rows: list[list[str]] = []
    for name, config in BUILDS.items():
        row = fpga_cost(config)
        counts = (row.luts, row.lut_rams, row.flip_flops, row.dsps, row.block_rams, row.ultra_rams)
        counts_are = f"{row.kind}, {row.error:.0%}" + ("" if row.has_engine else ", lanes alone")
        told = [counts_are, f"{row.clock_mhz:.0f}"]
        rows.append([name, *(f"{value:,.0f}" for value in counts), *told])
    return markdown(heads, rows)


def _sram() -> str:
    heads = ("nm", "transistors", "bits", "bytes", "um2", "read pJ", "write pJ", "leakage mW", "access ns", "cycle ns")
    table = read_table("sram")
    chosen = table[(table["width"] == 128) & table["nanometers"].isin((22, 45)) & table["size"].isin((4096, 262144))]
    sizes, figures = ("nanometers", "profile", "width", "size"), ("area_um2", "read_pj", "write_pj", *REST)
    rows = chosen.sort_values(list(sizes)).to_dict("records")
    return markdown(
        heads, ([*(str(row[name]) for name in sizes), *(_three(row[name]) for name in figures)] for row in rows)
    )


def _events() -> str:
    heads = ("event, pJ", *NODES)
    kinds: dict[str, Callable[[Node], Band]] = {
        "sum of 24 bits": partial(events.add, 24),
        "sum of 63 bits": partial(events.add, 63),
        "product 12 x 12": partial(events.multiply, 12, 12),
        "product 24 x 16": partial(events.multiply, 24, 16),
        "shift of 54 bits by 5": partial(events.shift, 54, 5),
    }
    return markdown(
        heads, ([name, *(_three(of(node).typical) for node in NODES.values())] for name, of in kinds.items())
    )


def _dram() -> str:
    heads = ("memory", "device pJ/bit", "full path pJ/bit", "activation nJ", "standby mW/channel", "refresh mW/channel")
    rows: list[list[str]] = []
    for name, row in DRAM.items():
        bands = (row.device_pj_per_bit, row.path_pj_per_bit, row.standby_mw_per_channel, row.refresh_mw_per_channel)
        device, path, standby, refresh = (f"{band.low:.3g} / {band.typical:.3g} / {band.high:.3g}" for band in bands)
        rows.append([name, device, path, f"{row.activation_nj:g}", standby, refresh])
    return markdown(heads, rows)


def _three(value: float) -> str:
    """Three significant digits, "" for none."""
    if isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
