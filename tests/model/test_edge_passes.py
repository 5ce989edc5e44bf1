"""Edges of many tokens: one pass over the vocabulary for each successor gives what listed scores give."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from normq.model.config import Layout
from normq.model.decoding.automaton import Automaton
from normq.model.decoding.bit_engine import BitEngine
from normq.model.decoding.builders import keyword_automaton, token_count
from normq.model.decoding.combine import intersection
from normq.model.decoding.datapath import GoldenDatapath, ListedProducts, Products, StepProducts
from normq.model.decoding.engine import Engine, EosMode, Lengths
from normq.model.decoding.float_engine import FloatEngine
from normq.model.decoding.guide import Guide
from normq.model.decoding.search import search
from normq.model.decoding.stacked import stack
from normq.model.decoding.step import step_work, work_items
from normq.model.decoding.words import WordTokens
from normq.model.default.language_model import default_language_model
from normq.model.default.load import default_hmm, default_tokenizer
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Vectors
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import float_weights
from normq.model.quantize.layerwise import ActivationQuantizer, ActivationScale
from normq.model.quantize.methods import METHODS, Setting
from normq.model.quantize.normq import quantize
from normq.model.synthetic import synthetic_hmm

HIDDEN, VOCAB = 16, 64
WORDS = range(1, VOCAB - 1, 2)
"""Tokens that are counted: nearly half of them, on one edge of every state beside those of the keywords."""
AUTOMATA = [
    intersection([keyword_automaton([[(5,), (7, 9)], [(12,)]]), token_count(WORDS, 1, 3)]),
    keyword_automaton([[(20, 21)]]),
]
LENGTHS = Lengths(2, 5)
BEAMS = 4
TEXTS = ((5, 7, 20, 3), (12, 9, 21, 12), (5, 12, 4, 8), (4, 4, 5, 2))
LONGEST = 16
"""Longer than a mask of keywords, shorter than that of words."""


def walked(engine: Engine) -> list[Tensor]:
    """All scores of beams on their way through both constraints."""
    a, states = engine.initial(BEAMS), engine.stacked.starts[:, None].expand(-1, BEAMS)
    found: list[Tensor] = []
    for out, tokens in enumerate(zip(*TEXTS, strict=True)):
        found += engine.scores(a, states, out)
        both = torch.tensor([tokens, tokens])
        a = engine.forward(a, both)
        states = engine.stacked.step(states.flatten(), both.flatten()).view(2, BEAMS)
    return [*found, *engine.scores(a, states, LENGTHS.greatest)]


def long_edges(states: Tensor, automaton: Automaton) -> list[int]:
    """How many distinct successors of each state have an edge of more than LONGEST tokens."""
    return [sum(len(edge.tokens) > LONGEST for edge in automaton.edges(int(s))[1:]) for s in states.flatten()]


def test_the_constraints_have_edges_of_both_kinds() -> None:
    whole = stack(AUTOMATA).automaton
    sizes = [len(edge.tokens) for state in range(whole.states) for edge in whole.edges(state)[1:]]
    assert min(sizes) <= 2 < LONGEST < 25 < max(sizes)


@pytest.mark.parametrize("mode", list(EosMode))
@pytest.mark.parametrize(
    ("dtype", "activation", "tolerance"),
    [(torch.float32, None, 2e-6), *((torch.float64, activation, 1e-13) for activation in (None, *ActivationScale))],
)
def test_floats_are_equal_to_rounding(
    dtype: torch.dtype, activation: ActivationScale | None, tolerance: float, mode: EosMode
) -> None:
    """Activations are quantized as one operand, whichever of its vectors are passed."""
    weights = float_weights(quantize(synthetic_hmm(HIDDEN, VOCAB, 1), 8))
    guide = Guide.of(weights, ActivationQuantizer(6, activation) if activation else None, dtype)
    listed, passed, mixed = (
        walked(FloatEngine.of(guide, stack(AUTOMATA), LENGTHS, mode, longest)) for longest in (VOCAB, 0, LONGEST)
    )
    for scores in (passed, mixed):
        for ours, theirs in zip(scores, listed, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=0)


@pytest.mark.parametrize("mode", list(EosMode))
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("setting", [Setting(3), Setting(8), Setting(4, row_mass_leak=True)])
def test_golden_gives_the_same_bits(setting: Setting, layout: Layout, mode: EosMode) -> None:
    levels = METHODS["norm-q"].quantize(synthetic_hmm(HIDDEN, VOCAB, 1), setting)
    datapath = GoldenDatapath(GoldenModel(pack_model(levels, layout, {})))
    listed, *others = (
        walked(BitEngine.of(datapath, AUTOMATA, LENGTHS, mode, lanes, longest))
        for longest, lanes in ((VOCAB, None), (0, None), (0, 3), (LONGEST, 3), (2, 2))
    )
    for scores in others:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(scores, listed, strict=True))


@pytest.mark.parametrize("mode", list(EosMode))
def test_golden_gives_the_same_bits_with_a_closed_state(mode: EosMode) -> None:
    levels = quantize(default_hmm(64), 4)
    datapath = GoldenDatapath(GoldenModel(pack_model(replace(levels, guard=True), Layout.SPARSE, {})))
    listed, passed = (
        walked(BitEngine.of(datapath, AUTOMATA, LENGTHS, mode, 3, longest)) for longest in (levels.vocab_size, 0)
    )
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(passed, listed, strict=True))


def test_floats_pass_once_for_each_distinct_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A beam takes one pass for its denominators, one for its default edge, and one for each long edge."""
    passes: list[int] = []
    real = Guide.vocabulary_pass

    def counted(guide: Guide, quantized: Tensor) -> Tensor:
        passes.append(quantized.shape[:-1].numel())
        return real(guide, quantized)

    monkeypatch.setattr(Guide, "vocabulary_pass", counted)
    guide = Guide.of(float_weights(quantize(synthetic_hmm(HIDDEN, VOCAB, 1), 8)))
    engine = FloatEngine.of(guide, stack(AUTOMATA), LENGTHS, EosMode.EVENT, LONGEST)
    first, other = engine.stacked.first_states[:2]
    for states in (torch.tensor([[first] * BEAMS, [other] * BEAMS]), torch.tensor([[0, 1, 2, 3], [other] * BEAMS])):
        passes.clear()
        engine.scores(engine.initial(BEAMS), states, 0)
        more = long_edges(states, engine.stacked.automaton)
        assert max(more) == 1
        assert passes == [2 * BEAMS, 2 * BEAMS, sum(more)]
    passes.clear()
    engine.scores(engine.initial(BEAMS), torch.full((2, BEAMS), other), LENGTHS.greatest)
    assert passes == [2 * BEAMS]


