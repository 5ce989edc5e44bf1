"""The control registers: doorbell, status, counters."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Const, Mux
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .bus.axi import ADDRESS_BITS
from .bus.lite import AxiLitePort, AxiLiteSubordinate
from .counters import COUNTER_BITS, COUNTERS
from .operation import Status
from .register_map import QUEUE_DEPTH, REGISTER_BYTES, Access, Entry, Register, counter_addresses

Values = dict[tuple[Register, str], Any]
"""A signal for each field of a register."""


class Registers(wiring.Component):
    """Queue of descriptor addresses, status and counters behind the control port (`register_map.Register`)."""

    bus: Any
    descriptors: stream.Interface
    status: Any
    complete: Signal
    clear_counters: Signal
    counters: Any
    interrupt: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(AxiLitePort()),
                "descriptors": Out(stream.Signature(ADDRESS_BITS)),
                "status": In(Status),
                "complete": In(1),
                "clear_counters": Out(1),
                "counters": In(COUNTER_BITS).array(len(COUNTERS)),
                "interrupt": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.queue = queue = SyncFIFOBuffered(width=ADDRESS_BITS, depth=QUEUE_DEPTH)
        m.submodules.subordinate = subordinate = AxiLiteSubordinate()
        wiring.connect(m, wiring.flipped(self.bus), subordinate.bus)
        port = subordinate.registers
        written, kept, actions = _decode_writes(m, port)

        overflow, completed, rung = Signal(), Signal(32), Signal()
        m.d.comb += [
            rung.eq(written[Register.DOORBELL] & port.write_strobe[-1]),
            queue.w_data.eq(Cat(kept[Register.DOORBELL, "address"], kept[Register.DOORBELL_HIGH, "address"])),
            queue.w_en.eq(rung & queue.w_rdy),
            self.descriptors.payload.eq(queue.r_data),
            self.descriptors.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.descriptors.ready),
            self.clear_counters.eq(actions[Register.CONTROL, "clear_counters"]),
        ]
        with m.If(rung & ~queue.w_rdy):
            m.d.sync += overflow.eq(1)
        with m.Elif(actions[Register.CONTROL, "clear_overflow"]):
            m.d.sync += overflow.eq(0)
        with m.If(self.complete):
            m.d.sync += [completed.eq(completed + 1), self.interrupt.eq(1)]
        with m.Elif(actions[Register.CONTROL, "acknowledge"]):
            m.d.sync += self.interrupt.eq(0)
        failed, number = self._failed(m, completed, actions[Register.CONTROL, "clear_failed"])
        shown: Values = {
            (Register.STATUS, "status"): self.status,
            (Register.STATUS, "queued"): queue.r_level,
            (Register.COMPLETED, "count"): completed,
            (Register.OVERFLOW, "dropped"): overflow,
            (Register.INTERRUPT, "pending"): self.interrupt,
            (Register.FAILED, "status"): failed,
            (Register.FAILED, "number"): number,
        }
        self._decode_reads(m, port, kept | shown)
        return m

    def _failed(self, m: Module, completed: Signal, clear: Any) -> tuple[Any, Signal]:
        """Status and number of the first descriptor that did not end well."""
        status, number = Signal(Status), Signal(24)
        with m.If(self.complete & (self.status != Status.DONE) & (clear | (status == Status.IDLE))):
            m.d.sync += [status.eq(self.status), number.eq(completed)]
        with m.Elif(clear):
            m.d.sync += [status.eq(Status.IDLE), number.eq(0)]
        return status, number

    def _decode_reads(self, m: Module, port: Any, values: Values) -> None:
        words = {register.address: _word(register, values) for register in Register}
        for index, counter in enumerate(self.counters):
            low, high = counter_addresses(index)
            words |= {low: counter[:32], high: counter[32:]}
        with m.Switch(port.read_address[2:]):
            for address, word in words.items():
                with m.Case(address // REGISTER_BYTES):
                    m.d.comb += port.read_data.eq(word)
            with m.Default():
                m.d.comb += port.read_error.eq(1)


def _decode_writes(m: Module, port: Any) -> tuple[dict[Register, Any], Values, Values]:
    """Return which register is written, what the READ_WRITE fields then hold, and the WRITE fields' actions."""
    written: dict[Register, Any] = {}
    kept: Values = {}
    actions: Values = {}
    mask = Cat(bit.replicate(8) for bit in port.write_strobe)
    m.d.comb += port.write_error.eq(1)
    for register in Register:
        entry = register.value
        if entry.access is Access.READ:
            continue
        written[register] = Signal(name=f"written_{register.name.lower()}")
        with m.If(port.write_address[2:] == entry.address // REGISTER_BYTES):
            m.d.comb += [port.write_error.eq(0), written[register].eq(port.write)]
        for field in entry.fields:
            bits = slice(field.bit, field.bit + field.bits)
            name = f"{register.name}_{field.name}".lower()
            signal = Signal(field.bits, name=name)
            if entry.access is Access.WRITE:
                m.d.comb += signal.eq(Mux(written[register], (port.write_data & mask)[bits], 0))
                actions[register, field.name] = signal
            else:
                # as this write leaves it, so that a doorbell rings with what it brings
                state = Signal(field.bits, name=f"{name}_state", init=field.reset)
                merged = (port.write_data[bits] & mask[bits]) | (state & ~mask[bits])
                m.d.comb += signal.eq(Mux(written[register], merged, state))
                m.d.sync += state.eq(signal)
                kept[register, field.name] = signal
    return written, kept, actions


def _word(register: Register, values: Values) -> Any:
    """Return what a register reads; a READ field without a signal is a constant."""
    entry: Entry = register.value
    parts: list[Any] = []
    position = 0
    for field in entry.fields:
        parts.append(Const(0, field.bit - position))
        position = field.bit + field.bits
        if entry.access is Access.WRITE:
            parts.append(Const(0, field.bits))
        else:
            parts.append(values.get((register, field.name), Const(field.reset, field.bits)))
    return Cat(parts)
