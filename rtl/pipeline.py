"""Named wires and delay lines."""

from collections.abc import Sequence

from amaranth import Module, Mux, Signal
from amaranth.hdl import Value, ValueLike


def delayed(m: Module, value: ValueLike, cycles: int, name: str) -> Value:
    """Return `value` as it was `cycles` cycles ago (0 after reset)."""
    current = Value.cast(value)
    for cycle in range(cycles):
        register = Signal(len(current), name=f"{name}_{cycle + 1}")
        m.d.sync += register.eq(current)
        current = register
    return current


def wire(m: Module, value: ValueLike, name: str) -> Signal:
    """Return a signal that equals `value`: an expression used more than once is emitted once."""
    cast = Value.cast(value)
    signal = Signal(cast.shape(), name=name)
    m.d.comb += signal.eq(cast)
    return signal


def greatest(m: Module, values: Sequence[Value], name: str) -> Value:
    """Return the greatest of `values`, by a tree: n values are log2 n comparisons deep, rounded up."""
    left = list(values)
    level = 0
    while len(left) > 1:
        level += 1
        pairs = zip(left[::2], left[1::2], strict=False)
        best = [
            wire(m, Mux(second > first, second, first), f"{name}_{level}_{number}")
            for number, (first, second) in enumerate(pairs)
        ]
        left = best + left[2 * len(best) :]
    return left[0]
