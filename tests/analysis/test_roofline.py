"""The roofline against arithmetic done by hand."""

import numpy as np
import pytest

from normq.analysis.roofline import Roofline, column_bytes, roofline
from normq.model.config import AcceleratorConfig, Layout
from normq.model.golden.constants import Operation
from normq.model.packing.directory import directory_of
from normq.model.packing.matrix import PackedModel
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor

CONFIG = AcceleratorConfig(entries_per_cycle=2, lanes=4, elements_per_cycle=2, port_bits=128, hidden_capacity=64)


def packed(layout: Layout) -> PackedModel:
    """H=8, V=40, b=3: alpha with 36 entries (row i has i + 1, so column j has 8 - j), beta with 16 on 9 tokens."""
    alpha = np.tril(np.ones((8, 8), np.uint8))
    beta = np.zeros((8, 40), np.uint8)
    beta[:, 3] = 7
    beta[np.arange(8), 10 + np.arange(8)] = 5
    gamma = np.full((1, 8), 2, np.uint8)
    quantized = QuantizedHMM(*(QuantizedTensor(levels, 3) for levels in (alpha, beta, gamma)), eos_token_id=0)
    return pack_model(quantized, layout, {})


def terms(line: Roofline) -> tuple[float, ...]:
    return line.read, line.write, line.entries, line.outputs, line.passes


# A port of 16 bytes. Vectors in: 4 * (32 + 2 * 8) = 192 bytes. Header out: 4 * 4 = 16. Vectors out: 4 * 2 * 8 = 64.
# Sparse: entries of 16 bits (1 + 3 + 3), 32 a block: alpha 36 in 2 blocks, 128 bytes; beta 16 in 1, 64 bytes.
# Dense: 8 * 3 bits padded to 8 bytes an output: alpha 64 bytes, beta 320.
HAND = [
    (Layout.SPARSE, Operation.FORWARD, ((128 + 192 + 64) / 16, 80 / 16, 36 / 2, 8 / 2, 3 * 8 / 2)),
    (Layout.SPARSE, Operation.BACKWARD, ((128 + 192) / 16, 80 / 16, 36 / 2, 8 / 2, 3 * 8 / 2)),
    (Layout.SPARSE, Operation.SCORES, ((64 + 192) / 16, (16 + 9 * 8) / 16, 16 / 2, 0, 2 * 8 / 2)),
    (Layout.DENSE, Operation.FORWARD, ((64 + 192 + 64) / 16, 80 / 16, 64 / 2, 8 / 2, 3 * 8 / 2)),
    (Layout.DENSE, Operation.SCORES, ((320 + 192) / 16, (16 + 40 * 8) / 16, 320 / 2, 0, 2 * 8 / 2)),
]


@pytest.mark.parametrize(("layout", "operation", "expected"), HAND)
def test_terms_by_hand(layout: Layout, operation: Operation, expected: tuple[float, ...]) -> None:
    emission = 64 if operation is Operation.FORWARD else 0
    assert terms(roofline(CONFIG, packed(layout), operation, emission)) == expected


def test_bound_is_the_largest_term_and_total_their_sum() -> None:
    line = Roofline(read=3, write=1, entries=7.5, outputs=2, passes=4)
    assert (line.bound, line.limit, line.total) == (7.5, "entries", 17.5)


def test_columns_by_hand() -> None:
    """Entries of beta: token 3 has 0..7, tokens 10..17 one each; none lies beyond the first block of 32."""
    model = packed(Layout.SPARSE)
    tokens = np.array([0, 3, 10, 17])
    found = column_bytes(model.beta_by_token, directory_of(model.beta_by_token), tokens)
    assert found.tolist() == [0, 64, 64, 64]
    dense = packed(Layout.DENSE)
    assert column_bytes(dense.beta_by_token, directory_of(dense.beta_by_token), tokens).tolist() == [64] * 4


def test_a_column_across_two_blocks_costs_both() -> None:
    model = packed(Layout.SPARSE)
    columns = model.alpha_by_column  # 36 entries: column 6 has entries 33 and 34, column 4 entries 26..29, 5 30..32
    found = column_bytes(columns, directory_of(columns), np.array([4, 5, 6]))
    assert found.tolist() == [64, 128, 64]
