"""Blocks to entries in whichever layout an operation uses."""

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.config import Layout
from ..bus.width import BLOCK_BITS, BlocksToWords
from ..shape import COUNT_BITS, Shape
from .budget import BlockBudget
from .dense import DenseDecoder
from .entry import entries_layout
from .sparse import FIRST_BITS, SparseDecoder


def command_layout() -> data.StructLayout:
    """One list or stream in `blocks` blocks: `entries` (sparse), or `outputs` lists of `inputs` indices (dense)."""
    return data.StructLayout(
        {
            "blocks": COUNT_BITS,
            "entries": COUNT_BITS,
            "inputs": COUNT_BITS,
            "outputs": COUNT_BITS,
            "first": FIRST_BITS,
        }
    )


class EntryDecoder(wiring.Component):
    """The decoders that were built, one of them at work: `is_dense`, `width` and `bits` hold for a whole operation.

    `wrong` is set in a cycle that shows that a command's blocks are not those of its entries (`BlockBudget`).
    """

    is_dense: Any
    width: Any
    bits: Any
    command: stream.Interface
    blocks: stream.Interface
    entries: stream.Interface
    wrong: Signal

    def __init__(self, shape: Shape, slots: int) -> None:
        self.shape, self.slots = shape, slots
        super().__init__(
            {
                "is_dense": In(1),
                "width": In(2),
                "bits": In(4),
                "command": In(stream.Signature(command_layout())),
                "blocks": In(stream.Signature(BLOCK_BITS)),
                "entries": Out(stream.Signature(entries_layout(shape, slots))),
                "wrong": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.budget = self._budget = BlockBudget()
        wiring.connect(m, wiring.flipped(self.blocks), self._budget.source)
        m.d.comb += [
            self._budget.begin.eq(self.command.valid & self.command.ready),
            self._budget.blocks.eq(self.command.payload.blocks),
            self.wrong.eq(self._budget.wrong),
        ]
        layouts = self.shape.config.layouts
        if layouts == frozenset({Layout.SPARSE}):
            self._sparse(m)
        elif layouts == frozenset({Layout.DENSE}):
            self._dense(m)
        else:
            with m.If(self.is_dense):
                self._dense(m)
            with m.Else():
                self._sparse(m)
        return m

    def _sparse(self, m: Module) -> None:
        m.submodules.sparse = sparse = SparseDecoder(self.shape, self.slots)
        command = self.command.payload
        m.d.comb += [
            sparse.command.payload.entries.eq(command.entries),
            sparse.command.payload.first.eq(command.first),
            sparse.command.payload.width.eq(self.width),
            sparse.command.payload.bits.eq(self.bits),
            sparse.blocks.payload.eq(self._budget.sink.payload),
        ]
        self._join(m, sparse)
        m.d.comb += [
            sparse.blocks.valid.eq(self._budget.sink.valid),
            self._budget.sink.ready.eq(sparse.blocks.ready),
        ]

    def _dense(self, m: Module) -> None:
        m.submodules.dense = dense = DenseDecoder(self.shape, self.slots)
        m.submodules.words = words = BlocksToWords()
        command = self.command.payload
        m.d.comb += [
            dense.command.payload.inputs.eq(command.inputs),
            dense.command.payload.outputs.eq(command.outputs),
            dense.command.payload.first.eq(command.first),
            dense.command.payload.bits.eq(self.bits),
            dense.words.payload.eq(words.words.payload),
            dense.words.valid.eq(words.words.valid),
            words.words.ready.eq(dense.words.ready),
            words.skip.eq(dense.skip),
            words.blocks.payload.eq(self._budget.sink.payload),
            words.blocks.valid.eq(self._budget.sink.valid),
            self._budget.sink.ready.eq(words.blocks.ready),
        ]
        self._join(m, dense)

    def _join(self, m: Module, decoder: Any) -> None:
        m.d.comb += [
            decoder.command.valid.eq(self.command.valid & self._budget.clean),
            self.command.ready.eq(decoder.command.ready & self._budget.clean),
            self._budget.done.eq(decoder.command.ready),
            self.entries.payload.eq(decoder.entries.payload),
            self.entries.valid.eq(decoder.entries.valid),
            decoder.entries.ready.eq(self.entries.ready),
        ]
