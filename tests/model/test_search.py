"""The beam search of a language model under guidance: brute force on a toy, where the beams hold every text."""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from normq.model.decoding.builders import keyword_automaton
from normq.model.decoding.engine import EosMode, Lengths
from normq.model.decoding.float_engine import FloatEngine
from normq.model.decoding.guide import Guide
from normq.model.decoding.search import search
from normq.model.decoding.stacked import stack
from normq.model.hmm import HMM
from normq.model.weights import FloatWeights

HIDDEN, VOCAB, EOS = 3, 6, 0
LENGTHS = Lengths(1, 3)
BEAMS = 160
"""No fewer than there are texts: 1 + 5 + 25 + 125."""
KEYWORDS = keyword_automaton([[(1,), (2, 3)]])
SEEDS = range(6)

Tokens = tuple[int, ...]


def engine(mode: EosMode) -> FloatEngine:
    rng = np.random.default_rng(3)
    tensors = [rng.dirichlet(np.ones(size), rows) for size, rows in ((HIDDEN, HIDDEN), (VOCAB, HIDDEN), (HIDDEN, 1))]
    alpha, beta, gamma = (tensor.astype(np.float32) for tensor in tensors)
    weights = FloatWeights.from_hmm(HMM(alpha, beta, gamma[0], EOS))
    return FloatEngine.of(Guide.of(weights), stack([KEYWORDS]), LENGTHS, mode)


def language_model(seed: int) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    sizes = GPT2Config(
        vocab_size=VOCAB,
        n_positions=16,
        n_embd=8,
        n_layer=1,
        n_head=2,
        bos_token_id=EOS,
        eos_token_id=EOS,
        tie_word_embeddings=False,
    )
    model = GPT2LMHeadModel(sizes).eval().double()
    with torch.no_grad():
        # weights of the usual size give a distribution that is nearly uniform
        model.lm_head.weight *= 30
    return model


def has_keyword(text: Tokens) -> bool:
    return 1 in text or (2, 3) in pairwise(text)


def texts_of(length: int) -> list[Tokens]:
    return list(product(range(1, VOCAB), repeat=length))


def possible(mode: EosMode) -> list[Tokens]:
    """Return all texts with the end that is scored with them: none where `ctrlg` cuts."""
    if mode is EosMode.EVENT:
        return [(*text, EOS) for length in (1, 2, 3) for text in texts_of(length) if has_keyword(text)]
    # end-of-text is an ordinary token: until the last place the concept may still follow it
    early = [(*text, EOS) for length in (0, 1) for text in texts_of(length)]
    late = [(*text, EOS) for text in texts_of(2) if has_keyword(text)]
    return early + late + [text for text in texts_of(3) if has_keyword(text)]


def mean(model: GPT2LMHeadModel, scored: Tokens) -> float:
    with torch.no_grad():
        logits = model(torch.tensor([[EOS, *scored[:-1]]])).logits[0].double().log_softmax(-1)
    return float(logits[torch.arange(len(scored)), torch.tensor(scored)].mean())


@pytest.mark.parametrize("mode", EosMode)
def test_the_text_of_the_greatest_mean_is_found(mode: EosMode) -> None:
    """A text that is cut at its greatest length is judged by as many tokens as it has, any other by one more."""
    lengths: set[int] = set()
    for seed in SEEDS:
        model = language_model(seed)
        means = {scored: mean(model, scored) for scored in possible(mode)}
        best = max(means, key=lambda scored: means[scored])
        (found,) = search(model, engine(mode), 1, BEAMS, LENGTHS)
        assert found.tokens == tuple(token for token in best if token != EOS)
        assert found.lm_mean == pytest.approx(means[best], rel=1e-9)
        lengths.add(len(found.tokens))
    # texts of the greatest length and shorter ones
    assert LENGTHS.greatest in lengths
    assert len(lengths) > 1
