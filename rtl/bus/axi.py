"""The memory port: an AXI4 manager with one transaction identifier, incrementing bursts of whole beats."""

from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

ADDRESS_BITS = 40
LOCAL_BIT = ADDRESS_BITS - 1
"""Where a local memory is built, addresses with this bit lie in it, and the memory port never sees them: byte `offset`
of the local memory is at address 2**LOCAL_BIT + offset. Elsewhere the bit is one of the address like any other."""

LENGTH_BITS = 8
"""AXI4 burst length: beats - 1."""
USER_BITS = 4

BURST_BYTES = 256
"""Bursts never cross a boundary of this size, hence never 4 KiB (AMBA AXI4, A3.4.1)."""


def address_layout() -> data.StructLayout:
    """Payload of AW, and of what a reader asks for: byte address, beats - 1."""
    return data.StructLayout({"address": ADDRESS_BITS, "length": LENGTH_BITS})


def request_layout() -> data.StructLayout:
    """Payload of AR on the port: `user` (AXI4's ARUSER) is the number of the reader that asks, for whoever watches.

    It is no ARID: beats must come back in the order of the requests, whoever asked.
    """
    return data.StructLayout({"address": ADDRESS_BITS, "length": LENGTH_BITS, "user": USER_BITS})


def read_layout(port_bits: int) -> data.StructLayout:
    """Payload of R."""
    return data.StructLayout({"data": port_bits, "last": 1, "error": 1})


def write_layout(port_bits: int) -> data.StructLayout:
    """Payload of W: `strobe` has a bit for each byte."""
    return data.StructLayout({"data": port_bits, "strobe": port_bits // 8, "last": 1})


def response_layout() -> data.StructLayout:
    """Payload of B."""
    return data.StructLayout({"error": 1})


class MemoryPort(wiring.Signature):
    """Five AXI4 channels as streams, seen from the manager."""

    def __init__(self, port_bits: int) -> None:
        super().__init__(
            {
                "ar": Out(stream.Signature(request_layout())),
                "r": In(stream.Signature(read_layout(port_bits))),
                "aw": Out(stream.Signature(address_layout())),
                "w": Out(stream.Signature(write_layout(port_bits))),
                "b": In(stream.Signature(response_layout())),
            }
        )