@dataclass(frozen=True, eq=False)
class Counted(GoldenDatapath):
    """Golden, and what it was asked for: vectors that saw every token, and the sizes of lists."""

    passes: list[int] = field(default_factory=list[int])
    lists: list[int] = field(default_factory=list[int])

    def step(
        self, a: Vectors, default: Vectors | None, passes: Sequence[Products], items: Sequence[ListedProducts]
    ) -> StepProducts:
        assert default is not None
        self.passes[:] = [a.batch, default.batch, *(item.rows.size for item in passes)]
        self.lists[:] = [item.tokens.size for item in items]
        return super().step(a, default, passes, items)


def test_integers_pass_once_for_each_distinct_successor() -> None:
    """The lanes of a pass are beams; more than one pass is there only for a beam with more such successors."""
    packed = pack_model(quantize(synthetic_hmm(HIDDEN, VOCAB, 1), 8), Layout.SPARSE, {})
    datapath = Counted(GoldenModel(packed))
    engine = BitEngine.of(datapath, AUTOMATA[:1], LENGTHS, longest_list=LONGEST)
    states = torch.arange(BEAMS)[None]
    engine.scores(engine.initial(BEAMS), states, 0)
    assert long_edges(states, engine.stacked.automaton) == [1] * BEAMS
    assert datapath.passes == [BEAMS, BEAMS, BEAMS]
    assert datapath.lists
    assert max(datapath.lists) <= LONGEST


