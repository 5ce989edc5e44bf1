"""A sweep's table made up for tests of the answer: columns as a sweep writes them, figures from simple formulas.

Cycles fall with S and P, area grows with them, energy grows with the index width, so the choices can be told by hand.
"""

from dataclasses import asdict, replace
from itertools import product

import pandas as pd

from normq.analysis.sweep.columns import COLUMNS
from normq.analysis.sweep.point import DesignPoint

EDGE = DesignPoint(keywords=3, memory="lpddr5-6400", channels=1, port_bits=128, clock_mhz=400, node="22nm")
FPGA = DesignPoint(keywords=3, memory="ddr4-3200", channels=1, clock_mhz=200)
CHIPLET = DesignPoint(keywords=3, memory="hbm2e", clock_mhz=700, node="asap7")
SUCCESS = {3: 0.968, 4: 0.978, 8: 0.99}


def points() -> pd.DataFrame:
    """Return 3 bits x 2 S x 2 P at each target's beams, and one impossible point."""
    bases = [EDGE, FPGA, *(replace(CHIPLET, hidden_states=hidden) for hidden in (4096, 8192, 16384))]
    rows = [
        row(replace(base, bits=bits, entries_per_cycle=slots, lanes=lanes, beams=beams))
        for base, bits, slots, lanes, beams in product(bases, SUCCESS, (2, 4), (4, 16), (1, 16, 128))
    ]
    impossible = {**asdict(replace(EDGE, lanes=3)), "status": "impossible", "reason": "lanes must be a power of two"}
    return pd.DataFrame([*rows, impossible], columns=[*COLUMNS])


def row(point: DesignPoint) -> dict[str, object]:
    """Return the columns of a point."""
    groups = -(-point.beams // point.lanes)
    cycles = groups * point.hidden_states * point.bits // point.entries_per_cycle
    area = point.lanes * point.entries_per_cycle / 10 * point.hidden_states / 4096
    energy = point.beams * point.bits * point.hidden_states / 1000
    return {
        **dict.fromkeys(COLUMNS, 1.0),
        **asdict(point),
        "cycles_forward": cycles // 4,
        "cycles_denominators": cycles // 4,
        "cycles_numerators": cycles // 4,
        "cycles_listed": cycles - 3 * (cycles // 4),
        "cycles": cycles,
        "latency_us": cycles / point.clock_mhz,
        "cycles_setup": 1_000_000,
        "setup_us": 1_000_000 / point.clock_mhz,
        "area_low_mm2": area / 2,
        "area_mm2": area,
        "area_high_mm2": 2 * area,
        "fmax_mhz": 1000.0,
        "energy_low_uj": energy / 2,
        "energy_uj": energy,
        "energy_high_uj": 2 * energy,
        "energy_memory_uj": energy / 4,
        "energy_setup_low_uj": 5 * energy,
        "energy_setup_uj": 10 * energy,
        "energy_setup_high_uj": 20 * energy,
        "energy_setup_memory_uj": 8 * energy,
        "leakage_mw": area,
        "published_success": SUCCESS[point.bits],
        "fpga_luts": 10_000.0 * point.lanes,
        "fpga_kind": "fitted",
        "area_kind": "fitted",
        "fmax_kind": "scaled",
        "source": "timing model",
        "quality_size": "H=256 V=4096 trained",
        "status": "ok",
        "reason": "",
    }
