"""The bytes of descriptors and records, against the HDL's own constants."""

import random
from typing import Any

import pytest
from amaranth.hdl import Shape
from amaranth.lib import data

from normq.rtl.constraint.layouts import edge_layout, term_layout
from normq.rtl.operation import column_record_layout, descriptor_layout, record_layout
from normq.sim.layout_bytes import LayoutFunction, layout_bytes

LAYOUTS = (edge_layout, term_layout, column_record_layout, descriptor_layout, record_layout)


def drawn(layout: data.StructLayout, rng: random.Random) -> dict[Any, Any]:
    """Some fields, with the least, the greatest and random values."""
    fields: dict[Any, Any] = {}
    for name, field in layout:
        if rng.random() < 0.2:
            continue
        if isinstance(field.shape, data.StructLayout):
            fields[name] = drawn(field.shape, rng)
            continue
        shape = Shape.cast(field.shape)
        least = -(1 << shape.width - 1) if shape.signed else 0
        greatest = least + (1 << shape.width) - 1
        fields[name] = rng.choice((least, greatest, rng.randint(least, greatest)))
    return fields


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_are_those_of_the_constant(layout: LayoutFunction) -> None:
    rng = random.Random(layout.__name__)
    for _ in range(100):
        fields = drawn(layout(), rng)
        expected = int(layout().const(fields).as_bits()).to_bytes(layout().size // 8, "little")
        assert layout_bytes(layout, fields) == expected


def test_what_a_field_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^exponent must be -32768\.\.32767, got 32768$"):
        layout_bytes(record_layout, {"exponent": 32768})
    with pytest.raises(ValueError, match=r"^count must be 0\.\.2147483647, got -1$"):
        layout_bytes(record_layout, {"count": -1})
    with pytest.raises(KeyError, match=r"^'lanes'$"):
        layout_bytes(record_layout, {"lanes": 1})
