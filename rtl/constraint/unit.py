"""The unit beside the lanes that computes edge weights and edge sums, one vector at a time."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat, Mux, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from ...model.formats import CODEBOOK_BITS, ceil_log2
from ..bus.axi import ADDRESS_BITS
from ..bus.fetch import range_layout
from ..bus.width import BLOCK_BITS, WORD_BITS
from ..bus.write import write_command_layout
from ..pipeline import wire
from ..shape import CODEBOOK_SLOTS, COUNT_BITS, Shape
from ..tables import row_layout
from .accumulate import Accumulate
from .chunk_finish import ChunkFinish
from .columns import ColumnSum
from .control import EdgeControl
from .encode import EdgeEncode
from .encode_control import EncodeControl
from .layouts import CELL_BITS, INVERSE_BITS, ROW_SHIFT_BITS, cell_layout
from .list_words import ListWords
from .output import EdgeOutput
from .prepare import Prepare
from .term_list import TermList
from .term_walk import TermFetch, TermWalk, piece_codes


class EdgeSettings(wiring.Signature):
    """What the unit needs of the descriptor; it holds while the unit is running."""

    def __init__(self, shape: Shape) -> None:
        own = {"row_leaks": Out(1), "inverse": Out(INVERSE_BITS), "row_shift": Out(ROW_SHIFT_BITS)}
        super().__init__(
            {
                **(own if shape.config.row_leaks else {}),
                "is_sums": Out(1),
                "inputs": Out(COUNT_BITS),
                "vectors": Out(COUNT_BITS),
                "list_blocks": Out(COUNT_BITS),
                "row_sums": Out(ADDRESS_BITS),
                "results": Out(ADDRESS_BITS),
                "result_stride": Out(COUNT_BITS),
                "is_dense": Out(1),
                "width": Out(2),
                "bits": Out(4),
                "codebook": Out(ceil_log2(CODEBOOK_SLOTS)),
                "closed_row": Out(COUNT_BITS),
            }
        )


class ConstraintUnit(wiring.Component):
    """Edge weights and edge sums (docs/ENGINE.md), from `start` while `running`, with the engine's stages at rest.

    It borrows two readers of whole blocks, the list of words, one codebook port, the row tables and the writer.
    `malformed` and `range_error` stay set until `clear_errors`. `stop` ends a run before the next vector.
    """

    settings: Any
    start: Signal
    running: Signal
    stop: Signal
    clear_errors: Signal
    malformed: Signal
    range_error: Signal
    words: stream.Interface
    first: stream.Interface
    first_blocks: stream.Interface
    second: stream.Interface
    second_blocks: stream.Interface
    lookup: Any
    lookup_enable: Signal
    level: Signal
    rows_read: Signal
    rows_word: Signal
    rows: Any
    command: stream.Interface
    beats: stream.Interface
    finish: Signal
    is_header: Signal
    written: Signal

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        config = shape.config
        super().__init__(
            {
                "settings": In(EdgeSettings(shape)),
                "start": In(1),
                "running": Out(1),
                "stop": In(1),
                "clear_errors": In(1),
                "malformed": Out(1),
                "range_error": Out(1),
                "words": In(stream.Signature(WORD_BITS)),
                "first": Out(stream.Signature(range_layout())),
                "first_blocks": In(stream.Signature(BLOCK_BITS)),
                "second": Out(stream.Signature(range_layout())),
                "second_blocks": In(stream.Signature(BLOCK_BITS)),
                "lookup": Out(
                    data.StructLayout({"index": config.greatest_index_bits, "slot": ceil_log2(CODEBOOK_SLOTS)})
                ),
                "lookup_enable": Out(1),
                "level": In(CODEBOOK_BITS),
                "rows_read": Out(1),
                "rows_word": Out(shape.word_bits),
                "rows": In(row_layout(shape)),
                "command": Out(stream.Signature(write_command_layout())),
                "beats": Out(stream.Signature(config.port_bits)),
                "finish": In(1),
                "is_header": Out(1),
                "written": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._is_sums = wire(m, self.settings.is_sums, "is_sums")
        self._list = m.submodules.list = ListWords()
        self._control = m.submodules.control = EdgeControl()
        self._prepare = m.submodules.prepare = Prepare(self.shape)
        self._columns = m.submodules.columns = ColumnSum(self.shape)
        self._terms = m.submodules.terms = TermList(self.shape)
        self._fetch = m.submodules.fetch = TermFetch()
        self._walk = m.submodules.walk = TermWalk(self.shape)
        self._accumulate = m.submodules.accumulate = Accumulate(self.shape)
        self._chunks = m.submodules.chunks = ChunkFinish(self.shape)
        self._passes = m.submodules.passes = EncodeControl(self.shape)
        self._encode = m.submodules.encode = EdgeEncode(self.shape)
        self._output = m.submodules.output = EdgeOutput(self.shape)
        self._connect_list(m)
        self._connect_weights(m)
        self._connect_sums(m)
        self._connect_readers(m)
        self._connect_chunks(m)
        self._connect_encode(m)
        self._connect_cells(m)
        self._errors(m)
        return m

    def _connect_list(self, m: Module) -> None:
        settings, control = self.settings, self._control
        readers = (control, self._columns, self._terms)
        wiring.connect(m, wiring.flipped(self.words), self._list.source)
        m.d.comb += [
            self._list.start.eq(self.start),
            self._list.blocks.eq(settings.list_blocks),
            self._list.drop.eq(control.drop),
            self._list.words.ready.eq(Cat(reader.words.ready for reader in readers).any()),
            control.start.eq(self.start),
            control.is_sums.eq(self._is_sums),
            control.vectors.eq(settings.vectors),
            control.results.eq(settings.results),
            control.result_stride.eq(settings.result_stride),
            control.stop.eq(self.stop),
            control.failed.eq(self._terms.failed),
            control.excess.eq(self._list.excess),
            control.worked.eq(Mux(self._is_sums, self._chunks.done, self._prepare.done & self._columns.done)),
            control.encoded.eq(self._output.done),
            control.written.eq(self.written),
            self.running.eq(control.running),
        ]
        for reader in readers:
            m.d.comb += [
                reader.words.payload.eq(self._list.words.payload),
                reader.words.valid.eq(self._list.words.valid),
                reader.spent.eq(self._list.spent),
            ]

    def _connect_weights(self, m: Module) -> None:
        settings, control, prepare, columns = self.settings, self._control, self._prepare, self._columns
        begin = wire(m, control.begin & ~self._is_sums, "begin_weights")
        m.d.comb += [
            prepare.begin.eq(begin),
            prepare.others.eq(control.others),
            prepare.address.eq(settings.row_sums),
            prepare.inputs.eq(settings.inputs),
            columns.begin.eq(begin),
            columns.count.eq(control.count),
            columns.others.eq(control.others),
            columns.may_decode.eq(prepare.done),
            columns.inputs.eq(settings.inputs),
            columns.is_dense.eq(settings.is_dense),
            columns.width.eq(settings.width),
            columns.bits.eq(settings.bits),
            columns.codebook.eq(settings.codebook),
            self.lookup.eq(columns.lookup),
            self.lookup_enable.eq(columns.lookup_enable),
            columns.level.eq(self.level),
        ]

    def _connect_sums(self, m: Module) -> None:
        inputs, control, terms = self.settings.inputs, self._control, self._terms
        begin = wire(m, control.begin & self._is_sums, "begin_sums")
        m.d.comb += [
            terms.begin.eq(begin),
            terms.count.eq(control.count),
            self._chunks.start.eq(begin),
            self._chunks.inputs.eq(inputs),
        ]
        for number, walk in enumerate((self._fetch, self._walk)):
            m.d.comb += [
                walk.start.eq(terms.loaded),
                walk.count.eq(control.count),
                walk.inputs.eq(inputs),
                terms.addresses[number].eq(walk.address),
            ]
        m.d.comb += [self._fetch.term.eq(terms.terms[0]), self._walk.is_single.eq(terms.terms[1].is_single)]
        walk, piece = self._walk, self._accumulate.piece
        bits = piece_codes(self.shape) * 16
        m.d.comb += [
            piece.valid.eq(walk.take),
            piece.first.as_value().eq(self.first_blocks.payload.word_select(walk.piece, bits)),
            piece.second.as_value().eq(self.second_blocks.payload.word_select(walk.piece, bits)),
            piece.exponent.eq(terms.terms[1].exponent),
            piece.is_single.eq(terms.terms[1].is_single),
            piece.place.eq(walk.place),
            piece.buffer.eq(walk.buffer),
            piece.is_first.eq(walk.is_first),
            piece.finds.eq(walk.finds),
            piece.adds.eq(walk.adds),
        ]

    def _connect_readers(self, m: Module) -> None:
        """Sums: both factors. Weights: row sums and columns."""
        pairs = (
            (self.first, self.first_blocks, self._fetch.first, self._prepare),
            (self.second, self.second_blocks, self._fetch.second, self._columns),
        )
        for (ranges, blocks, factor, weights), (valid, ready) in zip(
            pairs,
            (
                (self._walk.first_valid, self._walk.first_ready),
                (self._walk.second_valid, self._walk.second_ready),
            ),
            strict=True,
        ):
            m.d.comb += [
                ranges.valid.eq(Mux(self._is_sums, factor.valid, weights.ranges.valid)),
                ranges.payload.eq(Mux(self._is_sums, factor.payload.as_value(), weights.ranges.payload.as_value())),
                factor.ready.eq(ranges.ready & self._is_sums),
                weights.ranges.ready.eq(ranges.ready & ~self._is_sums),
                valid.eq(blocks.valid & self._is_sums),
                weights.blocks.valid.eq(blocks.valid & ~self._is_sums),
                weights.blocks.payload.eq(blocks.payload),
                blocks.ready.eq(Mux(self._is_sums, ready, weights.blocks.ready)),
            ]

    def _connect_chunks(self, m: Module) -> None:
        walk, chunks, sums, chunk = self._walk, self._chunks, self._accumulate, self._encode.chunk
        m.d.comb += [
            chunks.claimed.eq(walk.claimed),
            chunks.claimed_buffer.eq(walk.buffer),
            chunks.filled.eq(walk.filled),
            walk.busy.eq(chunks.busy),
            sums.enable.eq(self._control.running),
            sums.read.eq(chunks.read),
            sums.read_buffer.eq(chunks.buffer),
            sums.read_place.eq(chunks.place),
            chunk.valid.eq(chunks.valid),
            chunk.element.eq(chunks.element),
        ]
        for shown, kept in ((chunk.sums, sums.sums), (chunk.greatest, sums.greatest)):
            m.d.comb += shown.as_value().eq(kept.as_value().word_select(chunks.part, len(shown.as_value())))

    def _connect_encode(self, m: Module) -> None:
        control, passes, encode, output = self._control, self._passes, self._encode, self._output
        wiring.connect(m, output.command, wiring.flipped(self.command))
        wiring.connect(m, output.beats, wiring.flipped(self.beats))
        m.d.comb += [
            passes.start.eq(control.encode),
            passes.is_sums.eq(self._is_sums),
            passes.inputs.eq(self.settings.inputs),
            passes.popped.eq(output.popped),
            encode.enable.eq(control.running),
            encode.is_sums.eq(self._is_sums),
            encode.begin.eq(control.begin),
            encode.inputs.eq(self.settings.inputs),
            encode.leak.eq(control.leak),
            encode.zero_leak.eq(control.zero_leak),
            encode.closed_row.eq(self.settings.closed_row),
            encode.issue.eq(passes.issue),
            encode.encodes.eq(passes.encodes),
            encode.word.eq(passes.word),
            encode.is_last.eq(passes.is_last),
            encode.settle.eq(passes.settle),
            self.rows_read.eq(encode.rows_read),
            self.rows_word.eq(passes.word),
            encode.rows.eq(self.rows),
            output.start.eq(control.encode),
            output.inputs.eq(self.settings.inputs),
            output.destination.eq(control.destination),
            output.result.eq(control.result),
            output.exponent.eq(encode.exponent),
            output.coded.eq(encode.coded),
            output.coded_last.eq(encode.coded_last),
            output.codes.eq(encode.codes),
            output.finish.eq(self.finish),
            self.is_header.eq(output.is_header),
        ]

        if self.shape.config.row_leaks:
            m.d.comb += [
                encode.row_leaks.eq(self.settings.row_leaks),
                encode.inverse.eq(self.settings.inverse),
                encode.row_shift.eq(self.settings.row_shift),
            ]

    def _connect_cells(self, m: Module) -> None:
        """The memory of element sums: written by one of three, read by one of two."""
        shape, elements = self.shape, self.shape.config.elements_per_cycle
        prepare, columns, encode = self._prepare, self._columns, self._encode
        m.submodules.cells = cells = memory.Memory(shape=elements * CELL_BITS, depth=shape.words, init=[])
        write, read = cells.write_port(granularity=CELL_BITS), cells.read_port()
        prepared = Signal(data.ArrayLayout(cell_layout(), elements))
        added = Signal(cell_layout())
        m.d.comb += [
            added.mantissa.eq(columns.new),
            read.addr.eq(Mux(columns.read, columns.read_index[shape.slot_bits :], encode.cells_word)),
            read.en.eq(columns.read | encode.cells_read),
            encode.cells.as_value().eq(read.data),
        ]
        m.d.comb += [prepared[slot].mantissa.eq(level_sum) for slot, level_sum in enumerate(prepare.sums)]
        slot = wire(m, columns.write_index[: shape.slot_bits], "written_slot")
        read_cells: list[Value] = [read.data.word_select(number, CELL_BITS) for number in range(elements)]
        old = Signal(cell_layout())
        m.d.comb += [old.as_value().eq(Array(read_cells)[slot]), columns.old.eq(old.mantissa)]
        with m.If(self._is_sums):
            m.d.comb += [
                write.addr.eq(encode.cell_word),
                write.data.eq(encode.cell.as_value()),
                write.en.eq(encode.cell_write),
            ]
        with m.Elif(prepare.write):
            m.d.comb += [
                write.addr.eq(prepare.word),
                write.data.eq(prepared.as_value()),
                write.en.eq((1 << elements) - 1),
            ]
        with m.Else():
            m.d.comb += [
                write.addr.eq(columns.write_index[shape.slot_bits :]),
                write.data.eq(added.as_value().replicate(elements)),
                write.en.eq(columns.write << slot),
            ]

    def _errors(self, m: Module) -> None:
        with m.If(self._control.wrong | (self._columns.wrong & self.running)):
            m.d.sync += self.malformed.eq(1)
        with m.If(self._encode.out_of_range):
            m.d.sync += self.range_error.eq(1)
        with m.If(self.clear_errors):
            m.d.sync += [self.malformed.eq(0), self.range_error.eq(0)]
