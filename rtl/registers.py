"""The control registers: doorbell, status, counters."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Array, Cat
from amaranth.lib import enum, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .bus.axi import ADDRESS_BITS
from .counters import COUNTER_BITS, COUNTERS
from .operation import Status

QUEUE_DEPTH = 8
IDENTITY = 0x4E51_0001
"""Register 0: "NQ" and the version of the register map."""


class Register(enum.Enum, shape=12):
    """Byte addresses of 32-bit registers."""

    IDENTITY = 0x000
    """Reads "NQ" and the version of the register map."""
    STATUS = 0x004
    """Status of the last descriptor in the low byte, queued descriptors above it."""
    COMPLETED = 0x008
    """Descriptors completed since reset, modulo 2**32."""
    DOORBELL_HIGH = 0x010
    """Upper half of the next descriptor's address."""
    DOORBELL = 0x014
    """Lower half; writing it queues the descriptor. A full queue drops it and sets OVERFLOW."""
    CONTROL = 0x018
    """Write 1 to clear the counters, 2 to acknowledge the interrupt, 4 to clear OVERFLOW."""
    OVERFLOW = 0x01C
    """Reads 1 once a doorbell was dropped."""
    COUNTERS = 0x100
    """Two registers for each counter, low half first."""


class RegisterPort(wiring.Signature):
    """A register access a cycle; read data follow one cycle after the address."""

    def __init__(self) -> None:
        super().__init__({"address": Out(12), "write": Out(1), "write_data": Out(32), "read_data": In(32)})


class Registers(wiring.Component):
    """Queue of descriptor addresses, status and counters behind a register port."""

    port: Any
    descriptors: stream.Interface
    status: Any
    complete: Signal
    clear_counters: Signal
    counters: Any
    interrupt: Signal

    def __init__(self) -> None:
        super().__init__(
            {
                "port": In(RegisterPort()),
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
        high, completed, overflow = Signal(ADDRESS_BITS - 32), Signal(32), Signal()
        data = self.port.write_data
        m.d.comb += [
            queue.w_data.eq(Cat(data, high)),
            self.descriptors.payload.eq(queue.r_data),
            self.descriptors.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.descriptors.ready),
        ]
        with m.If(self.port.write):
            with m.Switch(self.port.address):
                with m.Case(Register.DOORBELL_HIGH):
                    m.d.sync += high.eq(data)
                with m.Case(Register.DOORBELL):
                    m.d.comb += queue.w_en.eq(queue.w_rdy)
                    with m.If(~queue.w_rdy):
                        m.d.sync += overflow.eq(1)
                with m.Case(Register.CONTROL):
                    m.d.comb += self.clear_counters.eq(data[0])
                    with m.If(data[1]):
                        m.d.sync += self.interrupt.eq(0)
                    with m.If(data[2]):
                        m.d.sync += overflow.eq(0)
        with m.If(self.complete):
            m.d.sync += [completed.eq(completed + 1), self.interrupt.eq(1)]
        self._read(m, completed, overflow, queue.r_level)
        return m

    def _read(self, m: Module, completed: Signal, overflow: Signal, level: Any) -> None:
        words = [half for counter in self.counters for half in (counter[:32], counter[32:])]
        with m.Switch(self.port.address):
            with m.Case(Register.IDENTITY):
                m.d.sync += self.port.read_data.eq(IDENTITY)
            with m.Case(Register.STATUS):
                m.d.sync += self.port.read_data.eq(Cat(self.status, level))
            with m.Case(Register.COMPLETED):
                m.d.sync += self.port.read_data.eq(completed)
            with m.Case(Register.OVERFLOW):
                m.d.sync += self.port.read_data.eq(overflow)
            with m.Default():
                index = (self.port.address - Register.COUNTERS.value) >> 2
                m.d.sync += self.port.read_data.eq(Array(words)[index])
