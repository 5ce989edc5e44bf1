"""Sums over the lists of a dense matrix, straight from its packed indices, in parallel over outputs."""

from numba import prange

from ..jit import parallel_kernel
from ..packing.bitmap import Bytes
from ..packing.dense import dense_level
from .encode import Integers


@parallel_kernel
def gather_dense(
    data: Bytes, stride: int, bits: int, outputs: Integers, codebook: Integers, values: Integers, sums: Integers
) -> None:
    """Write sum_i c[q_i] * values[i] of the listed outputs to `sums` [listed, B]; `values` is [inputs, B]."""
    for k in prange(outputs.size):
        sums[k] = 0
        for i in range(values.shape[0]):
            level = codebook[dense_level(data, outputs[k] * stride, i, bits)]
            for v in range(values.shape[1]):
                sums[k, v] += level * values[i, v]
