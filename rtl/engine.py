"""The engine: the shared control, P lanes, one memory port, one register port."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.config import AcceleratorConfig
from .bus.arbiter import ReadArbiter
from .bus.axi import MemoryPort
from .bus.fetch import Fetcher
from .bus.width import BeatsToBlocks, BlocksToWords
from .bus.write import BurstWriter
from .emission_load import EmissionLoad
from .engine_counters import READERS, Watched, count_events
from .gather_control import GatherControl
from .group_input import GroupInput
from .group_load import GroupLoad
from .group_output import GroupOutput
from .instances import place
from .lane import Lane
from .leak import LeakUnit
from .operation import LayoutCode, Opcode, constant_of
from .passes import ElementPasses
from .pipeline import wire
from .registers import RegisterPort, Registers
from .result_rows import RowSource, VectorSource
from .sequencer import Sequencer
from .shape import BUFFERS, Shape
from .tables import Codebooks, RowTables, Table
from .vector_load import VectorLoad
from .weight_stream import WeightStream

LANE_MODULE = "normq_lane"
"""Name of the Verilog module of one lane."""

STREAM_BUFFER_BYTES = 4096
"""Buffer of the weight stream: hides 64 cycles of latency on a fully used 512-bit port."""
OTHER_BUFFER_BYTES = 2048


class Engine(wiring.Component):
    """The matrix engine of a configuration: forward, backward and scores, started by descriptors in memory.

    The `memory` port is an AXI4 manager; `csr` the register port (`registers.Register`); `interrupt` rises when a
    descriptor completes. Lanes are instances of the Verilog module `LANE_MODULE`, emitted on its own (`parts`).
    """

    memory: Any
    csr: Any
    interrupt: Signal

    def __init__(self, config: AcceleratorConfig) -> None:
        self.config = config
        self.shape = Shape(config)
        self._lane = Lane(self.shape)
        super().__init__(
            {
                "memory": Out(MemoryPort(config.port_bits)),
                "csr": In(RegisterPort()),
                "interrupt": Out(1),
            }
        )

    def parts(self) -> dict[str, wiring.Component]:
        """Modules that the engine's Verilog refers to but does not hold."""
        return {LANE_MODULE: self._lane}

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._make(m)
        self._connect_reads(m)
        self._connect_settings(m)
        self._connect_tables(m)
        self._connect_input(m)
        self._connect_gather(m)
        self._connect_output(m)
        self._connect_lanes(m)
        self._connect_buffers(m)
        self._connect_registers(m)
        return m

    # --- components -------------------------------------------------------------------------------------------

    def _make(self, m: Module) -> None:
        shape, config = self.shape, self.config
        port_bits = config.port_bits
        m.submodules.arbiter = self._arbiter = ReadArbiter(len(READERS), port_bits)
        m.submodules.registers = self._registers = Registers()
        m.submodules.sequencer = self._sequencer = Sequencer(shape)
        m.submodules.rows = self._rows = RowTables(shape)
        m.submodules.codebooks = self._codebooks = Codebooks(config.greatest_index_bits, config.entries_per_cycle + 1)
        m.submodules.load = self._load = GroupLoad(shape)
        m.submodules.input = self._input = GroupInput(shape)
        m.submodules.vectors = self._vectors = VectorLoad(shape)
        m.submodules.emissions = self._emissions = EmissionLoad(shape)
        m.submodules.passes = self._passes = ElementPasses(shape)
        m.submodules.leak = self._leak = LeakUnit(shape)
        m.submodules.stream = self._stream = WeightStream(shape)
        m.submodules.gather = self._gather = GatherControl(shape)
        m.submodules.output = self._output = GroupOutput(shape)
        m.submodules.score_rows = self._score_rows = RowSource(shape)
        m.submodules.vector_beats = self._vector_beats = VectorSource(shape)
        m.submodules.writer = self._writer = BurstWriter(port_bits)
        signature = self._lane.signature
        self._lanes = [place(m, LANE_MODULE, f"lane_{p}", signature) for p in range(config.lanes)]

    # --- reading ----------------------------------------------------------------------------------------------

    def _connect_reads(self, m: Module) -> None:
        port_bits = self.config.port_bits
        arbiter = self._arbiter
        words = BlocksToWords()
        m.submodules.words = words
        consumers = {
            "words": (self._sequencer.ranges, words.blocks),
            "emissions": (self._emissions.ranges, self._emissions.blocks),
            "weights": (self._stream.ranges, self._stream.blocks),
        }
        for index, name in enumerate(READERS):
            size = STREAM_BUFFER_BYTES if name == "weights" else OTHER_BUFFER_BYTES
            m.submodules[f"fetch_{name}"] = fetcher = Fetcher(port_bits, size)
            wiring.connect(m, fetcher.request, arbiter.requests[index])
            wiring.connect(m, arbiter.returned[index], fetcher.returned)
            if name == "vectors":
                wiring.connect(m, self._vectors.ranges, fetcher.ranges)
                wiring.connect(m, fetcher.beats, self._vectors.beats)
            else:
                ranges, blocks = consumers[name]
                m.submodules[f"blocks_{name}"] = assembler = BeatsToBlocks(port_bits)
                wiring.connect(m, ranges, fetcher.ranges)
                wiring.connect(m, fetcher.beats, assembler.beats)
                wiring.connect(m, assembler.blocks, blocks)
        wiring.connect(m, arbiter.ar, wiring.flipped(self.memory.ar))
        wiring.connect(m, wiring.flipped(self.memory.r), arbiter.r)
        sequencer, load = self._sequencer, self._load
        for consumer in (sequencer, load):
            m.d.comb += [
                consumer.words.payload.eq(words.words.payload),
                consumer.words.valid.eq(words.words.valid),
            ]
        m.d.comb += [
            words.words.ready.eq(sequencer.words.ready | load.words.ready),
            words.skip.eq(sequencer.skip_word | load.skip),
            arbiter.clear_error.eq(sequencer.clear_errors),
        ]

    # --- settings ---------------------------------------------------------------------------------------------

    def _connect_settings(self, m: Module) -> None:
        """Every stage gets its fields of the descriptor."""
        sequencer = self._sequencer
        d, groups, start = sequencer.descriptor, sequencer.groups, sequencer.start
        opcode = Opcode(d.opcode)
        is_dense = wire(m, d.layout == LayoutCode.DENSE.value, "is_dense")
        is_score = wire(m, d.opcode == Opcode.SCORES.value, "is_score")
        self._is_score = is_score
        stream, gather, passes = self._stream.settings, self._gather.settings, self._passes.settings
        output = self._output.settings
        m.d.comb += [
            stream.is_dense.eq(is_dense),
            stream.width.eq(d.entry_width),
            stream.bits.eq(d.index_bits),
            stream.groups.eq(groups),
            stream.address.eq(d.stream),
            stream.blocks.eq(d.stream_blocks),
            stream.entries.eq(d.entries),
            stream.inputs.eq(d.inputs),
            stream.outputs.eq(d.outputs),
            gather.is_score.eq(is_score),
            gather.groups.eq(groups),
            gather.records.eq(d.records),
            gather.inputs.eq(d.inputs),
            gather.has_entries.eq(is_dense | d.entries.any()),
            gather.codebook.eq(d.codebook),
            passes.opcode.eq(opcode),
            passes.is_dense.eq(is_dense),
            passes.inputs.eq(d.inputs),
            passes.outputs.eq(d.outputs),
            passes.has_empty.eq(d.records != d.outputs),
            output.opcode.eq(opcode),
            output.groups.eq(groups),
            output.vectors.eq(d.vectors),
            output.outputs.eq(d.outputs),
            output.records.eq(d.records),
            output.results.eq(d.results),
            output.result_stride.eq(d.result_stride),
        ]
        constants = (
            (passes.emission_k1, d.emission_k1),
            (passes.emission_k0, d.emission_k0),
            (self._leak.k1, d.leak_k1),
            (self._leak.k0, d.leak_k0),
        )
        for target, source in constants:
            mantissa, shift = constant_of(source)
            m.d.comb += [target.mantissa.eq(mantissa), target.shift.eq(shift)]
        m.d.comb += [
            self._leak.right.eq(d.leak_right),
            self._leak.split.eq(d.opcode == Opcode.BACKWARD.value),
            self._emissions.is_dense.eq(is_dense),
            self._emissions.width.eq(d.entry_width),
            self._emissions.bits.eq(d.index_bits),
            self._emissions.codebook.eq(d.emission_codebook),
            self._vectors.inputs.eq(d.inputs),
            self._score_rows.records.eq(d.records),
            self._score_rows.restart.eq(start),
        ]
        for stage in (self._load, self._input):
            m.d.comb += [
                stage.settings.opcode.eq(opcode),
                stage.settings.vectors.eq(d.vectors),
                stage.settings.groups.eq(groups),
            ]
        m.d.comb += [
            stage.start.eq(start) for stage in (self._load, self._input, self._gather, self._output, self._stream)
        ]

    def _connect_tables(self, m: Module) -> None:
        sequencer, rows, codebooks = self._sequencer, self._rows, self._codebooks
        is_codebook = sequencer.table == Table.CODEBOOK
        value = sequencer.words.payload
        m.d.comb += [
            rows.write.eq(sequencer.table_write & ~is_codebook),
            rows.table.eq(sequencer.table),
            rows.tensor.eq(sequencer.descriptor.codebook),
            rows.address.eq(sequencer.table_address),
            rows.value.eq(value),
            codebooks.write.eq(sequencer.table_write & is_codebook),
            codebooks.slot.eq(sequencer.descriptor.codebook),
            codebooks.address.eq(sequencer.table_address),
            codebooks.value.eq(value),
        ]

    # --- stages -----------------------------------------------------------------------------------------------

    def _connect_input(self, m: Module) -> None:
        group, load, passes = self._input, self._load, self._passes
        vectors, emissions = self._vectors, self._emissions
        wiring.connect(m, group.pass_request, passes.input)
        m.d.comb += [
            vectors.start.eq(load.load_start),
            vectors.active.eq(load.active),
            vectors.sources.eq(load.sources),
            load.load_done.eq(vectors.done),
            emissions.start.eq(load.emission_start),
            emissions.active.eq(load.active),
            emissions.columns.eq(load.columns),
            load.emission_done.eq(emissions.done),
            load.begun.eq(passes.begun),
            load.ended.eq(passes.ended),
            load.taken.eq(group.taken),
            group.loaded.eq(load.loaded),
            group.load_active.eq(load.active),
            vectors.passed.eq(passes.passed),
            passes.loaded.eq(vectors.loaded),
            passes.rows.eq(self._rows.rows),
            self._rows.row_read.eq(passes.row_read),
            self._rows.row_word.eq(passes.row_word),
            passes.nonempty.eq(self._rows.nonempty),
            self._rows.map_read.eq(passes.map_read),
            self._rows.map_word.eq(passes.map_word),
            self._leak.start.eq(group.leak_start),
            self._leak.buffer.eq(group.buffer),
            group.leak_done.eq(self._leak.done),
        ]

    def _connect_gather(self, m: Module) -> None:
        gather, codebooks, emissions = self._gather, self._codebooks, self._emissions
        slots = self.config.entries_per_cycle
        wiring.connect(m, self._stream.entries, gather.entries)
        for slot in range(slots):
            m.d.comb += [
                codebooks.indices[slot].eq(gather.lookup[slot]),
                gather.levels[slot].eq(codebooks.levels[slot]),
            ]
        m.d.comb += [
            codebooks.indices[slots].eq(emissions.lookup),
            emissions.level.eq(codebooks.levels[slots]),
            codebooks.read.eq(gather.lookup_enable | emissions.lookup_enable),
            gather.row_taken.eq(self._score_rows.row_taken),
        ]

    def _connect_output(self, m: Module) -> None:
        output, rows, vector, writer = self._output, self._score_rows, self._vector_beats, self._writer
        wiring.connect(m, output.pass_request, self._passes.output)
        wiring.connect(m, output.command, writer.command)
        wiring.connect(m, writer.aw, wiring.flipped(self.memory.aw))
        wiring.connect(m, writer.w, wiring.flipped(self.memory.w))
        wiring.connect(m, wiring.flipped(self.memory.b), writer.b)
        is_score = self._is_score
        m.d.comb += [
            writer.clear_error.eq(self._sequencer.clear_errors),
            self._gather.clear_error.eq(self._sequencer.clear_errors),
            output.finish.eq(writer.finish),
            rows.finish.eq(writer.finish & is_score),
            vector.finish.eq(writer.finish & ~is_score),
            rows.start.eq(output.row_start),
            rows.rows_filled.eq(self._gather.rows_filled),
            rows.flush.eq(self._gather.malformed),
            output.header_taken.eq(rows.header_taken),
            vector.start.eq(output.vector_start),
            vector.lane.eq(output.lane),
            vector.is_header.eq(output.is_header),
            writer.beats.valid.eq(Mux(is_score, rows.beats.valid, vector.beats.valid)),
            writer.beats.payload.eq(Mux(is_score, rows.beats.payload, vector.beats.payload)),
            rows.beats.ready.eq(writer.beats.ready & is_score),
            vector.beats.ready.eq(writer.beats.ready & ~is_score),
            self._load.destination_group.eq(output.group),
            self._load.destination_lane.eq(output.lane),
            output.destination.eq(self._load.destination),
        ]

    # --- lanes ------------------------------------------------------------------------------------------------

    def _connect_lanes(self, m: Module) -> None:
        passes, gather = self._passes, self._gather
        sequencer = self._sequencer
        operand = Signal.like(passes.operand.as_value(), name="operand")
        m.d.comb += operand.eq(passes.operand.as_value())
        shown = passes.operand.shape()(operand)
        with m.If(sequencer.clearing):
            m.d.comb += [shown.clear_emission.eq(1), shown.word.eq(sequencer.table_address)]
        bank_read = Mux(self._is_score, self._score_rows.bank_read.as_value(), passes.bank_read.as_value())
        shared_bank_read = wire(m, bank_read, "bank_read")
        broadcast = {
            "setup": self._load.setup,
            "load": self._vectors.load,
            "emission": self._emissions.emission,
            "fetch": passes.fetch,
            "operand": operand,
            "kappa": passes.kappa,
            "scale_output": passes.scale_output,
            "maximum": passes.maximum,
            "finalize": passes.finalize,
            "store": passes.store,
            "leak_sum": passes.leak_sum,
            "leak": self._leak.leak,
            "read": gather.read,
            "factors": gather.factors,
            "last_segment": gather.last_segment,
            "last_carry": gather.last_carry,
            "total": gather.total,
            "result": gather.result,
            "bank_read": shared_bank_read,
            "y_beat": self._vector_beats.y_beat,
        }
        for number, lane in enumerate(self._lanes):
            m.d.comb += [getattr(lane, name).eq(value) for name, value in broadcast.items()]
            m.d.comb += [
                lane.setup_write.eq(self._load.setup_write[number]),
                lane.load_write.eq(self._vectors.load_write[number]),
                lane.emission_write.eq(self._emissions.emission_write[number]),
                lane.leak_write.eq(self._leak.leak_write[number]),
                lane.y_read.eq(self._vector_beats.y_read[number]),
                lane.header_select.is_score.eq(self._is_score),
                lane.header_select.buffer.eq(self._output.buffer),
                lane.clear_error.eq(sequencer.clear_errors),
                self._leak.sums[number].eq(lane.sums),
                self._score_rows.rows[number].eq(lane.row),
                self._score_rows.header[number].eq(lane.header),
                self._vector_beats.lane_beats[number].eq(lane.beat),
                self._vector_beats.header[number].eq(lane.header),
            ]

    # --- hand-over --------------------------------------------------------------------------------------------

    def _connect_buffers(self, m: Module) -> None:
        """Which stage holds which of the two buffers."""
        group, gather, output = self._input, self._gather, self._output
        ready, gathered, headed = (Signal(BUFFERS, name=name) for name in ("ready", "gathered", "headed"))
        unwritten, ungathered = Signal(BUFFERS), Signal(BUFFERS)
        done = wire(m, gather.done << gather.done_buffer, "gather_done")
        header = wire(m, gather.header_done << gather.header_buffer, "header_done")
        m.d.sync += [
            ready.eq((ready | group.ready) & ~gather.taken_buffers),
            gathered.eq((gathered | done) & ~output.released),
            headed.eq((headed | header) & ~output.released),
            unwritten.eq((unwritten | group.claimed) & ~output.released),
            ungathered.eq((ungathered | group.claimed) & ~done),
        ]
        with m.If(self._sequencer.start):
            m.d.sync += [flags.eq(0) for flags in (ready, gathered, headed, unwritten, ungathered)]
        m.d.comb += [
            gather.ready_buffers.eq(ready),
            output.gathered.eq(gathered),
            output.headed.eq(headed),
            group.free_buffers.eq(~(unwritten | ungathered)),
            self._sequencer.running.eq(~(group.done & output.done & self._writer.idle)),
        ]

    # --- registers and counters -------------------------------------------------------------------------------

    def _connect_registers(self, m: Module) -> None:
        registers, sequencer = self._registers, self._sequencer
        wiring.connect(m, registers.descriptors, sequencer.descriptors)
        wiring.connect(m, wiring.flipped(self.csr), registers.port)
        m.d.comb += [
            registers.status.eq(sequencer.status),
            registers.complete.eq(sequencer.complete),
            self.interrupt.eq(registers.interrupt),
            sequencer.bus_error.eq(self._arbiter.error | self._writer.error),
            sequencer.malformed.eq(self._gather.malformed),
            sequencer.range_error.eq(Cat(lane.range_error for lane in self._lanes).any()),
        ]
        watched = Watched(
            self.config, sequencer, self._input, self._gather, self._passes, self._output, self._arbiter, self._writer
        )
        counters = count_events(m, watched).elaborate(m, registers.clear_counters)
        for index, counter in enumerate(counters):
            m.d.comb += registers.counters[index].eq(counter)
