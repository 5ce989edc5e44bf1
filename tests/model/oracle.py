"""The project's arithmetic in plain Python integers, one function a definition; written to be read, not to be fast.

A vector is (codes, X). No NumPy, no numba, and nothing taken from the code under test.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil, floor, log2

ZERO_X = -32768
Vector = tuple[list[int], int]
Matrix = Sequence[Sequence[int]]


class RangeError(Exception):
    """X left -32767..32767."""


def half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def mantissa_shift(value: Fraction) -> tuple[int, int]:
    """(m, s) with value ~ m * 2**-s, m of 16 bits with the top bit set, rounded half up; (0, 0) for 0."""
    if not value:
        return 0, 0
    shift = 0
    while value * Fraction(2) ** shift < 1 << 15:
        shift += 1
    while value * Fraction(2) ** shift >= 1 << 16:
        shift -= 1
    mantissa = half_up(value * Fraction(2) ** shift)
    return (mantissa >> 1, shift - 1) if mantissa == 1 << 16 else (mantissa, shift)


def shifted_right(value: int, shift: int) -> int:
    return value >> shift if shift >= 0 else value << -shift


def top(value: int, bits: int) -> tuple[int, int]:
    drop = max(0, value.bit_length() - bits)
    return value >> drop, drop


def score16(value: int) -> int:
    k = value.bit_length()
    if k == 0:
        return 0
    below = value - (1 << (k - 1))  # without the leading one
    return k << 10 | shifted_right(below, k - 1 - 10)


@dataclass(frozen=True)
class Code:
    """A vector code of E exponent bits and M significand bits."""

    e: int = 5
    m: int = 12

    @property
    def fix_bits(self) -> int:
        return self.m + 2**self.e - 2

    def parts(self, code: int) -> tuple[int, int]:
        k, f = divmod(code, 1 << (self.m - 1))
        return (f, 0) if k == 0 else ((1 << (self.m - 1)) + f, k - 1)

    def fix(self, code: int) -> int:
        mantissa, exponent = self.parts(code)
        return mantissa << exponent

    def enc(self, elements: Sequence[tuple[int, int]], x: int) -> Vector:
        """Elements (m_i, e_i) of value m_i * 2**(e_i + x)."""
        lengths = [m.bit_length() + e for m, e in elements if m]
        if not lengths:
            return [0] * len(elements), ZERO_X
        s = max(lengths) - self.fix_bits
        if not -32767 <= x + s <= 32767:
            raise RangeError(x + s)
        codes: list[int] = []
        for m, e in elements:
            assert 0 <= m < 1 << 63
            p = max(s, m.bit_length() + e - self.m)
            rounded = half_up(m * Fraction(2) ** (e - p))
            codes.append(min((p - s << self.m - 1) + rounded, (1 << self.e + self.m - 1) - 1) if m else 0)
        return codes, x + s


def row_leak(code: int) -> int:
    """g: 4 bits k, 4 bits f."""
    k, f = divmod(code, 16)
    return f if k == 0 else (16 + f) * 2 ** (k - 1)


def row_leak_code(leak: Fraction) -> int:
    """The least code that stands for as much, or the greatest."""
    return min([code for code in range(256) if Fraction(row_leak(code), 1024) >= leak], default=255)


@dataclass(frozen=True)
class Tensor:
    """Indices of one matrix, and the levels they stand for.

    c[0] of the codebook lies in the leak of every row, beside eps; `levels` are what is above it.
    """

    indices: Matrix
    bits: int
    codebook: Sequence[int]
    eps: Fraction = Fraction(1, 1000)
    scale: Fraction | None = None
    """The factor of every row where rows are not normalized: then none is a zero row."""
    empty: bool = False
    """Rows without a level are empty instead of uniform."""
    closed_row: int | None = None
    closed_column: int | None = None
    """hmm_guard: no leak leaves the row, none reaches the column."""
    leak_codes: Sequence[int] | None = None
    """row_mass_leak: a leak for each row."""

    @property
    def columns(self) -> int:
        return len(self.indices[0])

    @cached_property
    def levels(self) -> list[list[int]]:
        return [[self.codebook[int(index)] - self.codebook[0] for index in row] for row in self.indices]

    @cached_property
    def whole(self) -> list[list[int]]:
        """Whole codebook values, where there is an index above 0."""
        return [[self.codebook[int(index)] if index else 0 for index in row] for row in self.indices]

    @cached_property
    def zero(self) -> list[bool]:
        return [sum(row) == 0 and self.scale is None for row in self.levels]

    @property
    def leaked(self) -> Fraction:
        """All of a row's leak."""
        return self.eps + self.columns * self.codebook[0]

    @cached_property
    def r(self) -> list[tuple[int, int]]:
        """(rho, sigma) of each row."""
        if self.scale is not None:
            return [mantissa_shift(self.scale)] * len(self.levels)
        return [
            mantissa_shift(1 / (sum(row) + self.kept(i)) if sum(row) else Fraction(1, 2**self.bits))
            for i, row in enumerate(self.levels)
        ]

    @property
    def reached(self) -> int:
        return self.columns - (self.closed_column is not None)

    def kept(self, row: int) -> Fraction:
        return Fraction(0) if row == self.closed_row else self.leak_of(row) * self.reached / self.columns

    def leak_of(self, row: int) -> Fraction:
        return self.leaked if self.leak_codes is None else Fraction(row_leak(self.leak_codes[row]), 1024)

    @property
    def k1(self) -> Fraction:
        return self.leaked / self.columns

    @property
    def k0(self) -> Fraction:
        if self.scale is not None:
            return self.k1
        return Fraction(0) if self.empty else Fraction(2**self.bits, self.reached)

    def absent(self, row: int) -> Fraction:
        """What an absent level of a row stands for, in a column that a leak reaches."""
        if row == self.closed_row:
            return Fraction(0)
        return self.k0 if self.zero[row] else self.leak_of(row) / self.columns

    def absent_parts(self, row: int) -> tuple[int, int]:
        """The same as an integer and an exponent of 2, as the datapath has it."""
        if self.leak_codes is None or self.zero[row] or row == self.closed_row:
            mantissa, shift = mantissa_shift(self.absent(row))
            return mantissa, -shift
        mantissa, shift = mantissa_shift(Fraction(1, self.columns))
        return row_leak(self.leak_codes[row]) * mantissa, -shift - 10

    def leak(self, fixes: Sequence[int], code: Code) -> int:
        g = self.guard(len(fixes), code)
        open_rows = [
            (v, zero) for i, (v, zero) in enumerate(zip(fixes, self.zero, strict=True)) if i != self.closed_row
        ]
        ordinary, zero = (sum(v for v, zero in open_rows if zero is which) for which in (False, True))
        first = self.leak_part(ordinary, self.k1, g) if self.leak_codes is None else self.row_leaks(fixes, code)
        return first + self.leak_part(zero, self.k0, g)

    def row_leaks(self, fixes: Sequence[int], code: Code) -> int:
        assert self.leak_codes is not None
        right = max(0, code.fix_bits + 19 + ceil(log2(len(fixes))) - 64)
        total = sum(
            (fix >> right) * row_leak(leak)
            for i, (fix, leak) in enumerate(zip(fixes, self.leak_codes, strict=True))
            if not self.zero[i] and i != self.closed_row
        )
        assert total < 1 << 64
        mantissa, shift = mantissa_shift(Fraction(1, self.columns))
        return shifted_right((total >> 16) * mantissa, shift + 10 - right - 16)

    def backward_leak(self, row: int, total: int, g: int) -> int:
        """Of an output of backward that has levels, with `total` the sum of all fix values."""
        if row == self.closed_row:
            return 0
        if self.leak_codes is None:
            return self.leak_part(total, self.k1, g)
        mantissa, shift = mantissa_shift(Fraction(1, self.columns))
        scaled = (total >> g) * mantissa
        assert scaled < 1 << 64
        return shifted_right((scaled >> 19) * row_leak(self.leak_codes[row]), shift + 10 - g - 19)

    def guard(self, inputs: int, code: Code) -> int:
        return max(0, code.fix_bits + ceil(log2(inputs)) + 16 - 64)

    def leak_part(self, total: int, k: Fraction, g: int) -> int:
        mantissa, shift = mantissa_shift(k)
        assert (total >> g) * mantissa < 1 << 64
        return shifted_right((total >> g) * mantissa, shift - g)


