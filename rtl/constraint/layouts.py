"""What the host lays down for edge weights and edge sums, and the sizes of the unit that reads it."""

from amaranth import signed
from amaranth.lib import data

from ...model.formats import CODE_BYTES, TOP_BITS
from ..bus.axi import ADDRESS_BITS
from ..bus.fetch import BLOCK_BYTES, BURST_BLOCKS
from ..shape import VECTOR_EXPONENT_BITS

MOST_TERMS = 128
"""Terms that one 64-bit sum holds; the host groups longer ones."""

TERM_BITS = 32
"""Zero bits appended to a term's mantissa before it is aligned with the greatest."""

EDGE_FRACTION_BITS = 40
"""Fraction bits of the fixed-point sum of an edge weight."""

LEAK_BITS = 63
"""count * K1_40 and R_i together stay below 2**63."""

INVERSE_BITS = 52
"""2**30 / n with as many fraction bits as round all products with a leak as the exact quotient would be."""
ROW_SHIFT_BITS = 6
LEVEL_BITS = 50
"""What stands for an absent level, 40 fraction bits, in a row with a leak of its own: 2**30 * g / n."""
TOKEN_COUNT_BITS = 21

LEVEL_SUM_BITS = 24
"""Sum of a row's levels, R_i < 2**23."""

CODES_PER_BLOCK = BLOCK_BYTES // CODE_BYTES
CHUNK_BLOCKS = BURST_BLOCKS
CHUNK_CODES = CHUNK_BLOCKS * CODES_PER_BLOCK
"""Elements that are added at a time, through all terms: one burst of a vector."""

SPAN_BITS = VECTOR_EXPONENT_BITS + 2
"""Signed exponent of a term: two vector exponents and two element exponents."""
NO_TERM = -(1 << (SPAN_BITS - 1))
"""Below the exponent of every term."""

COLUMN_WORDS = 2
"""64-bit words of a column record (operation.column_record_layout) and of a term."""
EDGE_WORDS = 4
EDGE_BYTES = 8 * EDGE_WORDS

HEADER_BYTES = 4
"""The result of a vector beside the vector: {0 u16, exponent i16} at `results` + vector * `result_stride`."""


def edge_layout() -> data.StructLayout:
    """32 bytes at the head of each vector of the list, followed by `count` column records or terms.

    The list is one run of `stream_blocks` blocks from the descriptor's `stream`: head, items, head, items, without
    gaps. Weights: `others` makes the edge that of all tokens but the listed; `leak` and `zero_leak` are the tokens'
    number times K1 and K0 with 40 fraction bits. Sums: `count` is 1..MOST_TERMS, the rest is ignored.
    """
    return data.StructLayout({"destination": 64, "count": 32, "others": 1, "reserved": 31, "leak": 64, "zero_leak": 64})


def term_layout() -> data.StructLayout:
    """16 bytes: two vectors and their exponents; `is_single` makes the second factor 1."""
    return data.StructLayout(
        {
            "first": ADDRESS_BITS,
            "first_exponent": signed(VECTOR_EXPONENT_BITS),
            "is_single": 1,
            "reserved_0": 7,
            "second": ADDRESS_BITS,
            "second_exponent": signed(VECTOR_EXPONENT_BITS),
            "reserved_1": 8,
        }
    )


def kept_term_layout() -> data.StructLayout:
    """What the unit keeps of a term: `exponent` is that of both vectors."""
    return data.StructLayout(
        {"first": ADDRESS_BITS, "second": ADDRESS_BITS, "exponent": signed(SPAN_BITS), "is_single": 1}
    )


def cell_layout() -> data.StructLayout:
    """What is kept of an element until its vector is encoded: a sum of levels, or TOP_24 of a sum of terms."""
    return data.StructLayout({"mantissa": TOP_BITS, "exponent": signed(SPAN_BITS)})


CELL_BITS = cell_layout().size
