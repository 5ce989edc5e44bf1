"""What the engine's counters count: each event, where it happens."""

from amaranth import Module, Signal
from amaranth.hdl import Array, Mux, Value

from ..model.config import AcceleratorConfig
from .counters import CounterBank
from .gather_control import Stall
from .operation import Opcode
from .pipeline import wire
from .sequencer import ReadKind
from .shape import BUFFERS
from .stages import COPY_READER, READERS, Stages


def count_events(m: Module, config: AcceleratorConfig, engine: Stages) -> CounterBank:
    """Return the counter bank with every event of the engine connected."""
    bank = CounterBank()
    busy, gather = engine.sequencer.busy, engine.gather
    bank.count("engine.cycles", busy)
    for name, state in (
        ("gather.busy", Stall.BUSY),
        ("gather.stall_input", Stall.INPUT),
        ("gather.stall_output", Stall.OUTPUT),
        ("gather.stall_memory", Stall.MEMORY),
        ("gather.idle", Stall.IDLE),
    ):
        bank.count(name, busy & (gather.state == state))
    bank.count("gather.entries", gather.accepted)
    bank.count("gather.multiply_accumulates", gather.accepted * _active_lanes(m, engine))
    bank.count("passes.words", engine.passes.issued)
    bank.count("edges.cycles", engine.constraint.running)
    _count_reads(m, bank, engine, config.port_bytes)
    _count_writes(m, bank, engine, config.port_bytes)
    return bank


def _active_lanes(m: Module, engine: Stages) -> Value:
    """Lanes that carry a vector of the group being gathered."""
    active = Array(Signal(len(engine.input.active), name=f"active_lanes_{buffer}") for buffer in range(BUFFERS))
    for buffer in range(BUFFERS):
        with m.If(engine.input.ready[buffer]):
            m.d.sync += active[buffer].eq(engine.input.active)
    return active[engine.gather.read.buffer]


def _count_reads(m: Module, bank: CounterBank, engine: Stages, port_bytes: int) -> None:
    copying = engine.sequencer.copying
    # the constraint unit borrows two readers: for both factors, or for row sums and columns
    is_edge, is_sum = engine.constraint.running, engine.constraint.settings.is_sums
    row_sums: dict[str, Value] = {}
    for unit in ("read", "local"):
        returned: dict[str, Value] = {}
        for index, name in enumerate(READERS):
            from_local = engine.sides.from_local[index]
            is_side = from_local if unit == "local" else ~from_local
            returned[name] = wire(m, engine.sides.returned[index].valid & is_side, f"{unit}_{name}")
        factor = wire(m, is_edge & is_sum & (returned["emissions"] | returned["weights"]), f"{unit}_factor")
        row_sums[unit] = wire(m, is_edge & ~is_sum & returned["emissions"], f"{unit}_row_sum")
        column = wire(m, is_edge & ~is_sum & returned["weights"], f"{unit}_column")
        for name, is_returned in (
            ("lists", returned["lists"]),
            ("emissions", (returned["emissions"] & ~is_edge) | column),
            ("vectors", returned["vectors"] | factor),
            ("weights", returned["weights"] & ~is_edge & ~copying),
            ("copies", returned[COPY_READER] & copying),
        ):
            bank.count(f"{unit}.{name}", Mux(is_returned, port_bytes, 0))
        if unit == "local":
            bank.count("local.words", Mux(returned["words"] | row_sums[unit], port_bytes, 0))
    _count_words(m, bank, engine, port_bytes, row_sums["read"])


def _count_words(m: Module, bank: CounterBank, engine: Stages, port_bytes: int, row_sum: Value) -> None:
    """What the words reader brings is told apart where it is asked for: the sequencer runs ahead of its answers."""
    sequencer, request = engine.sequencer, engine.sides.requests[READERS.index("words")]
    kind = Signal(ReadKind)
    with m.If(sequencer.ranges.valid & sequencer.ranges.ready):
        m.d.sync += kind.eq(sequencer.kind)
    is_taken = request.valid & request.ready & ~engine.sides.is_local(request.payload.address)
    asked = wire(m, Mux(is_taken, request.payload.length + 1, 0), "asked_beats")
    for name, read_kind, also in (
        ("read.descriptors", ReadKind.DESCRIPTOR, 0),
        ("read.tables", ReadKind.TABLE, row_sum),
        ("read.records", ReadKind.RECORD, 0),
    ):
        bank.count(name, (Mux(kind == read_kind, asked, 0) + also) * port_bytes)


def _count_writes(m: Module, bank: CounterBank, engine: Stages, port_bytes: int) -> None:
    written = wire(m, engine.writer.w.valid & engine.writer.w.ready, "written")
    is_edge, copying = engine.constraint.running, engine.sequencer.copying
    is_score = ~is_edge & (engine.output.settings.opcode == Opcode.SCORES)
    is_header = Mux(is_edge, engine.constraint.is_header, engine.output.is_header)
    for name, is_kind in (
        ("write.vectors", ~copying & ~is_score & ~is_header),
        ("write.headers", ~copying & ~is_score & is_header),
        ("write.scores", ~copying & is_score),
        ("write.copies", copying),
    ):
        bank.count(name, Mux(written & is_kind, port_bytes, 0))
    bank.count("local.written", Mux(engine.writer.local.enable, port_bytes, 0))
