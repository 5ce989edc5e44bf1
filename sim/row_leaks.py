"""What descriptors and tables say where each row has a leak of its own (row_mass_leak)."""

from typing import Any, NamedTuple

import numpy as np

from ..model.config import AcceleratorConfig
from ..model.errors import EngineError
from ..model.formats import ROW_LEAK, MantissaShift, ceil_log2
from ..model.golden.constants import (
    EDGE_FRACTION_BITS,
    ROW_LEAK_DROP,
    LeakConstants,
    Operation,
    absent_levels,
    leak_unit,
)
from ..model.packing.directory import directory_of
from ..model.packing.matrix import PackedModel, RowConstants
from ..model.packing.rule import TensorRule

ALPHA_TABLE = 0


def check_row_leaks(config: AcceleratorConfig, model: PackedModel) -> None:
    """Raise EngineError for a model with row leaks on an engine that was built without them."""
    for name, rule in (("alpha", model.alpha_rule), ("beta", model.beta_rule)):
        if rule.row_leaks and not config.row_leaks:
            raise EngineError(f"{name}: has a leak for each row (row_mass_leak), expected an engine with row_leaks")


def leak_fields(model: PackedModel, operation: Operation, leak: LeakConstants) -> dict[str, Any]:
    """Return the fields of a descriptor that take the place of K1: for LEAK, for its last shift, for emissions."""
    fields: dict[str, Any] = {"leak_k1": constant(leak.ordinary), "emission_k1": constant(_absent(model.beta))}
    if leak.rows is None:
        return fields
    unit = leak.rows.unit
    if operation is Operation.BACKWARD:
        kept = MantissaShift(unit.mantissa, leak.guard + ROW_LEAK.integer_bits)
        return fields | {"leak_k1": constant(kept), "row_shift": leak.rows.backward_shift(leak.guard)}
    shifted = MantissaShift(unit.mantissa, leak.rows.shift + ROW_LEAK_DROP)
    return fields | {"leak_k1": constant(shifted), "row_right": leak.rows.right}


def leak_options(model: PackedModel, operation: Operation) -> dict[str, bool]:
    """Return the options of a descriptor: whether LEAK, and whether absent emissions, are of leaks of rows."""
    alpha, beta = model.alpha_rule.row_leaks, model.beta_rule.row_leaks
    own = beta if operation is Operation.SCORES else alpha
    return {"row_leaks": own, "row_emissions": beta and operation is Operation.FORWARD}


def leak_pairs(model: PackedModel, tensor: int, rows: RowConstants) -> bytes | None:
    """Return the table of LOAD_ROWS: pairs {code of row i, code of the row of alpha's record i}; None without leaks."""
    if rows.leaks is None:
        return None
    pairs = np.zeros((rows.leaks.size, 2), np.uint8)
    pairs[:, 0] = rows.leaks
    if tensor == ALPHA_TABLE:
        occupied = directory_of(model.alpha_by_row).occupied
        pairs[: occupied.size, 1] = rows.leaks[occupied]
    return pairs.tobytes()


class EdgeLevels(NamedTuple):
    """How the unit for edges comes from g to round(2**30 * g / n): (g * inverse + 2**(shift - 1)) >> shift."""

    inverse: int
    shift: int

    @classmethod
    def of(cls, columns: int) -> "EdgeLevels":
        """Return the constants for rows of `columns` columns.

        With shift = bits of g + ceil(log2 n) + 1 the inverse, rounded up, is too great by less than what any g could
        carry over a rounding, for 2**30 * g / n + 1/2 lies at least 1 / 2n below the next integer.
        """
        shift = ROW_LEAK.integer_bits + ceil_log2(columns) + 1
        whole = EDGE_FRACTION_BITS - ROW_LEAK.unit_bits + shift
        return cls(-(-(1 << whole) // columns), shift)

    def level(self, code: int) -> int:
        """Return what stands for an absent level, 40 fraction bits."""
        return (ROW_LEAK.integer(code) * self.inverse + (1 << (self.shift - 1))) >> self.shift


def constant(value: MantissaShift) -> dict[str, int]:
    """Return a constant as descriptors have it."""
    return {"mantissa": value.mantissa, "shift": value.shift}


def _absent(rule: TensorRule) -> MantissaShift:
    """What stands for an absent emission level, or what g is multiplied with."""
    if not rule.rule.row_leaks:
        return absent_levels(rule)[0]
    unit = leak_unit(rule)
    return MantissaShift(unit.mantissa, unit.shift + ROW_LEAK.unit_bits)