def test_work_is_cut_by_the_length_of_lists() -> None:
    """Every edge once, long ones in passes; edges of several beams whose tokens are too many together, too."""
    automaton = AUTOMATA[0]
    states = np.arange(automaton.states)
    for longest in (0, 1, 2, LONGEST, VOCAB):
        work = step_work(automaton, states, 3, longest)
        edges = [
            (int(states[beam]), int(target))
            for item in (*work.passes, *work.lists)
            for beam, target in zip(item.beams[item.has_edge], item.targets[item.has_edge], strict=True)
        ]
        own = [(state, edge) for state in range(automaton.states) for edge in automaton.edges(state)[1:]]
        assert sorted(edges) == sorted((state, edge.target) for state, edge in own)
        assert all(item.tokens.size <= longest for item in work.lists)
        if longest == VOCAB:
            assert not work.passes
            assert [item.tokens.tolist() for item in work.lists] == [
                item.tokens.tolist() for item in work_items(automaton, states, 3)
            ]
    apart = keyword_automaton([[(1, 2)], [(3, 4)], [(5, 6)]])
    both = np.array([1, 2])
    assert [item.tokens.size for item in work_items(apart, both, 2)] != [1] * 3
    assert any(item.has_edge.sum() == 2 for item in step_work(apart, both, 2, 1).passes)


def test_long_edges_of_different_ranks_share_a_pass() -> None:
    """The long one is the second edge of state 0 and the first of state 1."""
    many = range(10, 40)
    exceptions = [{1: 1, **dict.fromkeys(many, 2)}, {1: 2, **dict.fromkeys(many, 0)}, {}]
    automaton = Automaton.of_tokens(0, {2}, (0, 1, 2), exceptions)
    work = step_work(automaton, np.array([0, 1]), 2, LONGEST)
    assert [(item.has_edge.tolist(), item.targets.tolist()) for item in work.passes] == [([True, True], [2, 0])]
    assert [item.tokens.tolist() for item in work.lists] == [[1]]


def test_states_after_tokens_are_those_of_the_automata() -> None:
    """Tokens beyond all exceptions among them."""
    whole = stack(AUTOMATA)
    pairs = [(state, token) for state in range(whole.automaton.states) for token in range(VOCAB + 2)]
    states, tokens = (torch.tensor(part) for part in zip(*pairs, strict=True))
    expected = [whole.automaton.step(state, token) for state, token in pairs]
    assert whole.step(states, tokens).tolist() == expected


def test_a_text_with_a_count_of_words_is_the_same_from_golden_and_from_floats() -> None:
    """The embedded models: a mask of more than half of the vocabulary in every state."""
    tokenizer = default_tokenizer()
    spelled = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    words = WordTokens.of([token or "" for token in spelled]).beginning
    keywords = keyword_automaton([[tuple(tokenizer.encode(f" {form}").ids)] for form in ("dog", "runs")])
    automaton = intersection([keywords, token_count(words, 6, 6)])
    levels, lengths = quantize(default_hmm(64), 6), Lengths(4, 12)
    assert len(words) > levels.vocab_size // 2
    datapath = GoldenDatapath(GoldenModel(pack_model(levels, Layout.SPARSE, {})))
    assert datapath.longest_list < len(words)
    engines: list[Engine] = [
        FloatEngine.of(Guide.of(float_weights(levels)), stack([automaton]), lengths, EosMode.EVENT),
        BitEngine.of(datapath, [automaton], lengths),
    ]
    (floats,), (golden,) = (search(default_language_model(), engine, 1, 4, lengths) for engine in engines)
    assert golden == floats
    assert sum(token in words for token in golden.tokens) == 6
    assert automaton.run(golden.tokens) in automaton.accepting
