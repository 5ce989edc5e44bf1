"""Models and vectors of the utilization study."""

from dataclasses import replace

import numpy as np

from ...model.config import Layout
from ...model.golden.operations import GoldenModel
from ...model.golden.vectors import Codes, Vectors
from ...model.packing.directory import directory_of
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.quantize.tensor import QuantizedHMM
from ...model.synthetic import synthetic_levels
from .spec import PointSpec

TEXT_TOKENS = 2
"""Tokens behind every vector."""


def study_model(spec: PointSpec) -> PackedModel:
    """Return the synthetic model of a point, its emissions cut to the first tokens where not all are scored."""
    quantized = synthetic_levels(spec.hidden, spec.vocab, spec.bits)
    return pack_model(first_tokens(quantized, spec.scored), spec.layout, {})


def first_tokens(quantized: QuantizedHMM, count: int) -> QuantizedHMM:
    """Return a model of the first `count` tokens; the last of them ends the text where that was cut off."""
    beta = quantized.beta
    return replace(
        quantized,
        beta=replace(beta, levels=np.ascontiguousarray(beta.levels[:, :count])),
        eos_token_id=min(quantized.eos_token_id, count - 1),
    )


def consumed_tokens(golden: GoldenModel, batch: int, seed: int) -> Codes:
    """Return [batch] tokens, each drawn in proportion to its emission column's entries, as a text's would be."""
    matrix = golden.packed.beta_by_token
    counts = np.diff(directory_of(matrix).offsets).astype(np.float64)
    if matrix.layout is Layout.DENSE:
        counts[:] = 1
    chosen = np.random.default_rng(seed).choice(counts.size, batch, p=counts / counts.sum())
    return chosen.astype(np.uint16)


def study_vectors(golden: GoldenModel, batch: int) -> Vectors:
    """Return [batch] states after some tokens."""
    vectors = golden.initial(batch)
    for seed in range(TEXT_TOKENS):
        vectors = golden.forward(vectors, consumed_tokens(golden, batch, seed + 1))
    return vectors
