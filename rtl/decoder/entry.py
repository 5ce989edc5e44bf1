"""The stream between decoders and gather: S entries a cycle."""

from amaranth.lib import data

from ..shape import Shape


def entry_layout(shape: Shape) -> data.StructLayout:
    """One slot: an input index, the index of its level, and whether it ends its output; or nothing."""
    return data.StructLayout(
        {"valid": 1, "last": 1, "index": shape.index_bits, "level": shape.config.greatest_index_bits}
    )


def entries_layout(shape: Shape, slots: int) -> data.StructLayout:
    """Slots fill from the low end; `final` marks the last entries of the list or stream."""
    return data.StructLayout({"final": 1, "slots": data.ArrayLayout(entry_layout(shape), slots)})
