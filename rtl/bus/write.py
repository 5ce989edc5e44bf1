"""Bursts of writes from a stream of beats."""

from typing import Any

from amaranth import Module, Signal
from amaranth.hdl import Cat, Const, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ...model.formats import ceil_log2
from ..pipeline import wire
from ..shape import COUNT_BITS
from .axi import ADDRESS_BITS, BURST_BYTES, LOCAL_BIT, address_layout, response_layout, write_layout
from .fetch import BLOCK_SHIFT
from .local import LocalWrite


def write_command_layout() -> data.StructLayout:
    """Consecutive bytes from the start of a block: the low 6 bits of the address do not count.

    `ends_group` marks the last command of a group.
    """
    return data.StructLayout({"address": ADDRESS_BITS, "bytes": COUNT_BITS, "ends_group": 1})


BURST_COUNT_BITS = 16
UNANSWERED_GROUPS = 8
"""Groups that may be written and not yet answered."""


class BurstWriter(wiring.Component):
    """Writes `bytes` bytes of the beats that follow; strobes leave out what lies past the last byte.

    A command taken while `mute` goes through the motions without a strobe: it comes from what a failed read brought.
    Addresses run ahead of data, never behind. A command is taken when the one before has handed over its last beat
    (`finish` in that cycle); `idle` says that every burst was answered, `group_answered` that every burst of the
    oldest such group was. `error` stays set once an answer was an error.

    With `has_local`, commands at addresses with LOCAL_BIT go to the `local` memory instead, a beat a cycle: a beat is
    there in the cycle after it was sent, so that such a command leaves nothing to be answered.
    """

    command: stream.Interface
    beats: stream.Interface
    mute: Signal
    aw: stream.Interface
    w: stream.Interface
    b: stream.Interface
    local: Any
    finish: Signal
    idle: Signal
    group_answered: Signal
    clear_error: Signal
    error: Signal

    def __init__(self, port_bits: int, has_local: bool = False) -> None:
        self.port_bits, self.has_local = port_bits, has_local
        super().__init__(
            {
                "command": In(stream.Signature(write_command_layout())),
                "beats": In(stream.Signature(port_bits)),
                "mute": In(1),
                "aw": Out(stream.Signature(address_layout())),
                "w": Out(stream.Signature(write_layout(port_bits))),
                "b": In(stream.Signature(response_layout())),
                "local": Out(LocalWrite(port_bits)),
                "finish": Out(1),
                "idle": Out(1),
                "group_answered": Out(1),
                "clear_error": In(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        port_bytes = self.port_bits // 8
        burst_bits = ceil_log2(BURST_BYTES)

        m.submodules.marks = marks = SyncFIFOBuffered(width=BURST_COUNT_BITS, depth=UNANSWERED_GROUPS)

        is_local = Signal()
        """Whether the command at work goes to the local memory."""

        # addresses
        address, to_ask = Signal(ADDRESS_BITS), Signal(COUNT_BITS)
        boundary = wire(m, BURST_BYTES - address[:burst_bits], "boundary")
        burst = wire(m, Mux(to_ask < boundary, to_ask, boundary), "burst")
        beats = wire(m, (burst + (port_bytes - 1)) >> ceil_log2(port_bytes), "beats_of_burst")
        asked = wire(m, to_ask.any() & (self.aw.ready | is_local), "asked")
        asked_port = wire(m, asked & ~is_local, "asked_port")
        m.d.comb += [
            self.aw.valid.eq(to_ask.any() & ~is_local),
            self.aw.payload.address.eq(address),
            self.aw.payload.length.eq(beats - 1),
        ]
        with m.If(asked):
            m.d.sync += [address.eq(address + burst), to_ask.eq(to_ask - burst)]

        # data
        place, to_send = Signal(burst_bits), Signal(COUNT_BITS)
        ahead, open_bursts = Signal(16), Signal(16)
        is_muted, local_address = Signal(), Signal(ADDRESS_BITS)
        is_final = wire(m, to_send <= port_bytes, "is_final")
        is_last = wire(m, is_final | (place == BURST_BYTES - port_bytes), "is_last")
        sent = wire(m, self.beats.valid & self.beats.ready, "sent")
        may_send = wire(m, to_send.any() & ahead.any(), "may_send")
        m.d.comb += [
            self.w.valid.eq(may_send & self.beats.valid & ~is_local),
            self.beats.ready.eq(may_send & (self.w.ready | is_local)),
            self.w.payload.data.eq(self.beats.payload),
            self.w.payload.last.eq(is_last),
            self.w.payload.strobe.eq(Mux(is_muted, 0, Mux(is_final, ~((~0) << to_send[: burst_bits + 1]), ~0))),
            self.finish.eq(sent & is_final),
            self.command.ready.eq(~to_send.any() & ~to_ask.any() & marks.w_rdy),
        ]
        with m.If(sent):
            m.d.sync += [place.eq(place + port_bytes), to_send.eq(Mux(is_final, 0, to_send - port_bytes))]
        with m.If(self.command.valid & self.command.ready):
            command = self.command.payload
            aligned = wire(m, Cat(Const(0, BLOCK_SHIFT), command.address[BLOCK_SHIFT:]), "aligned")
            m.d.sync += [address.eq(aligned), to_ask.eq(command.bytes), is_muted.eq(self.mute)]
            m.d.sync += [place.eq(aligned[:burst_bits]), to_send.eq(command.bytes)]
            if self.has_local:
                m.d.sync += [is_local.eq(aligned[LOCAL_BIT]), local_address.eq(aligned)]
        with m.Elif(sent):
            m.d.sync += local_address.eq(local_address + port_bytes)
        m.d.comb += [
            self.local.enable.eq(sent & is_local),
            self.local.address.eq(local_address),
            self.local.data.eq(self.beats.payload),
            self.local.strobe.eq(self.w.payload.strobe),
        ]
        m.d.sync += ahead.eq(ahead + asked - (sent & is_last))

        # answers
        answered = wire(m, self.b.valid & self.b.ready, "answered")
        m.d.comb += [self.b.ready.eq(1), self.idle.eq(self.command.ready & ~open_bursts.any())]
        m.d.sync += open_bursts.eq(open_bursts + asked_port - answered)
        self._groups(m, asked_port, answered, marks)
        with m.If(self.clear_error):
            m.d.sync += self.error.eq(0)
        with m.Elif(answered & self.b.payload.error):
            m.d.sync += self.error.eq(1)
        return m

    def _groups(self, m: Module, asked: Signal, answered: Signal, marks: SyncFIFOBuffered) -> None:
        """Answers come in order: a group is answered when as many came as bursts were asked for up to its end."""
        asked_bursts, answered_bursts = Signal(BURST_COUNT_BITS), Signal(BURST_COUNT_BITS)
        ends_group = Signal()
        with m.If(self.command.valid & self.command.ready):
            m.d.sync += ends_group.eq(self.command.payload.ends_group)
        ahead = wire(m, (answered_bursts - marks.r_data)[:BURST_COUNT_BITS], "ahead_of_mark")
        m.d.comb += [
            marks.w_data.eq(asked_bursts),
            marks.w_en.eq(self.finish & ends_group),
            self.group_answered.eq(marks.r_rdy & ~ahead[-1]),
            marks.r_en.eq(self.group_answered),
        ]
        m.d.sync += [asked_bursts.eq(asked_bursts + asked), answered_bursts.eq(answered_bursts + answered)]
