"""Sizes of the datapath that follow from one configuration."""

from dataclasses import dataclass

from ..model.config import AcceleratorConfig
from ..model.formats import CODEBOOK_BITS, CONSTANT_BITS, ROW_LEAK, TOP_BITS, ceil_log2

CELL_BITS = 16
"""Bits of a vector element in memory and in the lane buffers, whatever the code's width."""

SUM_BITS = 60
"""Leak sums: F + log2(H) = 42 + 16 bits and room."""
ROW_SUM_BITS = 64
"""Leak sums where each row has a leak of its own."""
ROW_LEAK_MANTISSA_BITS = ROW_LEAK.fraction_bits + 1
"""Bits of the mantissa of a row's leak."""

ACCUMULATOR_BITS = 63
TOP_SHIFT_BITS = 6
RESULT_BITS = TOP_BITS + TOP_SHIFT_BITS
"""TOP_24 mantissa and shift of an accumulator; a SCORE16 code takes the low bits of the same cell."""

EXPONENT_BITS = 11
"""Signed exponents inside ENC: factors bring at most -(63 + 126), a mantissa 44 bits, TOP 39."""

VECTOR_EXPONENT_BITS = 16
PRODUCT_EXPONENT_BITS = VECTOR_EXPONENT_BITS + 1
"""Exponent of an element-wise product of two vectors."""
SIGMA_BITS = 6
SHIFT_BITS = 8
"""Signed shift of a leak constant, or of kappa (two sigmas)."""

COUNT_BITS = 32
BUFFERS = 2
CODEBOOK_SLOTS = 4


@dataclass(frozen=True)
class Shape:
    """Widths and depths derived from a configuration, shared by every component."""

    config: AcceleratorConfig

    @property
    def index_bits(self) -> int:
        """Bits of an input index."""
        return ceil_log2(self.config.hidden_capacity)

    @property
    def slot_bits(self) -> int:
        """Bits that select one of the W elements of a word."""
        return ceil_log2(self.config.elements_per_cycle)

    @property
    def words(self) -> int:
        """Words of W elements in a vector of full capacity."""
        return self.config.hidden_capacity // self.config.elements_per_cycle

    @property
    def word_bits(self) -> int:
        """Bits of a word's number."""
        return ceil_log2(self.words)

    @property
    def banks(self) -> int:
        """Banks of the result memory: as many results as may arrive, leave or precede a record in one cycle."""
        return max(self.config.entries_per_cycle, self.config.elements_per_cycle, 2)

    @property
    def bank_bits(self) -> int:
        """Bits of a bank's number."""
        return ceil_log2(self.banks)

    @property
    def bank_rows(self) -> int:
        """Rows of one bank, both buffers."""
        return BUFFERS * self.config.hidden_capacity // self.banks

    @property
    def bank_row_bits(self) -> int:
        """Bits of a bank's row."""
        return ceil_log2(self.bank_rows)

    @property
    def buffer_rows(self) -> int:
        """Rows of a lane buffer: a row is the wider of a beat and a word."""
        return self.config.hidden_capacity * CELL_BITS // self.buffer_row_bits

    @property
    def buffer_row_bits(self) -> int:
        """Bits of a row of a lane buffer."""
        return max(self.config.port_bits, CELL_BITS * self.config.elements_per_cycle)

    @property
    def beats(self) -> int:
        """Beats of a vector of full capacity."""
        return self.config.hidden_capacity * CELL_BITS // self.config.port_bits

    @property
    def sum_bits(self) -> int:
        """Bits of a leak sum."""
        return ROW_SUM_BITS if self.config.row_leaks else SUM_BITS

    @property
    def factor_bits(self) -> int:
        """Bits of the widest first factor of an element: a constant, times a row's leak where rows have their own."""
        return CONSTANT_BITS + (ROW_LEAK_MANTISSA_BITS if self.config.row_leaks else 0)

    @property
    def term_bits(self) -> int:
        """Bits of one term fix(z) * c."""
        return self.config.code.fix_bits + CODEBOOK_BITS

    @property
    def product_bits(self) -> int:
        """Bits of mant(A) * em * kappa, the widest mantissa that ENC takes; at least TOP_24 * rho."""
        return max(self.config.code.significand_bits + self.factor_bits + CONSTANT_BITS, TOP_BITS + CONSTANT_BITS)
