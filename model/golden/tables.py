"""What the golden operations derive from a packed model once: row factors as wide integers, and absent levels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..formats import CONSTANT_BITS, ROW_LEAK, MantissaShift
from ..packing.bitmap import unpack_bitmap
from ..packing.matrix import PackedModel, RowConstants
from ..packing.row_leaks import leak_integers
from .constants import absent_levels, leak_unit
from .encode import Integers

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Factors:
    """Scale factors of n elements: factor i is mantissas[i] * 2**shifts[i]."""

    mantissas: Integers
    shifts: Integers

    @classmethod
    def of_rows(cls, rows: RowConstants) -> "Factors":
        """Return r_i of every row."""
        return cls(rows.rho.astype(np.int64), -rows.sigma.astype(np.int64))

    def __mul__(self, other: "Factors") -> "Factors":
        return Factors(self.mantissas * other.mantissas, self.shifts + other.shifts)

    def truncated(self, bits: int) -> "Factors":
        """Drop the low bits of every mantissa beyond its top `bits`."""
        lengths = np.frexp(self.mantissas.astype(np.float64))[1].astype(np.int64)  # exact below 2**53
        drop = np.maximum(0, lengths - bits)
        return Factors(self.mantissas >> drop, self.shifts + drop)

    def at(self, places: npt.NDArray[np.integer]) -> "Factors":
        """Return the factors of these elements."""
        return Factors(self.mantissas[places], self.shifts[places])


@dataclass(frozen=True, eq=False)
class RowTables:
    """Row constants of a packed model in the form that the element-wise passes take."""

    alpha: Factors
    """[H] r_alpha."""
    beta: Factors
    """[H] r_beta."""
    kappa: Factors
    """[H] r_alpha * r_beta, truncated to 16 bits."""
    alpha_zero: Flags
    """[H] zero rows of alpha."""
    beta_zero: Flags
    """[H] zero rows of beta."""
    absent_emission: Factors
    """[H] kappa times what stands for an absent emission level of each row, of any token that a leak reaches."""
    alpha_leaks: Integers | None
    """[H] g of alpha's rows where each has a leak of its own."""
    beta_leaks: Integers | None
    """[H] the same of beta's rows."""
    emission_levels: Integers
    """[2**bits] whole levels of beta, c[0] included: what an index above 0 stands for in an emission."""

    @classmethod
    def of(cls, model: PackedModel) -> "RowTables":
        """Derive the tables."""
        hidden = model.hidden_states
        alpha, beta = Factors.of_rows(model.alpha_rows), Factors.of_rows(model.beta_rows)
        beta_zero = unpack_bitmap(model.beta_rows.zero_rows, hidden)
        kappa = (alpha * beta).truncated(CONSTANT_BITS)
        ordinary, zero = absent_levels(model.beta)
        alpha_leaks, beta_leaks = _leaks(model.alpha_rows), _leaks(model.beta_rows)
        level: Integers | int = ordinary.mantissa
        if beta_leaks is not None:
            unit = leak_unit(model.beta)
            level, ordinary = beta_leaks * unit.mantissa, MantissaShift(0, unit.shift + ROW_LEAK.unit_bits)
        absent = Factors(
            np.where(beta_zero, zero.mantissa, level),
            np.where(beta_zero, -zero.shift, -ordinary.shift),
        )
        if model.end_state is not None:
            absent.mantissas[model.end_state] = 0
        alpha_zero = unpack_bitmap(model.alpha_rows.zero_rows, hidden)
        emission_levels = model.beta_codebook.astype(np.int64)
        absent *= kappa
        return cls(alpha, beta, kappa, alpha_zero, beta_zero, absent, alpha_leaks, beta_leaks, emission_levels)


def _leaks(rows: RowConstants) -> Integers | None:
    return None if rows.leaks is None else leak_integers(rows.leaks)


def initial_factors(model: PackedModel) -> Factors:
    """Return the initial distribution's elements before ENC, [H]: whole level or K1, times rho of gamma's one row."""
    absent: MantissaShift = absent_levels(model.gamma)[0]
    present = model.gamma_levels > 0
    levels = model.gamma_codebook.astype(np.int64)[model.gamma_levels]
    elements = Factors(np.where(present, levels, absent.mantissa), np.where(present, 0, -absent.shift))
    return elements * Factors.of_rows(model.gamma_rows)
