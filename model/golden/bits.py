"""The bits of an integer, one instruction in kernels."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload


def bit_length(value: int) -> int:
    """Return the bits of 0 <= value < 2**63; in kernels and outside them."""
    return int(value).bit_length()


@intrinsic
def _leading_zeros(typing_context: Any, value: Any) -> Any:
    """Return the zeros above the leading one of an int64, 64 for 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        zero_is_defined = ir.Constant(ir.IntType(1), 0)
        return builder.ctlz(arguments[0], zero_is_defined)

    return types.int64(types.int64), generate


@overload(bit_length)
def _compiled_bit_length(value: Any) -> Any:  # pyright: ignore[reportUnusedFunction]
    def implementation(value: Any) -> Any:
        # numba passes the typing context itself
        return 64 - _leading_zeros(np.int64(value))  # pyright: ignore[reportCallIssue]

    return implementation
