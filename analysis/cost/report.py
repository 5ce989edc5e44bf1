"""What `normq cost` prints of a build: every figure with its band and where it comes from."""

from collections import defaultdict
from collections.abc import Iterator

from ...model.config import AcceleratorConfig
from .band import ZERO, Band
from .ecp5_cost import ecp5_cost
from .fpga import ASSUMED_MHZ, fpga_cost
from .logic import LogicCost, logic_cost
from .macros import FLIP_FLOP_BITS, macros_of
from .nodes import Node, node_of
from .sram import MacroCost, macro_cost

COLUMNS = "{:<24} {:>12} {:<6} {:<22} {}\n"


def report_text(config: AcceleratorConfig, node: str) -> str:
    """Return the lines. Raises OptionError for an unknown node, or a table that is missing or broken."""
    at = node_of(node)
    logic = logic_cost(config, at)
    lines = [_heading(config, at), COLUMNS.format("", "typical", "", "band", "source")]
    lines += [COLUMNS.format(*row).rstrip() + "\n" for row in (*_logic(logic, at), *_memories(config, at, logic))]
    lines += ["\nUltraScale+, counts alone, nothing is routed\n"]
    lines += [COLUMNS.format(*row).rstrip() + "\n" for row in _fpga(config)]
    lines += ["\nECP5, the lanes alone\n"]
    lines += [COLUMNS.format(*row).rstrip() + "\n" for row in _ecp5(config)]
    return "".join(lines)


def _heading(config: AcceleratorConfig, node: Node) -> str:
    widths = f"{config.least_index_bits}..{config.greatest_index_bits}"
    layouts = " and ".join(sorted(layout.value for layout in config.layouts))
    return (
        f"S={config.entries_per_cycle} P={config.lanes} W={config.elements_per_cycle} port {config.port_bits} bits, "
        f"b={widths}, {layouts}, H={config.hidden_capacity}, {node.name}\n\n"
    )


def _logic(logic: LogicCost, node: Node) -> Iterator[tuple[str, str, str, str, str]]:
    told = logic.kind if not logic.error else f"{logic.kind}, {logic.error:.0%}"
    yield "logic", f"{logic.area_um2.typical * 1e-6:.3f}", "mm2", _band(logic.area_um2 * 1e-6), told
    yield "gate equivalents", f"{logic.gate_equivalents:,.0f}", "", f"of {node.nand2_um2:g} um2", told
    yield "flip-flops", f"{logic.flip_flops:,.0f}", "", "", told
    yield "greatest clock", f"{logic.fmax_mhz:.0f}", "MHz", "", f"{logic.fmax_kind}, before placement"
    yield "leakage of logic", f"{logic.leakage_mw.typical:.3g}", "mW", _band(logic.leakage_mw), "liberty"
    yield "clock", f"{logic.clock_pj.typical:.4g}", "pJ", _band(logic.clock_pj), "a cycle; flip-flops and tree"


def _memories(config: AcceleratorConfig, node: Node, logic: LogicCost) -> Iterator[tuple[str, str, str, str, str]]:
    areas: dict[str, Band] = defaultdict(lambda: ZERO)
    bits: dict[str, int] = defaultdict(int)
    leakage, slowest = ZERO, 0.0
    for macro in macros_of(config):
        if macro.width * macro.depth <= FLIP_FLOP_BITS:
            continue
        found: MacroCost = macro_cost(macro.width, macro.depth, node, 1000 / logic.fmax_mhz)
        areas[macro.kind] += found.area_um2 * macro.physical
        bits[macro.kind] += macro.bits
        leakage += found.leakage_mw * macro.physical
        slowest = max(slowest, found.cycle_ns)
    memories = Band(0, 0, 0)
    for kind, area in areas.items():
        memories += area
        yield f"  {kind}", f"{area.typical * 1e-6:.4f}", "mm2", _band(area * 1e-6), f"{bits[kind]:,} bits"
    yield "memories", f"{memories.typical * 1e-6:.3f}", "mm2", _band(memories * 1e-6), "estimated, CACTI 7"
    yield "leakage of memories", f"{leakage.typical:.3g}", "mW", _band(leakage), "estimated, CACTI 7 at 350 K"
    yield "slowest memory", f"{1000 / slowest:.0f}", "MHz", "", "estimated, CACTI 7: its cycle"
    whole = (memories + logic.area_um2) * 1e-6
    yield "area", f"{whole.typical:.3f}", "mm2", _band(whole), ""


def _fpga(config: AcceleratorConfig) -> Iterator[tuple[str, str, str, str, str]]:
    found = fpga_cost(config)
    told = f"{found.kind}, {found.error:.0%}" if found.error else found.kind
    told += "" if found.has_engine else ", lanes alone"
    yield "LUTs", f"{found.luts:,.0f}", "", "", told
    yield "LUTs as memory", f"{found.lut_rams:,.0f}", "", "", "rule"
    yield "flip-flops", f"{found.flip_flops:,.0f}", "", "", told
    yield "DSP slices", f"{found.dsps:,.0f}", "", "", told
    yield "block RAMs", f"{found.block_rams:,.1f}", "", "of 36 kbit", "rule"
    yield "UltraRAMs", f"{found.ultra_rams:,.0f}", "", "of 288 kbit", "rule"
    yield "clock", f"{ASSUMED_MHZ:.0f}", "MHz", "", "assumed"


def _ecp5(config: AcceleratorConfig) -> Iterator[tuple[str, str, str, str, str]]:
    found = ecp5_cost(config)
    name, share = found.fullest
    chip = f"{share:.0%} of an LFE5U-85's {name}" + (", does not fit" if share > 1 else "")
    counts, clock = (f", {error:.0%}" if error else "" for error in (found.luts_error, found.fmax_error))
    yield "LUT4", f"{found.luts:,.0f}", "", chip, found.kind + counts
    yield "18 kbit RAMs", f"{found.block_rams:,.0f}", "", "", "rule"
    yield "18x18 multipliers", f"{found.multipliers:,.0f}", "", "", found.kind
    yield "clock", f"{found.fmax_mhz:.0f}", "MHz", "", f"{found.kind}, routed slices{clock}"


def _band(band: Band) -> str:
    return f"{band.low:.3g} to {band.high:.3g}"
