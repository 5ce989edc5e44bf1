"""Design points made up for tests of figures and report: columns as a sweep writes them, values from formulas."""

from itertools import product

import pandas as pd

from normq.analysis.design_points import MEASURED, PREDICTED

SIZES, WIDTHS, LANES = (1024, 4096), (3, 4, 8), (8, 16)
STALLS = ("stall_input", "stall_output", "stall_memory")


def points() -> pd.DataFrame:
    """Return 24 rows: every H, b, layout and P of this file; those at H=1024 with b=3 are RTL's."""
    rows = [
        _row(hidden, bits, layout, lanes)
        for hidden, bits, layout, lanes in product(SIZES, WIDTHS, ("sparse", "dense"), LANES)
    ]
    return pd.DataFrame(rows)


def _row(hidden: int, bits: int, layout: str, lanes: int) -> dict[str, object]:
    dense = 20 if layout == "dense" else 1
    roofline = hidden * bits * dense * 64 // lanes
    cycles = roofline * 5 // 4
    traffic = hidden * bits * dense * 10
    energy = traffic / 1000
    return {
        "hidden_states": hidden,
        "vocab_size": 50257,
        "bits": bits,
        "layout": layout,
        "method": "norm-q",
        "beams": 16,
        "keywords": 0,
        "entries_per_cycle": 4,
        "lanes": lanes,
        "elements_per_cycle": 4,
        "port_bits": 512,
        "memory": "ideal",
        "clock_mhz": 500.0,
        "cycles": cycles,
        "cycles_setup": 0,
        "roofline_cycles": roofline,
        "over_roofline": cycles / roofline,
        "multiply_accumulates": 4 * lanes * roofline,
        "bytes_total": traffic,
        "bytes_weights": traffic // 2,
        "latency_us": cycles / 500,
        "stall_input": cycles // 20,
        "stall_output": cycles // 40,
        "stall_memory": cycles // 10,
        "area_mm2": lanes / 10,
        "energy_low_uj": energy / 2,
        "energy_uj": energy,
        "energy_high_uj": energy * 2,
        "quality_nat_per_token": -6 + bits / 8,
        "quality_size": "H=256 V=4096 trained",
        "status": "ok",
        "reason": "",
        "source": MEASURED if (hidden, bits) == (SIZES[0], WIDTHS[0]) else PREDICTED,
    }


def report_points() -> pd.DataFrame:
    """Return the rows of `points` with what the report must also cope with, and two that were not evaluated.

    14 nodes (a list), 20 latencies (a slider), a value of one node's quality missing, texts that are HTML.
    """
    table = points().drop(columns="node", errors="ignore")
    count = len(table)
    table["node"] = [f"<b>n{place % 14}</b>" for place in range(count)]
    table["latency"] = [10 + place % 20 for place in range(count)]
    table.loc[3, ["quality_nat_per_token", "energy_uj"]] = [float("nan"), float("nan")]
    failed = table.iloc[:2].assign(status=["impossible", "failed"], reason=["port_bits must be <512>", "out of time"])
    return pd.concat([table, failed.assign(cycles=float("nan"))], ignore_index=True)
