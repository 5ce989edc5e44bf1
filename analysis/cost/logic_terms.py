"""What the size of a lane and of an engine is made of: the terms of the fits, each a count of bits or of operators."""

from math import log2

from ...model.config import AcceleratorConfig
from ...model.formats import CODEBOOK_BITS, CONSTANT_BITS, TOP_BITS, ceil_log2
from ...rtl.row_leaks import FACTOR_BITS
from ...rtl.shape import ACCUMULATOR_BITS, CELL_BITS, ROW_LEAK_MANTISSA_BITS, Shape

Terms = tuple[float, ...]


def lane_terms(config: AcceleratorConfig) -> Terms:
    """Return what a lane is made of.

    A constant; bits of products in its S gather slots, and of their shifters and accumulators; bits of products in its
    W encoders, and of their shifters; bits that select one of W elements for S slots; bits of a row of its buffers;
    with leaks of rows, bits of their products in slots and elements.
    """
    shape, slots, elements = Shape(config), config.entries_per_cycle, config.elements_per_cycle
    significand = config.code.significand_bits
    return (
        1.0,
        slots * significand * CODEBOOK_BITS,
        slots * (shape.term_bits * config.code.exponent_bits + 4 * ACCUMULATOR_BITS),
        elements * (significand * CODEBOOK_BITS + TOP_BITS * CONSTANT_BITS),
        elements * shape.product_bits * log2(shape.product_bits),
        slots * elements * config.code.code_bits + shape.banks**2 * CELL_BITS,
        config.port_bits,
        config.row_leaks * ROW_LEAK_MANTISSA_BITS * (slots * FACTOR_BITS + elements * significand),
    )


def engine_terms(config: AcceleratorConfig) -> Terms:
    """Return what an engine is made of.

    A constant; bits of its port, to be moved from byte to byte (a row of multiplexers for each power of two); bits of
    the entries taken in a cycle, an input index and a level each; elements; lanes; each further width and layout,
    whose decoder hardly grows with S (measured at 1 and 4); the bus of a local memory; entries and elements once more
    with leaks of rows.
    """
    port, slots = config.port_bits, config.entries_per_cycle
    widths = config.greatest_index_bits - config.least_index_bits + 1
    return (
        1.0,
        port * log2(port),
        slots * (ceil_log2(config.hidden_capacity) + config.greatest_index_bits),
        config.elements_per_cycle,
        config.lanes,
        widths * len(config.layouts) - 1,
        port * bool(config.local_bytes),
        config.row_leaks * (slots + config.elements_per_cycle),
    )
