"""What the shared control broadcasts to every lane, stage by stage.

A lane has no control of its own: each of these arrives at the cycle that its name states, the same for all lanes,
and never depends on vector data or index values.
"""

from amaranth import signed
from amaranth.lib import data, enum

from ..model.formats import CODEBOOK_BITS, CONSTANT_BITS, ROW_LEAK, ceil_log2
from .encoder import Encoder
from .finish import Finisher
from .gather import GatherSum
from .shape import ACCUMULATOR_BITS, PRODUCT_EXPONENT_BITS, ROW_LEAK_MANTISSA_BITS, SHIFT_BITS, Shape

ROW_RIGHT_BITS = 4
"""Bits of Gr."""
ROW_LEFT = (1 << ROW_LEAK.exponent_bits) - 2
"""Greatest exponent of a row's leak: distances are kept above 0 by a shift to the left."""
ROW_DISTANCE_BITS = 6


class Scale(enum.Enum, shape=2):
    """Where the scale of an encoding comes from."""

    INPUT = 0
    """The maximum of an input pass; becomes the exponent of z."""
    COPY = 1
    """z is the vector itself (backward)."""
    OUTPUT = 2
    """The maximum of an output pass (backward)."""
    GATHER = 3
    """The maximum seen by the finisher, and the leak where outputs are empty (forward)."""


class PassTiming:
    """Cycles after the factors of an element entered its encoder at which the shared control must speak."""

    kappa = Encoder.kappa_latency
    scale = Encoder.length_latency
    maximum = Encoder.length_latency + 1
    store = Encoder.latency
    leak = Encoder.latency + 1
    maximum_done = maximum + 1
    leak_done = leak + 1


class GatherTiming:
    """Cycles after the codes of an entry left z at which the shared control must speak."""

    segment = GatherSum.segment_latency
    carry = GatherSum.segment_latency + 1
    total = GatherSum.latency
    result = GatherSum.latency + Finisher.latency


def setup_layout() -> data.StructLayout:
    """The vector that a lane is about to load; `is_closed`: no emission stands for an absent one."""
    return data.StructLayout({"active": 1, "is_closed": 1, "exponent": signed(PRODUCT_EXPONENT_BITS)})


def constant_layout() -> data.StructLayout:
    """mantissa * 2**-shift."""
    return data.StructLayout({"mantissa": CONSTANT_BITS, "shift": signed(SHIFT_BITS)})


def factor_layout(shape: Shape) -> data.StructLayout:
    """The first factor of an element, mantissa * 2**-shift."""
    return data.StructLayout({"mantissa": shape.factor_bits, "shift": signed(SHIFT_BITS)})


def load_layout(shape: Shape) -> data.StructLayout:
    """A beat of a vector on its way into the x memory, or of a second factor into that of second factors."""
    return data.StructLayout({"second": 1, "beat": ceil_log2(shape.beats), "data": shape.config.port_bits})


def emission_layout(shape: Shape) -> data.StructLayout:
    """An emission level on its way into the emission memory."""
    return data.StructLayout({"word": shape.word_bits, "slot": shape.slot_bits, "level": CODEBOOK_BITS})


def fetch_layout(shape: Shape) -> data.StructLayout:
    """Addresses of an element pass, one cycle before its factors."""
    return data.StructLayout({"input": 1, "word": shape.word_bits})


def operand_layout(shape: Shape) -> data.StructLayout:
    """How the factors of W elements are made."""
    elements = shape.config.elements_per_cycle
    return data.StructLayout(
        {
            "is_output": 1,
            "use_emission": 1,
            "use_second": 1,
            "clear_emission": 1,
            "word": shape.word_bits,
            "valid": elements,
            "use_leak": elements,
            "bank": data.ArrayLayout(shape.bank_bits, elements),
            "buffer": 1,
            "constant": data.ArrayLayout(factor_layout(shape), elements),
        }
    )