@dataclass(frozen=True)
class Oracle:
    """A quantized model."""

    alpha: Tensor
    beta: Tensor
    gamma: Tensor
    code: Code = Code()

    @property
    def states(self) -> range:
        return range(len(self.alpha.indices))

    @property
    def tokens(self) -> range:
        return range(self.beta.columns)

    def fixes(self, vector: Vector) -> list[int]:
        return [self.code.fix(c) for c in vector[0]]

    def initial(self) -> Vector:
        rho, sigma = self.gamma.r[0]
        mantissa, shift = mantissa_shift(self.gamma.k1)
        present = ((level, 0) if level else (mantissa, -shift) for level in self.gamma.whole[0])
        return self.code.enc([(m * rho, e - sigma) for m, e in present], 0)

    def emission(self, i: int, token: int) -> tuple[int, int]:
        level = self.beta.whole[i][token]
        if level:
            return level, 0
        return (0, 0) if token == self.beta.closed_column else self.beta.absent_parts(i)

    def forward_z(self, vector: Vector, token: int) -> Vector:
        elements: list[tuple[int, int]] = []
        for i in self.states:
            m, e = self.code.parts(vector[0][i])
            em, em_e = self.emission(i, token)
            (rho_a, sigma_a), (rho_b, sigma_b) = self.alpha.r[i], self.beta.r[i]
            kappa, dropped = top(rho_a * rho_b, 16)
            elements.append((m * em * kappa, e + em_e + dropped - sigma_a - sigma_b))
        return self.code.enc(elements, vector[1])

    def forward(self, vector: Vector, token: int) -> Vector:
        z, x = self.forward_z(vector, token)
        fixes = self.fixes((z, x))
        leak = self.alpha.leak(fixes, self.code)
        return self.code.enc(
            [top(leak + sum(fixes[i] * self.alpha.levels[i][j] for i in self.states), 24) for j in self.states], x
        )

    def backward(self, vector: Vector) -> Vector:
        fixes = self.fixes(vector)
        g = self.alpha.guard(len(fixes), self.code)
        elements: list[tuple[int, int]] = []
        for i in self.states:
            if self.alpha.zero[i]:
                acc = self.alpha.leak_part(sum(fixes), self.alpha.k0, g)
            else:
                acc = self.alpha.backward_leak(i, sum(fixes), g)
                acc += sum(self.alpha.levels[i][j] * fixes[j] for j in self.states)
            t, h = top(acc, 24)
            rho, sigma = self.alpha.r[i]
            elements.append((t * rho, h - sigma))
        return self.code.enc(elements, vector[1])

    def scores_z(self, vector: Vector) -> Vector:
        parts = [self.code.parts(c) for c in vector[0]]
        return self.code.enc(
            [(m * rho, e - sigma) for (m, e), (rho, sigma) in zip(parts, self.beta.r, strict=True)], vector[1]
        )

    def scores_of(self, z: Vector) -> tuple[list[int], int, int]:
        """Codes of all tokens, code of the leak, X."""
        fixes = self.fixes(z)
        leak = self.beta.leak(fixes, self.code)
        sums = [sum(fixes[i] * self.beta.levels[i][v] for i in self.states) for v in self.tokens]
        codes = [score16(total + (0 if v == self.beta.closed_column else leak)) for v, total in enumerate(sums)]
        return codes, score16(leak), z[1]

    def product(self, a: Vector, c: Vector) -> Vector:
        pairs = [(self.code.parts(p), self.code.parts(q)) for p, q in zip(a[0], c[0], strict=True)]
        return self.code.enc([(m * n, e + f) for (m, e), (n, f) in pairs], a[1] + c[1])

    def product_z(self, a: Vector, c: Vector, ends: bool = False) -> Vector:
        pairs = [(self.code.parts(p), self.code.parts(q)) for p, q in zip(a[0], c[0], strict=True)]
        if self.beta.closed_row is not None and not ends:
            pairs[self.beta.closed_row] = ((0, 0), (0, 0))
        return self.code.enc(
            [(m * n * rho, e + f - sigma) for ((m, e), (n, f)), (rho, sigma) in zip(pairs, self.beta.r, strict=True)],
            a[1] + c[1],
        )

    def edge(self, tokens: Sequence[int]) -> Vector:
        return self._edge([sum(row[v] for v in tokens) for row in self.beta.levels], self._reached(tokens))

    def other_edge(self, listed: Sequence[int]) -> Vector:
        sums = [sum(row) - sum(row[v] for v in listed) for row in self.beta.levels]
        return self._edge(sums, self.beta.reached - self._reached(listed))

    def _reached(self, tokens: Sequence[int]) -> int:
        return sum(v != self.beta.closed_column for v in tokens)

    def _edge(self, level_sums: Sequence[int], count: int) -> Vector:
        elements: list[tuple[int, int]] = []
        for i in self.states:
            k = half_up(2**40 * self.beta.absent(i))
            t, h = top((level_sums[i] << 40) + count * k, 24)
            rho, sigma = self.beta.r[i]
            elements.append((t * rho, h - sigma - 40))
        return self.code.enc(elements, 0)

    def edge_sum(self, terms: Sequence[tuple[Vector, Vector | None]]) -> Vector:
        if len(terms) > 128:
            groups = [self.edge_sum(terms[k : k + 128]) for k in range(0, len(terms), 128)]
            return self.edge_sum([(group, None) for group in groups])
        return self.code.enc([self._edge_element(terms, i) for i in self.states], 0)

    def _edge_element(self, terms: Sequence[tuple[Vector, Vector | None]], i: int) -> tuple[int, int]:
        found: list[tuple[int, int]] = []
        for (codes, x), other in terms:
            m, e = self.code.parts(codes[i])
            if other is None:
                n, f, y = 1 << (self.code.m - 1), -(self.code.m - 1), 0
            else:
                (n, f), y = self.code.parts(other[0][i]), other[1]
            if m * n:
                found.append((m * n, e + f + x + y))
        if not found:
            return 0, 0
        greatest = max(e for _, e in found)
        total = sum((m << 32) >> (greatest - e) for m, e in found)
        assert total < 1 << 64
        t, h = top(total, 24)
        return t, greatest - 32 + h
