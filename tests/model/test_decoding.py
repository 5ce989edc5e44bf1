"""Keyword automata against a search for substrings; the backward table and a token step against enumeration."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from normq.model.config import Layout
from normq.model.decoding.automaton import Automaton, Edge, Pattern
from normq.model.decoding.builders import keyword_automaton
from normq.model.decoding.classes import minimized
from normq.model.decoding.constraint import backward_table
from normq.model.decoding.datapath import GoldenDatapath
from normq.model.decoding.step import Beams, default_targets, sharing_order, step_scores, work_items
from normq.model.errors import OptionError
from normq.model.formats import VectorCode
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Scores, code_values, score_values
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import dequantize
from normq.model.quantize.normq import quantize
from normq.model.synthetic import synthetic_hmm

Keywords = list[list[Pattern]]
OVERLAPPING: Keywords = [[(1, 2), (1, 2, 2)], [(2, 1)], [(3,)]]


def _has_all(text: Pattern, keywords: Keywords) -> bool:
    ends = range(len(text) + 1)
    parts = {text[start:end] for start in ends for end in ends}
    return all(any(pattern in parts for pattern in patterns) for patterns in keywords)


@pytest.mark.parametrize("keywords", [OVERLAPPING, [[(0, 0, 1, 0)]], [[(0,), (1, 1)], [(0, 1)]], []])
def test_accepts_texts_with_every_keyword(keywords: Keywords) -> None:
    automaton = keyword_automaton(keywords)
    for size in range(7):
        for text in itertools.product(range(4), repeat=size):
            assert (automaton.run(text) in automaton.accepting) == _has_all(text, keywords), text


@pytest.mark.parametrize(
    ("keywords", "states"), [([], 1), ([[(5, 6, 7)]], 4), ([[(1,)], [(2,)], [(3,)]], 8), ([[(1,), (1, 2)]], 2)]
)
def test_is_as_small_as_possible(keywords: Keywords, states: int) -> None:
    assert keyword_automaton(keywords).states == states


def test_edges_share_out_the_tokens() -> None:
    automaton = keyword_automaton([[(7,), (9, 8), (3,)]])
    assert automaton.edges(automaton.start) == (
        Edge(automaton.start, (3, 7, 9), True),
        Edge(1, (3, 7), False),
        Edge(2, (9,), False),
    )
    assert automaton.accepting == {1}


def test_minimized_keeps_the_start() -> None:
    twice = Automaton.of_tokens(2, {1}, (0, 1, 2), ({4: 1}, {}, {4: 1}))
    assert minimized(twice) == Automaton.of_tokens(0, {1}, (0, 1), ({4: 1}, {}))


def test_refuses_what_is_no_keyword() -> None:
    with pytest.raises(OptionError, match=r"^keyword 1: patterns are \[\(\)\], expected at least one, none empty$"):
        keyword_automaton([[(1,)], [()]])
    with pytest.raises(ValueError, match=r"^state 0: an exception leads to 0, as the default does$"):
        Automaton.of_tokens(0, (), (0,), ({3: 0},))


HIDDEN, VOCAB, BITS, LEAST, GREATEST = 5, 6, 8, 2, 4
EOS = VOCAB - 1
KEYWORDS: Keywords = [[(1, 2)], [(0,), (3, 1)]]


@pytest.fixture(scope="module")
def golden() -> GoldenModel:
    return GoldenModel(pack_model(quantize(synthetic_hmm(HIDDEN, VOCAB, 3), BITS), Layout.SPARSE, {}))


class Enumerated:
    """The event by its definition, over every text, in float64 on the quantized model."""

    def __init__(self) -> None:
        quantized = quantize(synthetic_hmm(HIDDEN, VOCAB, 3), BITS)
        self.alpha, self.beta, gamma = (
            dequantize(tensor).astype(np.float64) for tensor in (quantized.alpha, quantized.beta, quantized.gamma)
        )
        self.gamma = gamma[0]
        self.automaton = keyword_automaton(KEYWORDS)

    def endings(self, prefix: Pattern) -> Iterator[Pattern]:
        """Every whole text of the event that begins with `prefix`, end-of-text included."""
        for size in range(max(LEAST, len(prefix)), GREATEST + 1):
            for rest in itertools.product(range(EOS), repeat=size - len(prefix)):
                if _has_all((*prefix, *rest), KEYWORDS):
                    yield (*prefix, *rest, EOS)

    def state(self, tokens: Pattern) -> np.ndarray:
        """p(tokens, next hidden state)."""
        vector = self.gamma
        for token in tokens:
            vector = (vector * self.beta[:, token]) @ self.alpha
        return vector

    def joint(self, prefix: Pattern) -> float:
        """p(prefix, C)."""
        return sum(float(self.state(text[:-1]) @ self.beta[:, EOS]) for text in self.endings(prefix))


def _score_table(golden: GoldenModel, scores: Scores, exponents: np.ndarray) -> np.ndarray:
    """Scores as numbers, [B, V]."""
    values = score_values(scores.expand(golden.nonempty_tokens))
    return np.ldexp(values, (scores.exponents + exponents)[:, np.newaxis])


def test_a_token_step_gives_the_probability_of_the_event(golden: GoldenModel) -> None:
    """For every next token: p(prefix, token, C), taken from the edge that the token is on."""
    enumerated = Enumerated()
    automaton = enumerated.automaton
    table = backward_table(GoldenDatapath(golden), automaton, LEAST, GREATEST)
    prefixes: list[Pattern] = [(1,), (3,), (2,), (0,)]
    states = np.array([automaton.run(prefix) for prefix in prefixes])
    parents = np.zeros(len(prefixes), np.int64)
    beams = Beams(golden.initial(), parents, np.array([prefix[-1] for prefix in prefixes]), states, 1)
    items = work_items(automaton, states, lanes=3)
    step = step_scores(golden, table, beams, items)
    numerators = _score_table(golden, step.numerators, step.after.exponents)
    for item, listed in zip(items, step.listed, strict=True):
        there = item.tokens[golden.nonempty_tokens[item.tokens]]
        lanes = enumerate(zip(item.beams, item.targets, strict=True))
        for lane, (beam, target) in ((lane, edge) for lane, edge in lanes if item.has_edge[lane]):
            tokens = next(edge.tokens for edge in automaton.edges(int(states[beam])) if edge.target == target)
            for token in tokens:
                record = np.flatnonzero(there == token)
                code = listed.codes[record[0], lane] if record.size else listed.leak[lane]
                exponent = listed.exponents[lane] + step.after.exponents[beam]
                numerators[beam, token] = np.ldexp(score_values(code[np.newaxis])[0], exponent)
    for beam, prefix in enumerate(prefixes):
        expected = [enumerated.joint((*prefix, token)) for token in range(EOS)]
        np.testing.assert_allclose(numerators[beam, :EOS], expected, rtol=4e-3, atol=0)
        denominators = _score_table(golden, step.denominators, step.after.exponents)[beam]
        expected = enumerated.state(prefix) @ enumerated.beta
        np.testing.assert_allclose(denominators, expected, rtol=4e-3, atol=0)


def test_the_table_holds_the_event_of_a_whole_text(golden: GoldenModel) -> None:
    """alpha @ W[1][u] after one token, so that p(token, C) = (gamma .* beta[:, token]) . C."""
    enumerated = Enumerated()
    c = backward_table(GoldenDatapath(golden), enumerated.automaton, LEAST, GREATEST, first=1).at(1)
    values = np.ldexp(code_values(c.codes, VectorCode()), c.exponents[:, np.newaxis])
    for token in range(EOS):
        state = enumerated.automaton.run((token,))
        found = (enumerated.gamma * enumerated.beta[:, token]) @ values[state]
        assert found == pytest.approx(enumerated.joint((token,)), rel=4e-3)


def test_items_hold_every_edge_once() -> None:
    automaton = keyword_automaton(OVERLAPPING)
    states = np.arange(automaton.states)
    items = work_items(automaton, states, lanes=4)
    for item in items:
        first = 4 * item.group
        assert item.beams.tolist() == list(range(first, first + item.beams.size))
        assert item.has_edge[-1]
        rest = states[item.beams[~item.has_edge]]
        assert item.targets[~item.has_edge].tolist() == default_targets(automaton, rest).tolist()
    lanes = [
        (beam, target)
        for item in items
        for beam, target in zip(item.beams[item.has_edge], item.targets[item.has_edge], strict=True)
    ]
    edges = [(state, edge) for state in range(automaton.states) for edge in automaton.edges(state)]
    wanted = [(state, edge.target) for state, edge in edges if not edge.is_default]
    assert sorted(lanes) == sorted(wanted)
    assert default_targets(automaton, states).tolist() == list(automaton.defaults)


def test_order_of_beams_needs_fewest_items() -> None:
    automaton = keyword_automaton(OVERLAPPING)
    counts = np.array([len(automaton.edges(state)) - 1 for state in range(automaton.states)])
    states = np.random.default_rng(1).permutation(np.repeat(np.arange(automaton.states), 3))
    order = sharing_order(automaton, states)
    assert sorted(order) == list(range(states.size))
    items = work_items(automaton, states[order], lanes=4)
    assert len(items) == sum(np.sort(counts[states])[::-1][::4])
    assert len(items) < len(work_items(automaton, states, lanes=4))


def test_lengths_that_cannot_be(golden: GoldenModel) -> None:
    automaton = keyword_automaton(KEYWORDS)
    with pytest.raises(
        OptionError, match=r"^lengths: least 5, greatest 4, first 0 given, expected 0 <= least, first <= greatest$"
    ):
        backward_table(GoldenDatapath(golden), automaton, 5, 4)
    with pytest.raises(OptionError, match=r"^end-of-text \(5\) is on an edge, expected it on none$"):
        backward_table(GoldenDatapath(golden), keyword_automaton([[(EOS,)]]), 0, 4)
    with pytest.raises(ValueError, match=r"^tokens_out must be 3..4, got 2$"):
        backward_table(GoldenDatapath(golden), automaton, 0, 4, first=3).at(2)
