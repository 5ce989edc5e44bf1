"""Edges of a constraint automaton: their weight in every state, and sums of products over the edges of one automaton
state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError
from ..formats import VectorCode
from ..jit import kernel
from ..parallel import Part
from .constants import EDGE_FRACTION_BITS, edge_levels, row_edge_levels
from .elementwise import encode_scaled_accumulators
from .encode import Coded, Codes, CodeShape, Integers, code_shape, encode_vector, mantissa_exponent, top
from .operations import GoldenModel, Tokens
from .passes import encoded
from .vectors import Vectors

GROUP_TERMS = 128
"""Terms that one 64-bit sum holds; longer edge sums are sums of groups."""

TERM_BITS = 32
"""Zero bits appended to a term's mantissa before it is aligned with the greatest."""

_NO_TERM = -(1 << 62)


@dataclass(frozen=True, eq=False)
class Term:
    """One term of an edge sum: the element-wise product of B pairs of vectors, or B vectors alone."""

    first: Vectors
    second: Vectors | None = None


def edge_weights(golden: GoldenModel, edges: Sequence[Tokens]) -> Vectors:
    """Return the weight of each edge, [E, H]: the probability of its tokens in every state.

    Raises OptionError for a token outside the vocabulary or listed twice, and for an edge without tokens.
    """
    listed = [_tokens(golden, tokens) for tokens in edges]
    counts = np.array([tokens.size for tokens in listed], np.int64)
    _check_counts(counts)
    return _encode_weights(golden, _listed_levels(golden, listed), counts - _closed_tokens(golden, listed))


def other_edge_weights(golden: GoldenModel, listed: Sequence[Tokens]) -> Vectors:
    """Return for each list the weight of the edge of all tokens not in it, [E, H], without a pass over them.

    Tokens on no edge (end-of-text) belong into the list. Raises OptionError as `edge_weights`.
    """
    lists = [_tokens(golden, tokens) for tokens in listed]
    counts = golden.packed.vocab_size - np.array([tokens.size for tokens in lists], np.int64)
    _check_counts(counts)
    row_sums = golden.packed.beta_rows.row_sums[:, np.newaxis]
    closed = golden.packed.beta.closed_columns - _closed_tokens(golden, lists)
    return _encode_weights(golden, row_sums - _listed_levels(golden, lists), counts - closed)


def edge_sums(terms: Sequence[Term], code: VectorCode | None = None) -> Vectors:
    """Return the sums of terms [B, n] in the format `code` (the default format where None).

    All terms have equally many vectors of one length, ValueError otherwise. More than GROUP_TERMS terms are added in
    consecutive groups, whose encoded results are then the terms. Raises ArithmeticRangeError.
    """
    code = code or VectorCode()
    if not terms:
        raise ValueError("an edge sum needs at least one term, got none")
    shapes = {factor.codes.shape for term in terms for factor in (term.first, term.second) if factor is not None}
    if len(shapes) > 1:
        raise ValueError(f"terms must have one shape [B, n], got {sorted(shapes)!r}")
    while len(terms) > GROUP_TERMS:
        groups = (terms[start : start + GROUP_TERMS] for start in range(0, len(terms), GROUP_TERMS))
        terms = [Term(_group_sum(group, code)) for group in groups]
    return _group_sum(terms, code)


def _tokens(golden: GoldenModel, tokens: Tokens) -> Integers:
    listed = golden.check_tokens(tokens)
    numbers, times = np.unique(listed, return_counts=True)
    if (times > 1).any():
        raise OptionError(f"tokens: {numbers[times > 1][0]} is given {times.max()} times, expected once on an edge")
    return listed


def _listed_levels(golden: GoldenModel, edges: Sequence[Integers]) -> Integers:
    """Return the sums of the listed tokens' levels, [H, E]."""
    sums = np.zeros((golden.packed.hidden_states, len(edges)), np.int64)
    for edge, tokens in enumerate(edges):
        for token in tokens:
            entries = golden.by_token.output(int(token))
            sums[entries.inputs, edge] += golden.by_token.codebook[entries.levels]
    return sums


