"""The engine: the shared control, P lanes, one memory port, one control port."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..model.config import AcceleratorConfig
from .bus.axi import MemoryPort
from .bus.fetch import Fetcher
from .bus.lite import AxiLitePort
from .bus.width import BeatsToBlocks, BlocksToWords
from .connect_copier import connect_copier
from .constraint.connect import connect_constraint
from .engine_counters import count_events
from .instances import place
from .lane import Lane
from .overlap import connect_flight
from .pipeline import wire
from .row_leaks import connect_record_leaks
from .settings import connect_settings, connect_tables
from .shape import BUFFERS, Shape
from .stages import READERS, Stages

LANE_MODULE = "normq_lane"
"""Name of the Verilog module of one lane."""

OTHER_BUFFER_BYTES = 2048
"""Buffer of every reader but those that stream."""
STREAMED = ("vectors", "weights")
"""Readers that may need the whole port for long: their buffer is `stream_buffer_bytes`."""


class Engine(wiring.Component):
    """The matrix engine of a configuration: forward, backward and scores, started by descriptors in memory.

    The `memory` port is an AXI4 manager; `control` an AXI4-Lite subordinate (`register_map.Register`); `interrupt`
    rises when a descriptor completes. Lanes are instances of the Verilog module `LANE_MODULE`, emitted on its own
    (`parts`).
    """

    memory: Any
    control: Any
    interrupt: Signal

    def __init__(self, config: AcceleratorConfig) -> None:
        self.config = config
        self.shape = Shape(config)
        self._lane = Lane(self.shape)
        self._stages = Stages.of(self.shape)
        super().__init__(
            {
                "memory": Out(MemoryPort(config.port_bits)),
                "control": In(AxiLitePort()),
                "interrupt": Out(1),
            }
        )

    def parts(self) -> dict[str, wiring.Component]:
        """Modules that the engine's Verilog refers to but does not hold."""
        return {LANE_MODULE: self._lane}

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self._stages.place(m)
        signature = self._lane.signature
        self._lanes = [place(m, LANE_MODULE, f"lane_{p}", signature) for p in range(self.config.lanes)]
        self._is_score = connect_settings(m, self._stages)
        connect_tables(m, self._stages)
        self._connect_reads(m)
        self._connect_input(m)
        self._connect_gather(m)
        self._connect_output(m)
        self._connect_lanes(m)
        self._connect_buffers(m)
        self._connect_registers(m)
        connect_constraint(m, self._stages)
        connect_copier(m, self._stages)
        return m

    # --- reading ----------------------------------------------------------------------------------------------

    def _connect_reads(self, m: Module) -> None:
        port_bits = self.config.port_bits
        sides = self._stages.sides
        m.submodules.words = words = BlocksToWords()
        m.submodules.lists = lists = BlocksToWords()
        consumers = {
            "words": (self._stages.sequencer.ranges, words.blocks),
            "lists": (self._stages.stream.list_ranges, lists.blocks),
            "emissions": (self._stages.emissions.ranges, self._stages.emissions.blocks),
            "weights": (self._stages.stream.ranges, self._stages.stream.blocks),
        }
        for index, name in enumerate(READERS):
            size = self.config.stream_buffer_bytes if name in STREAMED else OTHER_BUFFER_BYTES
            m.submodules[f"fetch_{name}"] = fetcher = Fetcher(port_bits, size)
            wiring.connect(m, fetcher.request, sides.requests[index])
            wiring.connect(m, sides.returned[index], fetcher.returned)
            if name == "vectors":
                wiring.connect(m, self._stages.vectors.ranges, fetcher.ranges)
                wiring.connect(m, fetcher.beats, self._stages.vectors.beats)
            else:
                ranges, blocks = consumers[name]
                m.submodules[f"blocks_{name}"] = assembler = BeatsToBlocks(port_bits)
                wiring.connect(m, ranges, fetcher.ranges)
                wiring.connect(m, fetcher.beats, assembler.beats)
                wiring.connect(m, assembler.blocks, blocks)
        wiring.connect(m, sides.ar, wiring.flipped(self.memory.ar))
        wiring.connect(m, wiring.flipped(self.memory.r), sides.r)
        wiring.connect(m, self._stages.writer.local, sides.local_write)
        wiring.connect(m, lists.words, self._stages.stream.words)
        sequencer, load = self._stages.sequencer, self._stages.load
        for consumer in (sequencer, load):
            m.d.comb += [
                consumer.words.payload.eq(words.words.payload),
                consumer.words.valid.eq(words.words.valid),
            ]
        m.d.comb += [
            words.words.ready.eq(sequencer.words.ready | load.words.ready),
            lists.skip.eq(self._stages.stream.skip),
            words.skip.eq(sequencer.skip_word | load.skip),
            sides.clear_error.eq(sequencer.clear_errors),
        ]

    # --- stages -----------------------------------------------------------------------------------------------

    def _connect_input(self, m: Module) -> None:
        group, load, passes = self._stages.input, self._stages.load, self._stages.passes
        vectors, emissions = self._stages.vectors, self._stages.emissions
        wiring.connect(m, group.pass_request, passes.input)
        m.d.comb += [
            vectors.start.eq(load.load_start),
            vectors.active.eq(load.active),
            vectors.sources.eq(load.sources),
            *(vectors.seconds[lane].eq(column.address) for lane, column in enumerate(load.columns)),
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
            passes.rows.eq(self._stages.rows.rows),
            self._stages.rows.row_read.eq(passes.row_read),
            self._stages.rows.row_word.eq(passes.row_word),
            passes.nonempty.eq(self._stages.rows.nonempty),
            self._stages.rows.map_read.eq(passes.map_read),
            self._stages.rows.map_word.eq(passes.map_word),
            self._stages.leak.start.eq(group.leak_start),
            self._stages.leak.buffer.eq(group.buffer),
            group.leak_done.eq(self._stages.leak.done),
        ]

    def _connect_gather(self, m: Module) -> None:
        gather, codebooks, emissions = self._stages.gather, self._stages.codebooks, self._stages.emissions
        slots = self.config.entries_per_cycle
        wiring.connect(m, self._stages.stream.entries, gather.entries)
        for slot in range(slots):
            m.d.comb += [
                codebooks.indices[slot].eq(gather.lookup[slot]),
                gather.levels[slot].eq(codebooks.levels[slot]),
            ]
        m.d.comb += [
            codebooks.indices[slots].eq(emissions.lookup),
            emissions.level.eq(codebooks.levels[slots]),
            codebooks.read.eq(gather.lookup_enable | emissions.lookup_enable),
            gather.row_taken.eq(self._stages.score_rows.row_taken),
        ]

    def _connect_output(self, m: Module) -> None:
        output, rows, vector, writer = (
            self._stages.output,
            self._stages.score_rows,
            self._stages.vector_beats,
            self._stages.writer,
        )
        output_passes = self._stages.output_passes
        wiring.connect(m, output_passes.request, self._stages.passes.output)
        wiring.connect(m, output.command, writer.command)
        wiring.connect(m, writer.aw, wiring.flipped(self.memory.aw))
        wiring.connect(m, writer.w, wiring.flipped(self.memory.w))
        wiring.connect(m, wiring.flipped(self.memory.b), writer.b)
        is_score = self._is_score
        m.d.comb += [
            writer.clear_error.eq(self._stages.sequencer.clear_errors),
            writer.mute.eq(self._stages.sides.error),
            self._stages.gather.clear_error.eq(self._stages.sequencer.clear_errors),
            self._stages.gather.wrong.eq(self._stages.stream.wrong | self._stages.emissions.wrong),
            output_passes.start.eq(output.start),
            output_passes.first_buffer.eq(output.buffer),
            output_passes.is_free.eq(output.is_free),
            output.encoded.eq(output_passes.encoded),
            output.finish.eq(writer.finish),
            rows.finish.eq(writer.finish & is_score),
            vector.finish.eq(writer.finish & ~is_score),
            rows.start.eq(output.row_start),
            rows.rows_filled.eq(self._stages.gather.rows_filled),
            rows.flush.eq(self._stages.gather.malformed),
            output.header_taken.eq(rows.header_taken),
            vector.start.eq(output.vector_start),
            vector.lane.eq(output.lane),
            vector.is_header.eq(output.is_header),
            writer.beats.valid.eq(Mux(is_score, rows.beats.valid, vector.beats.valid)),
            writer.beats.payload.eq(Mux(is_score, rows.beats.payload, vector.beats.payload)),
            rows.beats.ready.eq(writer.beats.ready & is_score),
            vector.beats.ready.eq(writer.beats.ready & ~is_score),
            self._stages.load.destination_group.eq(output.group),
            self._stages.load.destination_lane.eq(output.lane),
            output.destination.eq(self._stages.load.destination),
        ]

    # --- lanes ------------------------------------------------------------------------------------------------

    def _connect_lanes(self, m: Module) -> None:
        passes, gather = self._stages.passes, self._stages.gather
        sequencer = self._stages.sequencer
        operand = Signal.like(passes.operand.as_value(), name="operand")
        m.d.comb += operand.eq(passes.operand.as_value())
        shown = passes.operand.shape()(operand)
        with m.If(sequencer.clearing):
            m.d.comb += [shown.clear_emission.eq(1), shown.word.eq(sequencer.table_address)]
        bank_read = Mux(self._is_score, self._stages.score_rows.bank_read.as_value(), passes.bank_read.as_value())
        shared_bank_read = wire(m, bank_read, "bank_read")
        broadcast = {
            "setup": self._stages.load.setup,
            "load": self._stages.vectors.load,
            "emission": self._stages.emissions.emission,
            "fetch": passes.fetch,
            "operand": operand,
            "kappa": passes.kappa,
            "encode_enable": passes.encode_enable,
            "scale_output": passes.scale_output,
            "maximum": passes.maximum,
            "finalize": passes.finalize,
            "store": passes.store,
            "leak_sum": passes.leak_sum,
            "leak": self._stages.leak.leak,
            "read": gather.read,
            "factors": gather.factors,
            "last_segment": gather.last_segment,
            "last_carry": gather.last_carry,
            "total": gather.total,
            "result": gather.result,
            "bank_read": shared_bank_read,
            "y_beat": self._stages.vector_beats.y_beat,
        }
        if self.config.row_leaks:
            broadcast |= {"leak_weight": passes.leak_weight, "row_leak": connect_record_leaks(m, self._stages).out}
        for number, lane in enumerate(self._lanes):
            m.d.comb += [getattr(lane, name).eq(value) for name, value in broadcast.items()]
            m.d.comb += [
                lane.setup_write.eq(self._stages.load.setup_write[number]),
                lane.load_write.eq(self._stages.vectors.load_write[number]),
                lane.emission_write.eq(self._stages.emissions.emission_write[number]),
                lane.leak_write.eq(self._stages.leak.leak_write[number]),
                lane.y_read.eq(self._stages.vector_beats.y_read[number]),
                lane.header_select.is_score.eq(self._is_score),
                lane.header_select.buffer.eq(self._stages.output.buffer),
                lane.clear_error.eq(sequencer.clear_errors),
                self._stages.leak.sums[number].eq(lane.sums),
                self._stages.score_rows.rows[number].eq(lane.row),
                self._stages.score_rows.header[number].eq(lane.header),
                self._stages.vector_beats.lane_beats[number].eq(lane.beat),
                self._stages.vector_beats.header[number].eq(lane.header),
            ]

    # --- hand-over --------------------------------------------------------------------------------------------

    def _connect_buffers(self, m: Module) -> None:
        """Which stage holds which of the two buffers."""
        group, gather, output = self._stages.input, self._stages.gather, self._stages.output
        ready, gathered, headed = (Signal(BUFFERS, name=name) for name in ("ready", "gathered", "headed"))
        unwritten, ungathered = Signal(BUFFERS), Signal(BUFFERS)
        released = wire(m, output.released | self._stages.output_passes.released, "released")
        done = wire(m, gather.done << gather.done_buffer, "gather_done")
        vectors_done = wire(m, Mux(gather.settings.is_score, 0, done), "vectors_done")
        header = wire(m, gather.header_done << gather.header_buffer, "header_done")
        m.d.sync += [
            ready.eq((ready | group.ready) & ~gather.taken_buffers),
            gathered.eq((gathered | vectors_done) & ~released),
            headed.eq((headed | header) & ~released),
            unwritten.eq((unwritten | group.claimed) & ~released),
            ungathered.eq((ungathered | group.claimed) & ~done),
        ]
        m.d.comb += [
            gather.ready_buffers.eq(ready),
            self._stages.output_passes.gathered.eq(gathered),
            output.headed.eq(headed),
            group.free_buffers.eq(~(unwritten | ungathered)),
        ]
        connect_flight(m, self._stages, headed)

    # --- registers and counters -------------------------------------------------------------------------------

    def _connect_registers(self, m: Module) -> None:
        registers, sequencer = self._stages.registers, self._stages.sequencer
        wiring.connect(m, registers.descriptors, sequencer.descriptors)
        wiring.connect(m, wiring.flipped(self.control), registers.bus)
        m.d.comb += [
            registers.status.eq(sequencer.status),
            registers.complete.eq(sequencer.complete),
            self.interrupt.eq(registers.interrupt),
            sequencer.bus_error.eq(self._stages.sides.error | self._stages.writer.error),
            sequencer.malformed.eq(self._stages.gather.malformed),
            sequencer.range_error.eq(Cat(lane.range_error for lane in self._lanes).any()),
        ]
        counters = count_events(m, self.config, self._stages).elaborate(m, registers.clear_counters)
        for index, counter in enumerate(counters):
            m.d.comb += registers.counters[index].eq(counter)
