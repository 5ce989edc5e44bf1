"""Every engine against the enumeration of all continuations, on toys, in both readings of end-of-text."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from normq.model.config import Layout
from normq.model.decoding.automaton import Automaton
from normq.model.decoding.bit_engine import BitEngine
from normq.model.decoding.builders import keyword_automaton
from normq.model.decoding.datapath import GoldenDatapath
from normq.model.decoding.engine import Engine, EosMode, Lengths
from normq.model.decoding.float_engine import FloatEngine
from normq.model.decoding.float_table import Table
from normq.model.decoding.guide import Guide
from normq.model.decoding.stacked import stack
from normq.model.errors import OptionError
from normq.model.golden.operations import GoldenModel
from normq.model.hmm import HMM
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import float_weights
from normq.model.quantize.layerwise import ActivationQuantizer, ActivationScale
from normq.model.quantize.normq import quantize
from normq.model.quantize.tensor import QuantizedHMM
from normq.model.weights import FloatWeights

HIDDEN, VOCAB, EOS = 3, 6, 0
LENGTHS = Lengths(1, 3)
AUTOMATA = [keyword_automaton([[(1,), (2, 3)]]), keyword_automaton([[(3,)], [(2, 2), (1, 2)]])]
PREFIXES = [(), (2,), (3, 2), (1, 2, 3)]


def toy(seed: int) -> HMM:
    rng = np.random.default_rng(seed)
    alpha, beta = rng.dirichlet(np.ones(HIDDEN), HIDDEN), rng.dirichlet(np.ones(VOCAB), HIDDEN)
    gamma = rng.dirichlet(np.ones(HIDDEN))
    return HMM(alpha.astype(np.float32), beta.astype(np.float32), gamma.astype(np.float32), EOS)


def quantized(seed: int = 3) -> QuantizedHMM:
    return quantize(toy(seed), 8)


def guarded() -> QuantizedHMM:
    """A model whose last state is that of end-of-text, as hmm_guard wants it."""
    hmm = toy(5)
    alpha, beta = hmm.alpha.copy(), hmm.beta.copy()
    beta[-1], alpha[-1] = np.eye(VOCAB)[EOS], np.eye(HIDDEN)[-1]
    return quantize(HMM(alpha, beta, hmm.gamma, EOS), 8)


def enumerated(
    weights: FloatWeights, automaton: Automaton, prefix: tuple[int, ...], token: int, mode: EosMode
) -> float:
    """p(prefix, token, and the constraint) over every continuation, each by the plain forward recursion."""

    def probability(tokens: tuple[int, ...]) -> float:
        a = weights.gamma
        for one in tokens:
            a = (a * weights.beta[:, one]) @ weights.alpha
        return float(a.sum())

    begun = (*prefix, token)
    total = 0.0
    if mode is EosMode.EVENT:
        for length in range(LENGTHS.least, LENGTHS.greatest + 1):
            for text in product(range(1, VOCAB), repeat=length):
                whole = (*text, EOS)
                if whole[: len(begun)] == begun and automaton.run(text) in automaton.accepting:
                    total += probability(whole)
        return total
    for length in range(max(LENGTHS.least, len(begun)), LENGTHS.greatest + 1):
        for rest in product(range(VOCAB), repeat=length - len(begun)):
            if automaton.run((*begun, *rest)) in automaton.accepting:
                total += probability((*begun, *rest))
    return total


def engine_of(name: str, mode: EosMode, longest_list: int | None = None) -> Engine:
    if name in ("float64", "float32"):
        guide = Guide.of(float_weights(quantized()), dtype=getattr(torch, name))
        return FloatEngine.of(guide, stack(AUTOMATA), LENGTHS, mode, longest_list)
    levels = replace(guarded(), guard=True) if name == "guarded" else quantized()
    golden = GoldenModel(pack_model(levels, Layout.DENSE if name == "dense" else Layout.SPARSE, {}))
    return BitEngine.of(GoldenDatapath(golden), AUTOMATA, LENGTHS, mode, 2, longest_list)


@pytest.mark.parametrize("longest_list", [0, VOCAB], ids=["passes", "lists"])
@pytest.mark.parametrize("mode", list(EosMode))
@pytest.mark.parametrize(
    ("name", "tolerance"), [("float64", 1e-12), ("float32", 2e-6), ("sparse", 4e-3), ("dense", 4e-3), ("guarded", 4e-3)]
)
def test_numerators_equal_the_enumeration_of_all_continuations(
    name: str, tolerance: float, mode: EosMode, longest_list: int
) -> None:
    levels = replace(guarded(), guard=True) if name == "guarded" else quantized()
    engine, weights = engine_of(name, mode, longest_list), float_weights(levels)
    a = engine.initial(1)
    states = engine.stacked.starts[:, None]
    for out, prefix in enumerate(PREFIXES):
        if mode is EosMode.CTRLG and out == LENGTHS.greatest:
            continue
        a, states = engine.initial(1), engine.stacked.starts[:, None]
        for token in prefix:
            both = torch.full((2, 1), token)
            a = engine.forward(a, both)
            states = engine.stacked.step(states.flatten(), both.flatten())[:, None]
        denominators, numerators = (scores[:, 0].numpy() for scores in engine.scores(a, states, out))
        # engines drop the scale of A: ratios to the probability of the next token are what counts
        joint = weights.gamma
        for token in prefix:
            joint = (joint * weights.beta[:, token]) @ weights.alpha
        total = joint.sum() / denominators.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(denominators * total, [joint @ weights.beta] * 2, rtol=tolerance)
        wanted = [[enumerated(weights, one, prefix, token, mode) for token in range(VOCAB)] for one in AUTOMATA]
        np.testing.assert_allclose(numerators * total, wanted, rtol=tolerance, atol=1e-17)


def test_float32_holds_what_is_beyond_its_range() -> None:
    """Probabilities of 1e-80 in the table: rows are scaled by powers of two, exact in both types."""
    rng = np.random.default_rng(1)
    beta = rng.dirichlet(np.ones(VOCAB), HIDDEN)
    beta[:, 1] = 1e-20
    weights = FloatWeights(rng.dirichlet(np.ones(HIDDEN), HIDDEN), beta, np.full(HIDDEN, 1 / HIDDEN), EOS)
    automaton = keyword_automaton([[(1, 1, 1, 1)]])
    ratios: list[np.ndarray] = []
    for dtype in (torch.float64, torch.float32):
        engine = FloatEngine.of(Guide.of(weights, dtype=dtype), stack([automaton]), Lengths(4, 6), EosMode.EVENT)
        _, numerators = engine.scores(engine.initial(1), engine.stacked.starts[:, None], 0)
        assert 0 < float(numerators.sum()) < 1e-75
        ratios.append((numerators / numerators.sum())[0, 0].numpy())
    np.testing.assert_allclose(ratios[1], ratios[0], rtol=1e-5)


def test_an_operand_is_the_states_of_one_constraint() -> None:
    coarse = Guide.of(float_weights(quantized()), ActivationQuantizer(3, ActivationScale.OPERAND))
    together = Table.of(coarse, stack(AUTOMATA), LENGTHS, EosMode.EVENT)
    apart = [Table.of(coarse, stack([one]), LENGTHS, EosMode.EVENT) for one in AUTOMATA]
    for out in range(1, LENGTHS.greatest + 1):
        parts = torch.cat([table.at(out).values for table in apart])
        # sums in another order on some machines; a maximum shared among constraints is off by far more
        torch.testing.assert_close(together.at(out).values, parts, rtol=1e-12, atol=1e-15)


def test_tables_take_the_bytes_that_they_say() -> None:
    states = sum(automaton.states for automaton in AUTOMATA)
    rows = states * LENGTHS.greatest
    assert engine_of("float64", EosMode.EVENT).table_bytes == rows * HIDDEN * 8
    assert engine_of("float32", EosMode.CTRLG).table_bytes == rows * HIDDEN * 4
    # an exponent of 16 bits for each row
    assert engine_of("sparse", EosMode.EVENT).table_bytes == rows * (HIDDEN * 2 + 2)


def test_what_no_engine_can_do_is_refused() -> None:
    message = "lengths: least 3, greatest 2 given, expected 0 <= least <= greatest, greatest at least 1"
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        Lengths(3, 2)
    activation = ActivationQuantizer(8, ActivationScale.VECTOR)
    message = "engine: quantized activations need float64, torch.float32 was asked for"
    with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
        Guide.of(float_weights(quantized()), activation, torch.float32)
    with pytest.raises(ValueError, match=r"^tokens out must be 1..3, got 0$"):
        Table.of(Guide.of(float_weights(quantized())), stack(AUTOMATA), LENGTHS, EosMode.EVENT).at(0)
