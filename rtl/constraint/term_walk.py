"""The order in which the terms of a vector are fetched and added: chunk, round, term."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Mux
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..bus.axi import ADDRESS_BITS
from ..bus.fetch import BLOCK_SHIFT, range_layout
from ..pipeline import wire
from ..shape import COUNT_BITS, Shape
from .layouts import CHUNK_BLOCKS, CODES_PER_BLOCK, MOST_TERMS, kept_term_layout
from .term_list import TERM_BITS


def blocks_of(m: Module, inputs: Signal) -> Signal:
    """Return the blocks of a vector."""
    return wire(m, (inputs + (CODES_PER_BLOCK - 1)) >> ceil_log2(CODES_PER_BLOCK), "vector_blocks")


class Walk:
    """Counters of chunk, round and term; `step` (a cycle) goes on to the next term.

    One term needs no round for the greatest exponent: it is its own. `next_term` is what `term` will be in the next
    cycle: the address of a memory whose data are then those of `term`.
    """

    def __init__(self, m: Module, start: Signal, count: Signal, blocks: Signal, step: Signal) -> None:
        self.active = Signal()
        self.term, self.round, self.block = Signal(TERM_BITS), Signal(), Signal(COUNT_BITS)
        self.next_term = Signal(TERM_BITS)
        left = wire(m, (blocks - self.block)[:COUNT_BITS], "blocks_left")
        self.chunk_blocks = wire(m, Mux(left < CHUNK_BLOCKS, left, CHUNK_BLOCKS)[:3], "chunk_blocks")
        self.is_last_term = wire(m, self.term + 1 == count, "is_last_term")
        self.is_last_round = wire(m, self.round | (count == 1), "is_last_round")
        m.d.comb += self.next_term.eq(self.term)
        with m.If(step):
            m.d.comb += self.next_term.eq(Mux(self.is_last_term, 0, self.term + 1))
            with m.If(self.is_last_term):
                m.d.sync += self.round.eq(~self.is_last_round)
                with m.If(self.is_last_round):
                    m.d.sync += [self.block.eq(self.block + CHUNK_BLOCKS), self.active.eq(left > CHUNK_BLOCKS)]
        with m.If(start):
            m.d.comb += self.next_term.eq(0)
            m.d.sync += [self.active.eq(1), self.round.eq(0), self.block.eq(0)]
        m.d.sync += self.term.eq(self.next_term)


class TermFetch(wiring.Component):
    """From `start`, asks for a chunk of both vectors of each term, in the order in which they are added.

    One term a cycle where the fetchers take it; a lone factor asks for one vector.
    """

    start: Signal
    count: Signal
    inputs: Signal
    address: Signal
    term: Any
    first: stream.Interface
    second: stream.Interface

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "count": In(range(MOST_TERMS + 1)),
                "inputs": In(COUNT_BITS),
                "address": Out(TERM_BITS),
                "term": In(kept_term_layout()),
                "first": Out(stream.Signature(range_layout())),
                "second": Out(stream.Signature(range_layout())),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step = Signal()
        walk = Walk(m, self.start, self.count, blocks_of(m, self.inputs), step)
        asked = [Signal(name=f"asked_{name}") for name in ("first", "second")]
        skips = [0, self.term.is_single]
        done: list[Any] = []
        for ask, was, skip, address in zip(
            (self.first, self.second), asked, skips, (self.term.first, self.term.second), strict=True
        ):
            m.d.comb += [
                ask.valid.eq(walk.active & ~was & ~skip),
                ask.payload.address.eq((address + (walk.block << BLOCK_SHIFT))[:ADDRESS_BITS]),
                ask.payload.blocks.eq(walk.chunk_blocks),
            ]
            done.append(was | skip | ask.ready)
        m.d.comb += [step.eq(walk.active & done[0] & done[1]), self.address.eq(walk.next_term)]
        for was, is_done in zip(asked, done, strict=True):
            m.d.sync += was.eq(walk.active & is_done & ~step)
        return m


class TermWalk(wiring.Component):
    """From `start`, takes what `TermFetch` asked for: a piece of port_bits / 32 codes of each factor a cycle.

    A chunk is begun when its buffer (of two, in turn) is not `busy`; `claimed` marks its first piece, `filled` its
    last one.
    """

    start: Signal
    count: Signal
    inputs: Signal
    address: Signal
    is_single: Signal
    first_valid: Signal
    first_ready: Signal
    second_valid: Signal
    second_ready: Signal
    busy: Signal
    take: Signal
    piece: Signal
    place: Signal
    buffer: Signal
    is_first: Signal
    finds: Signal
    adds: Signal
    claimed: Signal
    filled: Signal

    def __init__(self, shape: Shape) -> None:
        pieces = pieces_per_block(shape)
        self.pieces = pieces
        super().__init__(
            {
                "start": In(1),
                "count": In(range(MOST_TERMS + 1)),
                "inputs": In(COUNT_BITS),
                "address": Out(TERM_BITS),
                "is_single": In(1),
                "first_valid": In(1),
                "first_ready": Out(1),
                "second_valid": In(1),
                "second_ready": Out(1),
                "busy": In(2),
                "take": Out(1),
                "piece": Out(ceil_log2(pieces)),
                "place": Out(ceil_log2(pieces * CHUNK_BLOCKS)),
                "buffer": Out(1),
                "is_first": Out(1),
                "finds": Out(1),
                "adds": Out(1),
                "claimed": Out(1),
                "filled": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step = Signal()
        walk = Walk(m, self.start, self.count, blocks_of(m, self.inputs), step)
        buffer = self.buffer
        is_block_end = wire(m, self.piece == self.pieces - 1, "is_block_end")
        block = self.place[ceil_log2(self.pieces) :]
        is_chunk_end = wire(m, is_block_end & (block + 1 == walk.chunk_blocks), "is_chunk_end")
        begins = wire(m, (walk.term == 0) & ~walk.round & (self.place == 0), "begins")
        is_there = self.first_valid & (self.second_valid | self.is_single)
        is_busy = self.busy.bit_select(buffer, 1)
        m.d.comb += [
            self.address.eq(walk.next_term),
            self.piece.eq(self.place[: ceil_log2(self.pieces)]),
            self.take.eq(walk.active & is_there & ~(begins & is_busy)),
            self.first_ready.eq(self.take & is_block_end),
            self.second_ready.eq(self.first_ready & ~self.is_single),
            self.is_first.eq(walk.term == 0),
            self.finds.eq(~walk.round),
            self.adds.eq(walk.is_last_round),
            self.claimed.eq(self.take & begins),
            self.filled.eq(step & walk.is_last_term & walk.is_last_round),
            step.eq(self.take & is_chunk_end),
        ]
        with m.If(self.take):
            m.d.sync += self.place.eq(Mux(is_chunk_end, 0, self.place + 1))
        with m.If(self.filled):
            m.d.sync += buffer.eq(~buffer)
        with m.If(self.start):
            m.d.sync += [self.place.eq(0), buffer.eq(0)]
        return m


def piece_codes(shape: Shape) -> int:
    """Codes of each factor that are multiplied in a cycle: as many as the port brings of two vectors."""
    return shape.config.codes_per_beat // 2


def pieces_per_block(shape: Shape) -> int:
    """Cycles that a block of codes lasts."""
    return CODES_PER_BLOCK // piece_codes(shape)
