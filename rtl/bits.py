"""Leading-one detection and counting."""

from amaranth import Module
from amaranth.hdl import Cat, Const, Mux, Value

from .pipeline import wire


def bit_length(m: Module, value: Value, name: str) -> Value:
    """Return the number of bits of `value` up to and including its leading one; 0 for 0.

    Halving: each step keeps the half that holds the leading one.
    """
    stages = (len(value) - 1).bit_length()
    rest: Value = Cat(value, Const(0, (1 << stages) - len(value)))
    place: list[Value] = []
    for stage in reversed(range(stages)):
        half = 1 << stage
        is_high = wire(m, rest[half:].any(), f"{name}_bit_{stage}")
        rest = wire(m, Mux(is_high, rest[half:], rest[:half]), f"{name}_rest_{stage}")
        place.insert(0, is_high)
    return wire(m, Cat(*place) + rest, f"{name}_length")[: len(value).bit_length()]


def one_count(value: Value) -> Value:
    """Return the number of ones."""
    total = value[0]
    for bit in range(1, len(value)):
        total = total + value[bit]
    return total
