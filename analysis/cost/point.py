"""The cost of one design point: area, frequency and energy as the columns of a table of points."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.config import AcceleratorConfig
from ...sim.memory.dram import PRESETS
from .band import Band, total
from .dram import IDEAL, dram_energy
from .energy import Conditions, EnergyParts, energy_of
from .logic import logic_cost
from .macros import FLIP_FLOP_BITS, Macro, macros_of
from .nodes import Node, node_of
from .sram import macro_cost


@dataclass(frozen=True)
class CostRow:
    """Columns of a design point; all are estimates, whose sources docs/COST.md names."""

    node: str
    clock_mhz: float
    area_logic_um2: float
    area_memory_um2: float
    area_mm2: float
    area_low_mm2: float
    area_high_mm2: float
    area_kind: str
    """Of the logic: "measured", "fitted" or "estimated"; memories are always estimated."""
    gate_equivalents: float
    fmax_mhz: float
    fmax_kind: str
    """"measured", "scaled" or "assumed"."""
    leakage_mw: float
    bits_on_chip: int
    energy_low_uj: float
    energy_uj: float
    energy_high_uj: float
    """Of a token step, with the full path to DRAM."""
    energy_device_uj: float
    """The same, of DRAM the device alone."""
    energy_memory_uj: float
    """What of `energy_uj` is DRAM's: the full path, standby and refresh."""
    energy_arithmetic_uj: float
    energy_control_uj: float
    """Of the engine around the lanes: static power analysis, a tenth of a toggle for each net and cycle."""
    energy_sram_uj: float
    energy_clock_uj: float
    """Inside flip-flops, and the clock tree."""
    energy_leakage_uj: float
    energy_dram_uj: float
    """The full path, without standby and refresh."""
    energy_activation_uj: float
    """Of opening rows, at the device: told apart; in `energy_device_uj` also where its source leaves it out."""
    energy_background_uj: float
    """Standby of DRAM while the token step lasts."""
    energy_refresh_uj: float
    """Refresh of DRAM in that time."""


def evaluate_cost(
    config: AcceleratorConfig,
    counters: Mapping[str, int],
    memory: str,
    node: str,
    clock_mhz: float | None = None,
    channels: int | None = None,
) -> CostRow:
    """Return the cost of a build and of the token step that `counters` counted on it.

    `counters` are the engine's, by name (rtl/counters.py); others are passed over, and one that is absent counts as 0.
    `memory` is "ideal" or a preset of sim/memory/dram.py, `channels` its default where None. `clock_mhz` is the
    greatest clock where None. Raises OptionError for an unknown memory or node.
    """
    at = node_of(node)
    dram_energy(memory)
    logic, macros = logic_cost(config, at), macros_of(config)
    clock = logic.fmax_mhz if clock_mhz is None else clock_mhz
    area, leakage = _memories(macros, at, 1000 / clock)
    leakage += logic.leakage_mw
    if channels is None:
        channels = 0 if memory == IDEAL else PRESETS[memory].channels
    parts = energy_of(config, counters, Conditions(at, clock, memory, channels, logic, leakage))
    whole = logic.area_um2 + area
    return CostRow(
        node=node,
        clock_mhz=clock,
        area_logic_um2=logic.area_um2.typical,
        area_memory_um2=area.typical,
        area_mm2=whole.typical * 1e-6,
        area_low_mm2=whole.low * 1e-6,
        area_high_mm2=whole.high * 1e-6,
        area_kind=logic.kind,
        gate_equivalents=logic.gate_equivalents,
        fmax_mhz=logic.fmax_mhz,
        fmax_kind=logic.fmax_kind,
        leakage_mw=leakage.typical,
        bits_on_chip=sum(macro.bits for macro in macros),
        **_energies(parts),
    )


def _energies(parts: EnergyParts) -> dict[str, float]:
    return {
        "energy_low_uj": parts.path.low,
        "energy_uj": parts.path.typical,
        "energy_high_uj": parts.path.high,
        "energy_device_uj": parts.device.typical,
        "energy_memory_uj": parts.memory.typical,
        "energy_arithmetic_uj": parts.arithmetic.typical,
        "energy_control_uj": parts.control.typical,
        "energy_sram_uj": parts.sram.typical,
        "energy_clock_uj": parts.clock.typical,
        "energy_leakage_uj": parts.leakage.typical,
        "energy_dram_uj": parts.dram_path.typical,
        "energy_activation_uj": parts.activation.typical,
        "energy_background_uj": parts.standby.typical,
        "energy_refresh_uj": parts.refresh.typical,
    }


def _memories(macros: tuple[Macro, ...], node: Node, period_ns: float) -> tuple[Band, Band]:
    """Return area in um2 and leakage in mW; memories of flip-flops are part of the logic."""
    costs = [
        (macro.physical, macro_cost(macro.width, macro.depth, node, period_ns))
        for macro in macros
        if macro.width * macro.depth > FLIP_FLOP_BITS
    ]
    return total([cost.area_um2 * n for n, cost in costs]), total([cost.leakage_mw * n for n, cost in costs])
