"""Energy of a token step: the engine's counters times the energy of what they count."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.config import AcceleratorConfig
from ...model.formats import CODE_BYTES, CODEBOOK_BITS, CONSTANT_BITS, TOP_BITS
from ...rtl.shape import ACCUMULATOR_BITS, Shape
from . import events
from .band import Band, total
from .dram import DramEnergy
from .logic import LogicCost
from .macros import Macro, macros_of
from .nodes import Node
from .sram import macro_cost

PICO_TO_MICRO = 1e-6
FLIP_FLOP_CLOCK_FJ_45 = 5.0
"""Clock pin and internal nodes of a flip-flop in one cycle at 45 nm, clock tree included: an estimate."""


@dataclass(frozen=True)
class EnergyParts:
    """Microjoules of one token step, by what draws them; DRAM once as the device alone and once as the full path."""

    arithmetic: Band
    sram: Band
    clock: Band
    leakage: Band
    dram_device: Band
    dram_path: Band
    background: Band

    @property
    def on_chip(self) -> Band:
        """Everything but DRAM."""
        return total([self.arithmetic, self.sram, self.clock, self.leakage])

    @property
    def path(self) -> Band:
        """All of it, the full path to DRAM."""
        return total([self.on_chip, self.dram_path, self.background])

    @property
    def device(self) -> Band:
        """All of it, of DRAM the device alone."""
        return total([self.on_chip, self.dram_device, self.background])


@dataclass(frozen=True)
class Conditions:
    """What a build runs at."""

    node: Node
    clock_mhz: float
    dram: DramEnergy
    channels: int
    logic: LogicCost
    leakage_mw: Band


def energy_of(config: AcceleratorConfig, counters: Mapping[str, int], at: Conditions) -> EnergyParts:
    """Return the energy of what the counters counted; names are those of rtl/counters.py, one that is absent is 0."""
    cycles = counters.get("engine.cycles", 0)
    microseconds = cycles / at.clock_mhz
    bits = 8 * port_bytes(counters)
    scale = (
        min(1.0, at.node.nanometers / 45)
        if at.node.nanometers <= 45
        else (at.node.volts / 0.9) ** 2 * at.node.nanometers / 45
    )
    clock = Band.around(at.logic.flip_flops * cycles * FLIP_FLOP_CLOCK_FJ_45 * 1e-3 * scale, events.BAND_FACTOR)
    return EnergyParts(
        arithmetic=_arithmetic(config, counters, at.node) * PICO_TO_MICRO,
        sram=_sram(config, counters, at.node) * PICO_TO_MICRO,
        clock=clock * PICO_TO_MICRO,
        leakage=at.leakage_mw * (microseconds * 1e-3),
        dram_device=at.dram.device_pj_per_bit * (bits * PICO_TO_MICRO),
        dram_path=at.dram.path_pj_per_bit * (bits * PICO_TO_MICRO),
        background=at.dram.background_mw_per_channel * (at.channels * microseconds * 1e-3),
    )


def port_bytes(counters: Mapping[str, int]) -> int:
    """Return the bytes that crossed the memory port."""
    return sum(value for name, value in counters.items() if name.startswith(("read.", "write.")))


def _arithmetic(config: AcceleratorConfig, counters: Mapping[str, int], node: Node) -> Band:
    """Picojoules. A term is a product, a shift into place and two sums; an element a product, its scaling, a shift."""
    shape, significand = Shape(config), config.code.significand_bits
    term = total(
        [
            events.multiply(significand, CODEBOOK_BITS, node),
            events.shift(shape.term_bits, config.code.exponent_bits, node),
            events.add(ACCUMULATOR_BITS, node) * 2,
        ]
    )
    element = total(
        [
            events.multiply(significand, CODEBOOK_BITS, node),
            events.multiply(TOP_BITS, CONSTANT_BITS, node),
            events.shift(shape.product_bits, 6, node),
            events.add(TOP_BITS, node),
        ]
    )
    elements = counters.get("passes.words", 0) * config.elements_per_cycle * config.lanes
    edges = counters.get("edges.cycles", 0) * config.codes_per_beat // 2
    return term * counters.get("gather.multiply_accumulates", 0) + element * (elements + edges)


def _sram(config: AcceleratorConfig, counters: Mapping[str, int], node: Node) -> Band:
    """Picojoules of every word read or written on chip, as far as the counters tell."""
    macros = {macro.kind: macro for macro in macros_of(config) if macro.kind not in ("tables", "queues")}
    entries, words = counters.get("gather.entries", 0), counters.get("passes.words", 0)
    beats = port_bytes(counters) / config.port_bytes
    elements = (counters.get("write.vectors", 0) + counters.get("write.scores", 0)) / CODE_BYTES
    local = sum(value for name, value in counters.items() if name.startswith("local.")) / config.port_bytes
    accesses = {
        "z": (entries + words / 2) * config.lanes,
        "x": words * config.lanes + counters.get("read.vectors", 0) / config.port_bytes,
        "second factor": words * config.lanes,
        "emission": words * config.lanes,
        "results": 2 * elements,
        "y": 2 * counters.get("write.vectors", 0) / config.port_bytes,
        "fetch buffers": 2 * beats,
        "local memory": local,
    }
    return total([_access(macros[kind], node) * count for kind, count in accesses.items() if kind in macros])


def _access(macro: Macro, node: Node) -> Band:
    return macro_cost(macro.width, macro.depth, node).access_pj
