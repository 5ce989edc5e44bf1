"""Which sums of a finished chunk are read when, and where their elements lie."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..finish import Finisher
from ..pipeline import delayed, wire
from ..shape import COUNT_BITS, Shape
from .accumulate import BUFFERS, Accumulate
from .layouts import CHUNK_BLOCKS, CODES_PER_BLOCK
from .term_walk import blocks_of, piece_codes

BUFFER_BITS = ceil_log2(BUFFERS)


def finished_per_cycle(shape: Shape) -> int:
    """Elements that leave a chunk in a cycle."""
    return min(piece_codes(shape), shape.config.elements_per_cycle)


class ChunkFinish(wiring.Component):
    """Reads chunk after chunk in the order in which they were filled, some elements a cycle, and frees its buffer.

    `busy` keeps a buffer from `claimed` until its last elements are read. `part` and `element` (the number of the
    first element) are those of the cycle after `read`. All chunks of a vector are `done` when what was read last
    has come `drain` cycles further.
    """

    drain = Finisher.latency + 1
    """After the cycle that follows the last read: the sums are finished, their lengths enter the maximum."""

    start: Signal
    inputs: Signal
    claimed: Signal
    claimed_buffer: Signal
    filled: Signal
    busy: Signal
    read: Signal
    buffer: Signal
    place: Signal
    valid: Signal
    part: Signal
    element: Signal
    done: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.elements = finished_per_cycle(shape)
        self.parts = piece_codes(shape) // self.elements
        places = CHUNK_BLOCKS * CODES_PER_BLOCK // piece_codes(shape)
        super().__init__(
            {
                "start": In(1),
                "inputs": In(COUNT_BITS),
                "claimed": In(1),
                "claimed_buffer": In(1),
                "filled": In(1),
                "busy": Out(BUFFERS),
                "read": Out(1),
                "buffer": Out(1),
                "place": Out(ceil_log2(places)),
                "valid": Out(1),
                "part": Out(ceil_log2(self.parts)),
                "element": Out(COUNT_BITS),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        blocks = blocks_of(m, self.inputs)
        block, step, active = Signal(COUNT_BITS), Signal(COUNT_BITS), Signal()
        left = wire(m, (blocks - block)[:COUNT_BITS], "blocks_left")
        chunk_blocks = wire(m, Mux(left < CHUNK_BLOCKS, left, CHUNK_BLOCKS), "chunk_blocks")
        steps = wire(m, chunk_blocks * (CODES_PER_BLOCK // self.elements), "steps")
        filled = wire(m, delayed(m, self.filled, Accumulate.latency - 1, "filled"), "sums_filled")
        waiting = Signal(range(BUFFERS + 1))
        is_last = wire(m, self.read & (step + 1 == steps), "is_last")
        quiet = Signal(range(self.drain + 1))
        m.d.comb += [
            self.read.eq(active & waiting.any()),
            self.place.eq(step >> ceil_log2(self.parts)),
            self.done.eq(~active & (quiet == 0)),
        ]
        m.d.sync += [
            waiting.eq(waiting + filled - is_last),
            self.valid.eq(self.read),
            self.part.eq(step[: ceil_log2(self.parts)]),
            self.element.eq((block << ceil_log2(CODES_PER_BLOCK)) + (step << ceil_log2(self.elements))),
        ]
        released = wire(m, is_last << self.buffer, "released")
        claims = wire(m, self.claimed << self.claimed_buffer, "claims")
        m.d.sync += self.busy.eq((self.busy | claims) & ~released)
        with m.If(self.read):
            m.d.sync += step.eq(Mux(is_last, 0, step + 1))
            with m.If(is_last):
                m.d.sync += [
                    block.eq(block + CHUNK_BLOCKS),
                    self.buffer.eq(~self.buffer),
                    active.eq(left > CHUNK_BLOCKS),
                    quiet.eq(self.drain),
                ]
        with m.Elif(quiet.any()):
            m.d.sync += quiet.eq(quiet - 1)
        with m.If(self.start):
            m.d.sync += [block.eq(0), step.eq(0), active.eq(1), self.buffer.eq(0)]
        return m
