"""The page of baselines, docs/BASELINES.md."""

from collections.abc import Sequence

from ..cost.band import Band
from .compare import MEASURED, Baseline, Ratio
from .engine import CHIPLET, EDGE, ENGINES, EngineStep
from .markdown import band, number, table
from .page_text import ASSUMPTIONS, HEAD, PARTS
from .platforms import CORE_WATTS, PLATFORMS
from .reason import reason_text
from .work import BEAMS, HIDDEN


def page(found: Sequence[Ratio], engines: Sequence[EngineStep], machines: Sequence[str]) -> str:
    """Return the whole page; `machines` are those that rows were measured on."""
    parts = [
        HEAD,
        "## Measured on\n",
        "\n".join(f"- {machine}" for machine in machines),
        "",
        "## Machines of the rooflines\n",
        platform_table(),
        "",
        "## Engines\n",
        engine_table(),
        "",
        step_table(engines),
        "",
        PARTS,
        parts_table(found),
        "",
    ]
    for hidden in HIDDEN:
        for beams in BEAMS:
            chosen = [one for one in found if (one.engine.hidden, one.engine.beams) == (hidden, beams)]
            parts += [f"## H = {hidden}, {beams} beam{'s'[: beams > 1]}\n", ratio_table(chosen), ""]
    return "\n".join([*parts, "## Beside REASON\n", reason_text(found), ASSUMPTIONS])


def platform_table() -> str:
    """Return the platforms with their peaks."""
    headings = ("platform", "GB/s", "TFLOPS float32", "TFLOPS float16", "TDP, W", "power taken, W")
    rows = [
        (
            one.name,
            f"{one.gigabytes_per_second:g}",
            f"{one.teraflops['float32']:.3g}",
            f"{one.teraflops['float16']:g}" if "float16" in one.teraflops else "as float32",
            f"{one.tdp_watts:g}",
            band(one.watts),
        )
        for one in PLATFORMS
    ]
    return table(headings, [*rows, ("one core of the measuring CPU", "", "", "", "", band(CORE_WATTS))])


def engine_table() -> str:
    """Return the builds."""
    headings = ("engine", "S", "P", "W", "port, bits", "memory", "node", "clock, MHz")
    return table(
        headings,
        [
            (
                name,
                *map(str, (one.entries_per_cycle, one.lanes, one.elements_per_cycle, one.port_bits)),
                one.memory,
                one.node,
                str(one.clock_mhz),
            )
            for name, one in ENGINES.items()
        ],
    )


def step_table(engines: Sequence[EngineStep]) -> str:
    """Return cycles, time and energy of every token step, b = 4, sparse."""
    headings = ("engine", "H", "B", "cycles", "us", "uJ (low to high)", "W", "mm2 (low to high)")
    rows = [
        (
            one.engine,
            str(one.hidden),
            str(one.beams),
            f"{one.cycles:,}",
            number(1e6 * one.seconds),
            band(one.millijoules * 1000),
            number(one.watts),
            band(Band(one.cost.area_low_mm2, one.cost.area_mm2, one.cost.area_high_mm2)),
        )
        for one in engines
    ]
    return table(headings, rows)


def ratio_table(found: Sequence[Ratio]) -> str:
    """Return the baselines of one size, each beside both engines."""
    headings = ("instead", "weights", "origin", "MB", "ms", "mJ (low to high)")
    headings += tuple(f"{name}: {what}" for name in ENGINES for what in ("speed-up", "energy ratio (low to high)"))
    by_baseline: dict[Baseline, dict[str, Ratio]] = {}
    for one in found:
        by_baseline.setdefault(one.baseline, {})[one.engine.engine] = one
    return table(headings, [_cells(one, own) for one, own in by_baseline.items()])


def parts_table(found: Sequence[Ratio]) -> str:
    """Return what the format and what the hardware is worth: one core dense, the same core packed, the engines."""
    headings = ("H", "B", "float32, ms", "packed b=4, ms", "format", "edge, ms", "hardware", "chiplet, ms", "hardware")
    rows: list[Sequence[str]] = []
    for hidden in HIDDEN:
        for beams in BEAMS:
            own = [one for one in found if (one.engine.hidden, one.engine.beams) == (hidden, beams)]
            ours = {one.engine.engine: one.engine.seconds for one in own}
            theirs = {one.baseline.variant: one.baseline for one in own if one.baseline.name.startswith("this CPU")}
            dense, packed = theirs.get("float32"), theirs.get("golden b=4 sparse")
            if dense is None or packed is None:
                continue
            mark = "" if dense.origin == MEASURED else "*"
            cells = [str(hidden), str(beams), number(1000 * dense.seconds) + mark, number(1000 * packed.seconds)]
            cells.append(f"{number(dense.seconds / packed.seconds)}x")
            for name in (EDGE, CHIPLET):
                cells += [number(1000 * ours[name]), f"{number(packed.seconds / ours[name])}x"]
            rows.append(cells)
    return table(headings, rows)


def _cells(one: Baseline, own: dict[str, Ratio]) -> list[str]:
    cells = [
        one.name,
        one.variant,
        one.origin,
        number(one.moved / 1e6) if one.moved else "",
        number(1000 * one.seconds),
        band(one.millijoules) if one.millijoules else "not known",
    ]
    for name in ENGINES:
        energy, is_same = own[name].energy, own[name].is_same_work
        cells += [f"{number(own[name].speedup)}x" if is_same else "", f"{band(energy)}x" if energy and is_same else ""]
    return cells
