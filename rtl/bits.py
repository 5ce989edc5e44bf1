"""Leading-one detection and normalization as trees of multiplexers."""

from amaranth import Module
from amaranth.hdl import Const, Mux, Value

from .pipeline import wire


def bit_length(value: Value) -> Value:
    """Return the number of bits of `value` up to and including its leading one; 0 for 0."""
    width = len(value)
    if width == 1:
        return value
    half = 1 << ((width - 1).bit_length() - 1)
    high, low = value[half:], value[:half]
    high_length = bit_length(high)
    size = width.bit_length()
    return Mux(high.any(), Const(half, size) + high_length, bit_length(low))[:size]


def normalized(m: Module, value: Value, name: str) -> Value:
    """Return `value` shifted left until its leading one is the top bit; 0 for 0."""
    width = len(value)
    shifted: Value = value
    for stage in reversed(range((width - 1).bit_length())):
        step = 1 << stage
        is_low = ~shifted[-step:].any()
        shifted = wire(m, Mux(is_low, shifted << step, shifted)[:width], f"{name}_{stage}")
    return shifted


def one_count(value: Value) -> Value:
    """Return the number of ones."""
    total = value[0]
    for bit in range(1, len(value)):
        total = total + value[bit]
    return total
