"""Energy of a token step: the engine's counters times the energy of what they count."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...model.config import AcceleratorConfig
from ...model.formats import CODE_BYTES, CODEBOOK_BITS, CONSTANT_BITS, TOP_BITS
from ...rtl.shape import ACCUMULATOR_BITS, Shape
from . import events
from .band import Band, total
from .dram import activations, dram_energy
from .logic import LogicCost
from .macros import macros_of
from .nodes import Node
from .sram import macro_cost

PICO_TO_MICRO = 1e-6
ENCODER_STAGES = 6
"""Rows of multiplexers that bring the top bit of a product to its place."""


@dataclass(frozen=True)
class EnergyParts:
    """Microjoules of one token step, by what draws them; DRAM once as the device alone and once as the full path."""

    arithmetic: Band
    """Products, shifts and sums of the lanes."""
    control: Band
    """Whatever else switches in the engine: moving bytes, decoding weights, state machines."""
    sram: Band
    clock: Band
    """Inside flip-flops, and the tree that brings them the clock."""
    leakage: Band
    dram_device: Band
    dram_path: Band
    activation: Band
    """Of opening rows: part of `dram_device`, told apart."""
    standby: Band
    """Of DRAM, while the token step lasts."""
    refresh: Band

    @property
    def on_chip(self) -> Band:
        """Everything but DRAM."""
        return total([self.arithmetic, self.control, self.sram, self.clock, self.leakage])

    @property
    def memory(self) -> Band:
        """DRAM: the full path to it, standby and refresh."""
        return total([self.dram_path, self.standby, self.refresh])

    @property
    def path(self) -> Band:
        """All of it, the full path to DRAM."""
        return total([self.on_chip, self.memory])

    @property
    def device(self) -> Band:
        """All of it, of DRAM the device alone."""
        return total([self.on_chip, self.dram_device, self.standby, self.refresh])


@dataclass(frozen=True)
class Conditions:
    """What a build runs at."""

    node: Node
    clock_mhz: float
    memory: str
    channels: int
    logic: LogicCost
    leakage_mw: Band

    @property
    def period_ns(self) -> float:
        """Of the clock."""
        return 1000 / self.clock_mhz


def energy_of(config: AcceleratorConfig, counters: Mapping[str, int], at: Conditions) -> EnergyParts:
    """Return the energy of what the counters counted; names are those of rtl/counters.py, one that is absent is 0."""
    cycles = counters.get("engine.cycles", 0)
    milliseconds = cycles / at.clock_mhz / 1000
    moved, dram = port_bytes(counters), dram_energy(at.memory)
    bits = 8 * moved * PICO_TO_MICRO
    opened = Band.around(dram.activation_nj * activations(counters, at.memory, moved) * 1e-3)
    device = dram.device_pj_per_bit * bits
    return EnergyParts(
        arithmetic=_arithmetic(config, counters, at.node) * PICO_TO_MICRO,
        control=at.logic.control_pj * (cycles * PICO_TO_MICRO),
        sram=_sram(config, counters, at) * PICO_TO_MICRO,
        clock=at.logic.clock_pj * (cycles * PICO_TO_MICRO),
        leakage=at.leakage_mw * milliseconds,
        dram_device=device + opened if dram.is_activation_apart else device,
        dram_path=dram.path_pj_per_bit * bits,
        activation=opened,
        standby=dram.standby_mw_per_channel * (at.channels * milliseconds),
        refresh=dram.refresh_mw_per_channel * (at.channels * milliseconds),
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
            events.shift(shape.product_bits, ENCODER_STAGES, node),
            events.add(TOP_BITS, node),
        ]
    )
    elements = counters.get("passes.words", 0) * config.elements_per_cycle * config.lanes
    edges = counters.get("edges.cycles", 0) * config.codes_per_beat // 2
    return term * counters.get("gather.multiply_accumulates", 0) + element * (elements + edges)


def _sram(config: AcceleratorConfig, counters: Mapping[str, int], at: Conditions) -> Band:
    """Picojoules of every word read or written on chip, as far as the counters tell.

    All lanes are read in every cycle, whether or not they carry a vector. A word of an element pass reads both vectors
    and the emission, and half of the words are taken to be written to z, into each of its S copies.
    """
    macros = {macro.kind: macro for macro in macros_of(config) if macro.kind not in ("queues", "constraint unit")}
    lanes, port = config.lanes, config.port_bytes
    entries, words = counters.get("gather.entries", 0), counters.get("passes.words", 0)
    elements = (counters.get("write.vectors", 0) + counters.get("write.scores", 0)) / CODE_BYTES
    beats = port_bytes(counters) / port
    local_written = counters.get("local.written", 0)
    local_read = sum(value for name, value in counters.items() if name.startswith("local.")) - local_written
    accesses = {
        "z": (entries * lanes, words / 2 * lanes * config.entries_per_cycle),
        "x": (words * lanes, counters.get("read.vectors", 0) / port),
        "second factor": (words * lanes, 0),
        "emission": (words * lanes, counters.get("read.emissions", 0) / CODE_BYTES),
        "results": (elements, elements),
        "y": (counters.get("write.vectors", 0) / port, elements / config.elements_per_cycle),
        "tables": (entries + words, 0),
        "fetch buffers": (beats, beats),
        "local memory": (local_read / port, local_written / port),
    }
    parts: list[Band] = []
    for kind, (reads, writes) in accesses.items():
        if kind in macros:
            cost = macro_cost(macros[kind].width, macros[kind].depth, at.node, at.period_ns)
            parts += [cost.read_pj * reads, cost.write_pj * writes]
    return total(parts)
