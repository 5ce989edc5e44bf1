"""Bytes of the structures that the engine reads from memory, without building a constant of the HDL for each."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from amaranth.hdl import Shape
from amaranth.lib import data

LayoutFunction = Callable[[], data.StructLayout]


class _Place(NamedTuple):
    offset: int
    shape: Shape
    inner: dict[str, "_Place"] | None


def layout_bytes(layout: LayoutFunction, fields: Mapping[Any, Any]) -> bytes:
    """Return a structure's bytes, little-endian; fields that are not given are 0, negative values two's complement.

    `layout` is the function that makes the layout, called once. Raises KeyError for a field that it does not have, and
    ValueError for a value that its field cannot hold.
    """
    places, size = _places_of(layout)
    return _value(places, fields).to_bytes(size, "little")


@cache
def _places_of(layout: LayoutFunction) -> tuple[dict[str, _Place], int]:
    made = layout()
    return _places(made), -(-made.size // 8)


def _places(layout: data.StructLayout) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for name, field in layout:
        inner = _places(field.shape) if isinstance(field.shape, data.StructLayout) else None
        places[str(name)] = _Place(field.offset, Shape.cast(field.shape), inner)
    return places


def _value(places: dict[str, _Place], fields: Mapping[Any, Any]) -> int:
    total = 0
    for name, value in fields.items():
        offset, shape, inner = places[name]
        number = int(value) if inner is None else _value(inner, value)
        least = -(1 << shape.width - 1) if shape.signed else 0
        if not least <= number < least + (1 << shape.width):
            raise ValueError(f"{name} must be {least}..{least + (1 << shape.width) - 1}, got {number!r}")
        total |= (number & (1 << shape.width) - 1) << offset
    return total