def kappa_layout(shape: Shape) -> data.StructLayout:
    """Second factors of W elements, at PassTiming.kappa."""
    elements = shape.config.elements_per_cycle
    return data.StructLayout({"use": 1, "constant": data.ArrayLayout(constant_layout(), elements)})


def store_layout(shape: Shape) -> data.StructLayout:
    """Where W codes go, at PassTiming.store."""
    return data.StructLayout({"z": 1, "y": 1, "word": shape.word_bits, "buffer": 1})


def leak_sum_layout(shape: Shape) -> data.StructLayout:
    """Which of the W codes enter which leak sum, at PassTiming.leak; a code may enter none."""
    elements = shape.config.elements_per_cycle
    return data.StructLayout({"clear": 1, "add": 1, "ordinary": elements, "zero": elements})


def leak_weight_layout(shape: Shape) -> data.ArrayLayout:
    """What each of W codes is multiplied with in its leak sum, at PassTiming.store; where rows have leaks of their own.

    A code counts as (fix >> right) * mantissa << exponent.
    """
    fields = {"mantissa": ROW_LEAK_MANTISSA_BITS, "exponent": ROW_LEAK.exponent_bits, "right": ROW_RIGHT_BITS}
    return data.ArrayLayout(data.StructLayout(fields), shape.config.elements_per_cycle)


def row_leak_layout(shape: Shape) -> data.StructLayout:
    """The leak of the row of each of S records (backward): leak * mantissa << ROW_LEFT >> distance, leak the vector's.

    `buffer` and `mantissa` come two cycles before GatherTiming.total, `distance` one, `use` at it. Only where rows have
    leaks of their own.
    """
    entries = shape.config.entries_per_cycle
    return data.StructLayout(
        {
            "buffer": 1,
            "mantissa": data.ArrayLayout(ROW_LEAK_MANTISSA_BITS, entries),
            "distance": data.ArrayLayout(ROW_DISTANCE_BITS, entries),
            "use": 1,
        }
    )


def finalize_layout() -> data.StructLayout:
    """End of a maximum: take the scale; that of an output pass is in use from `commit` on."""
    return data.StructLayout({"strobe": 1, "commit": 1, "source": Scale, "buffer": 1, "has_empty": 1})


def leak_layout() -> data.StructLayout:
    """Leak terms of a group: of ordinary outputs, and of empty ones."""
    return data.StructLayout({"buffer": 1, "leak": ACCUMULATOR_BITS, "empty_leak": ACCUMULATOR_BITS})


def read_layout(shape: Shape) -> data.StructLayout:
    """Addresses of S entries in z."""
    entries = shape.config.entries_per_cycle
    return data.StructLayout({"enable": 1, "buffer": 1, "index": data.ArrayLayout(shape.index_bits, entries)})


def total_layout(shape: Shape) -> data.StructLayout:
    """Which leak is added, at GatherTiming.total. A header carries the leak of empty outputs alone.

    The output that ends in a `closed` slot has none.
    """
    return data.StructLayout({"buffer": 1, "header": 1, "closed": shape.config.entries_per_cycle})


def result_layout(shape: Shape) -> data.StructLayout:
    """Where finished results go, at GatherTiming.result."""
    entries = shape.config.entries_per_cycle
    bank = data.StructLayout({"write": 1, "row": shape.bank_row_bits, "source": ceil_log2(entries)})
    return data.StructLayout(
        {
            "header": 1,
            "buffer": 1,
            "is_score": 1,
            "ended": entries,
            "bank": data.ArrayLayout(bank, shape.banks),
        }
    )


def bank_read_layout(shape: Shape) -> data.StructLayout:
    """Rows of the result memory to read, one for each bank."""
    return data.StructLayout({"enable": 1, "row": data.ArrayLayout(shape.bank_row_bits, shape.banks)})


def header_layout() -> data.StructLayout:
    """Which header is shown: of the encoded result, or of a buffer's scores."""
    return data.StructLayout({"is_score": 1, "buffer": 1})
