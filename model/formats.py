"""Number formats of the datapath, as objects that know their width, range and rounding.

The one rounding operation over whole vectors (ENC) lives in `model.golden`; here are the formats it encodes into.
"""

from dataclasses import dataclass
from fractions import Fraction

ZERO_EXPONENT = -32768
"""Vector exponent of the all-zero vector; every other vector exponent lies in -32767..32767."""

EXPONENT_LIMIT = 32767
"""Largest magnitude of the exponent of a vector that is not zero."""

CODE_BYTES = 2
"""Bytes of one vector element in memory, whatever the code's width."""

TOP_BITS = 24
"""Mantissa bits kept of an accumulator that goes on into ENC (TOP_24)."""

ACCUMULATOR_BITS = 63
"""Every accumulator, leak included, is less than 2**63."""

CODEBOOK_BITS = 12
"""Width of one programmable codebook level."""

CONSTANT_BITS = 16
"""Mantissa bits of row factors (rho) and of leak constants (K), top bit set."""

LEAST_SIGNIFICANT_BITS = 8
"""A configuration that leaves the smallest element of a vector fewer significant bits than this is refused."""

PSEUDOCOUNT = Fraction(1, 1000)
"""eps of Norm-Q: the mass added to every row, spread evenly over its columns (arXiv 2509.25439)."""


@dataclass(frozen=True)
class VectorCode:
    """Minifloat element of a vector: `exponent_bits` exponent bits k above `significand_bits` - 1 fraction bits f.

    Unsigned, gradual underflow at k = 0, saturating at the greatest code, monotone in the code.
    """

    exponent_bits: int = 5
    significand_bits: int = 12

    def __post_init__(self) -> None:
        if not 3 <= self.exponent_bits <= 5:
            raise ValueError(f"exponent_bits must be 3..5, got {self.exponent_bits!r}")
        if not 2 <= self.significand_bits <= 12:
            raise ValueError(f"significand_bits must be 2..12, got {self.significand_bits!r}")

    @property
    def fraction_bits(self) -> int:
        """Stored significand bits, without the hidden one."""
        return self.significand_bits - 1

    @property
    def code_bits(self) -> int:
        """Width of a code."""
        return self.exponent_bits + self.fraction_bits

    @property
    def greatest_code(self) -> int:
        """The code that ENC saturates to."""
        return (1 << self.code_bits) - 1

    @property
    def fix_bits(self) -> int:
        """F: width of the fixed-point value of any code."""
        return self.significand_bits + (1 << self.exponent_bits) - 2

    def mantissa_exponent(self, code: int) -> tuple[int, int]:
        """Return (m, e) with fix(code) == m << e."""
        k, f = code >> self.fraction_bits, code & ((1 << self.fraction_bits) - 1)
        return (f, 0) if k == 0 else ((1 << self.fraction_bits) + f, k - 1)

    def fix(self, code: int) -> int:
        """Return the fixed-point integer that the code stands for."""
        m, e = self.mantissa_exponent(code)
        return m << e


@dataclass(frozen=True)
class Score16:
    """Format of one score: 6 bits of position of the leading one, 10 bits below it, truncated; 0 is code 0."""

    fraction_bits: int = 10

    def encode(self, value: int) -> int:
        """Return the code of an accumulator of at most 63 bits."""
        k = value.bit_length()
        if k == 0:
            return 0
        fraction = (value << self.fraction_bits) >> (k - 1)
        return (k << self.fraction_bits) | (fraction & ((1 << self.fraction_bits) - 1))

    def mantissa_exponent(self, code: int) -> tuple[int, int]:
        """Return (m, e) with value == m * 2**e; (0, 0) for code 0."""
        k, f = code >> self.fraction_bits, code & ((1 << self.fraction_bits) - 1)
        return (0, 0) if k == 0 else ((1 << self.fraction_bits) + f, k - 1 - self.fraction_bits)


SCORE16 = Score16()


@dataclass(frozen=True)
class RowLeakCode:
    """The leak of one row (row_mass_leak) in 8 bits: 4 exponent bits k above 4 fraction bits f, in units of 2**-10.

    Unsigned, gradual underflow at k = 0, monotone in the code; what is beyond the greatest saturates.
    """

    exponent_bits: int = 4
    fraction_bits: int = 4
    unit_bits: int = 10
    """A leak is its integer times 2**-unit_bits."""

    @property
    def codes(self) -> int:
        """Number of codes."""
        return 1 << (self.exponent_bits + self.fraction_bits)

    @property
    def integer_bits(self) -> int:
        """Bits of the greatest integer."""
        return self.integer(self.codes - 1).bit_length()

    def mantissa_exponent(self, code: int) -> tuple[int, int]:
        """Return (m, e) with integer(code) == m << e."""
        k, f = code >> self.fraction_bits, code & ((1 << self.fraction_bits) - 1)
        return (f, 0) if k == 0 else ((1 << self.fraction_bits) + f, k - 1)

    def integer(self, code: int) -> int:
        """Return g: the leak in units."""
        m, e = self.mantissa_exponent(code)
        return m << e

    def value(self, code: int) -> Fraction:
        """Return the leak."""
        return Fraction(self.integer(code), 1 << self.unit_bits)

    def code_of(self, leak: Fraction) -> int:
        """Return the code of `leak` rounded up, the greatest one beyond it."""
        return next((code for code in range(self.codes) if self.value(code) >= leak), self.codes - 1)


ROW_LEAK = RowLeakCode()


@dataclass(frozen=True)
class IndexFormat:
    """A weight index of `bits` bits; Norm-Q's codebook is the identity on 0..greatest."""

    bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 8:
            raise ValueError(f"index bits must be 2..8, got {self.bits!r}")

    @property
    def greatest(self) -> int:
        """L: the greatest level of Norm-Q at this width."""
        return (1 << self.bits) - 1


@dataclass(frozen=True)
class MantissaShift:
    """A constant m * 2**-shift, m of 16 bits with the top bit set; 0 is m = 0, shift = 0."""

    mantissa: int
    shift: int

    @classmethod
    def of(cls, value: Fraction) -> "MantissaShift":
        """Round `value` half up to 16 bits; a mantissa of 2**16 becomes 2**15 with one shift less."""
        if value < 0:
            raise ValueError(f"a mantissa and shift stand for no value below 0, got {value!r}")
        if not value:
            return cls(0, 0)
        shift = CONSTANT_BITS - 1 - _floor_log2(value)
        scaled = value * Fraction(2) ** shift
        mantissa = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
        if mantissa == 1 << CONSTANT_BITS:
            return cls(mantissa >> 1, shift - 1)
        return cls(mantissa, shift)


def _floor_log2(value: Fraction) -> int:
    estimate = value.numerator.bit_length() - value.denominator.bit_length()
    return estimate if Fraction(2) ** estimate <= value else estimate - 1


def ceil_log2(n: int) -> int:
    """Return ceil(log2(n)) for n >= 1."""
    return (n - 1).bit_length()
