"""Performance counters: declared where they count, read through registers, listed in the manifest."""

from dataclasses import dataclass
from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, ValueLike

COUNTER_BITS = 48


@dataclass(frozen=True)
class Counter:
    """One counter: `unit.event`, what it counts, in which unit."""

    name: str
    unit: str
    meaning: str


COUNTERS = (
    Counter("engine.cycles", "cycles", "a descriptor was at work"),
    Counter("gather.busy", "cycles", "entries or a group's header were issued"),
    Counter("gather.stall_input", "cycles", "the next group's z was not ready"),
    Counter("gather.stall_output", "cycles", "results had nowhere to go"),
    Counter("gather.stall_memory", "cycles", "no entries had arrived"),
    Counter("gather.idle", "cycles", "no group was left to gather: set-up and drain of the descriptor"),
    Counter("gather.entries", "entries", "entries taken from the weight stream, zeros of the dense layout included"),
    Counter("gather.multiply_accumulates", "operations", "entries times the active lanes that they served"),
    Counter("passes.words", "cycles", "words of W elements issued by element passes"),
    Counter("edges.cycles", "cycles", "the constraint unit was at work"),
    Counter("read.descriptors", "bytes", "descriptors read on the port"),
    Counter("read.tables", "bytes", "row constants, codebooks, maps and row sums read on the port"),
    Counter("read.records", "bytes", "vector records and lists of edges read on the port"),
    Counter("read.lists", "bytes", "lists of columns read on the port"),
    Counter("read.emissions", "bytes", "emission columns and columns of edges read on the port"),
    Counter("read.vectors", "bytes", "vectors read on the port, terms of edge sums as often as they are walked"),
    Counter("read.weights", "bytes", "weight stream read on the port, refetches included"),
    Counter("read.copies", "bytes", "blocks to copy read on the port"),
    Counter("write.vectors", "bytes", "vectors written on the port, whole beats"),
    Counter("write.headers", "bytes", "headers of vector results written on the port, whole beats"),
    Counter("write.scores", "bytes", "headers and records of scores written on the port, whole beats"),
    Counter("write.copies", "bytes", "copied blocks written on the port"),
    Counter("local.words", "bytes", "descriptors, tables and records read in the local memory"),
    Counter("local.lists", "bytes", "lists of columns read in the local memory"),
    Counter("local.emissions", "bytes", "emission columns read in the local memory"),
    Counter("local.vectors", "bytes", "vectors read in the local memory"),
    Counter("local.weights", "bytes", "weight stream read in the local memory, each group's pass counts"),
    Counter("local.copies", "bytes", "blocks to copy read in the local memory"),
    Counter("local.written", "bytes", "whatever was written into the local memory, whole beats"),
)
"""In order of their registers. In every cycle of `engine.cycles` exactly one of the five cycle counters of `gather`
counts: idle, else busy, else input, output, memory."""


class CounterBank:
    """The counters of one engine; each event adds its amount in the cycle that it happens."""

    def __init__(self) -> None:
        self._amounts: dict[str, ValueLike] = {}

    def count(self, name: str, amount: ValueLike) -> None:
        """Let `name` grow by `amount`; raises KeyError for a name that COUNTERS does not list."""
        if name not in {counter.name for counter in COUNTERS}:
            raise KeyError(f"{name!r} is not a counter: add it to COUNTERS")
        self._amounts[name] = amount

    def elaborate(self, m: Module, clear: Signal) -> Array[Any]:
        """Add the registers to `m` and return them in order; raises ValueError when a counter never counts."""
        missing = [counter.name for counter in COUNTERS if counter.name not in self._amounts]
        if missing:
            raise ValueError(f"these counters count nothing: {', '.join(missing)}")
        registers: list[Signal] = []
        for counter in COUNTERS:
            register = Signal(COUNTER_BITS, name=counter.name.replace(".", "_"))
            with m.If(clear):
                m.d.sync += register.eq(0)
            with m.Else():
                m.d.sync += register.eq(register + self._amounts[counter.name])
            registers.append(register)
        return Array(registers)