def _check_counts(counts: Integers) -> None:
    if not counts.all():
        raise OptionError(f"edge {int(counts.argmin())}: has no tokens, expected at least one")


def _closed_tokens(golden: GoldenModel, edges: Sequence[Integers]) -> Integers:
    """Return how many tokens of each edge no leak reaches, [E]: with hmm_guard end-of-text."""
    eos, closed = golden.packed.eos_token_id, golden.packed.beta.closed_columns
    return np.array([closed * np.count_nonzero(tokens == eos) for tokens in edges], np.int64)


def _encode_weights(golden: GoldenModel, level_sums: Integers, counts: Integers) -> Vectors:
    ordinary, zero = edge_levels(golden.packed)
    hidden, edges = level_sums.shape
    sums, ranks = level_sums << EDGE_FRACTION_BITS, np.arange(hidden, dtype=np.int32)
    ordinary_leaks = counts[np.newaxis] * ordinary
    if (codes := golden.packed.beta_rows.leaks) is not None:
        ordinary_leaks = counts * np.array(row_edge_levels(golden.packed), np.int64)[codes][:, np.newaxis]
    leaks = (ordinary_leaks, counts * zero)
    factors = (golden.tables.beta.mantissas, golden.tables.beta.shifts - EDGE_FRACTION_BITS)
    exponents, shape = np.zeros(edges, np.int64), code_shape(golden.code)
    closed = -1 if golden.packed.end_state is None else golden.packed.end_state
    return encoded(
        (edges, hidden),
        "edge weight",
        lambda part, out: encode_scaled_accumulators(
            part, sums, ranks, *leaks, golden.tables.beta_zero, closed, *factors, exponents, shape, out
        ),
    )


def _group_sum(terms: Sequence[Term], code: VectorCode) -> Vectors:
    factors = [_factors(term, code) for term in terms]
    first, second = (np.stack([pair[k].codes for pair in factors]) for k in range(2))
    exponents = np.stack([pair[0].exponents.astype(np.int64) + pair[1].exponents for pair in factors])
    return encoded(
        terms[0].first.codes.shape,
        "edge sum",
        lambda part, out: _add_terms(part, first, second, exponents, code_shape(code), out),
    )


def _factors(term: Term, code: VectorCode) -> tuple[Vectors, Vectors]:
    """Return both factors; a lone one is paired with 1.0 as mantissa 2**(M - 1) and exponent -(M - 1)."""
    if term.second is not None:
        return term.first, term.second
    shape = term.first.codes.shape
    ones = np.full(shape, 1 << code.fraction_bits, np.uint16)
    return term.first, Vectors(ones, np.full(shape[0], -code.fraction_bits, np.int32))


@kernel
def _add_terms(
    part: Part,
    first: Codes,
    second: Codes,
    exponents: Integers,
    code: CodeShape,
    out: Coded,
) -> None:
    # factors [terms, B, n], exponents [terms, B]; a part of the vectors of out
    terms, _, length = first.shape
    codes, encoded_exponents = out
    for v in range(*part):
        mantissas = np.zeros(length, np.int64)
        shifts = np.zeros(length, np.int64)
        for i in range(length):
            greatest = _NO_TERM
            for t in range(terms):
                mantissa, shift = _term(first[t, v, i], second[t, v, i], code[1])
                if mantissa != 0:
                    greatest = max(greatest, shift + exponents[t, v])
            total = 0
            for t in range(terms):
                mantissa, shift = _term(first[t, v, i], second[t, v, i], code[1])
                if mantissa != 0:
                    total += _aligned(mantissa, greatest - shift - exponents[t, v])
            if total != 0:
                mantissas[i], drop = top(total)
                shifts[i] = greatest - TERM_BITS + drop
        encoded_exponents[v] = encode_vector(mantissas, shifts, 0, code, codes[v])


@kernel
def _term(first: int, second: int, fraction_bits: int) -> tuple[int, int]:
    m, e = mantissa_exponent(int(first), fraction_bits)
    n, f = mantissa_exponent(int(second), fraction_bits)
    return m * n, e + f


@kernel
def _aligned(mantissa: int, drop: int) -> int:
    return (mantissa << TERM_BITS) >> drop if drop < 64 else 0
