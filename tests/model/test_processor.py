"""The logits processor under `transformers.generate`: brute force on toys, and what it owes to each kind of search."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, LogitsProcessorList

from normq.model.config import Layout
from normq.model.decoding.automaton import Automaton
from normq.model.decoding.bit_engine import BitEngine
from normq.model.decoding.builders import keyword_automaton
from normq.model.decoding.datapath import GoldenDatapath
from normq.model.decoding.engine import Engine, EosMode, Lengths
from normq.model.decoding.float_engine import FloatEngine
from normq.model.decoding.guide import Guide
from normq.model.decoding.processor import GuidedLogits
from normq.model.decoding.search import search
from normq.model.decoding.stacked import stack
from normq.model.default.language_model import default_language_model
from normq.model.default.load import default_hmm
from normq.model.errors import DeadConstraint, OptionError
from normq.model.golden.operations import GoldenModel
from normq.model.hmm import HMM
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import float_weights
from normq.model.quantize.normq import quantize
from normq.model.weights import FloatWeights

HIDDEN, VOCAB, EOS = 3, 6, 0
LM_VOCAB = 8
"""Two tokens that the HMM does not know."""
LENGTHS = Lengths(1, 3)
KEYWORDS = keyword_automaton([[(1,), (2, 3)]])
OTHER = keyword_automaton([[(4,)]])
PROMPT = (5, 7)


def toy(seed: int = 3) -> HMM:
    rng = np.random.default_rng(seed)
    tensors = [rng.dirichlet(np.ones(size), rows) for size, rows in ((HIDDEN, HIDDEN), (VOCAB, HIDDEN), (HIDDEN, 1))]
    alpha, beta, gamma = (tensor.astype(np.float32) for tensor in tensors)
    return HMM(alpha, beta, gamma[0], EOS)


LEVELS = quantize(toy(), 8)
WEIGHTS = float_weights(LEVELS)


def language_model(seed: int = 0) -> GPT2LMHeadModel:
    torch.manual_seed(seed)
    sizes = GPT2Config(
        vocab_size=LM_VOCAB, n_positions=16, n_embd=8, n_layer=1, n_head=2, bos_token_id=EOS, eos_token_id=EOS
    )
    # weights of the usual size give a distribution that is nearly uniform
    model = GPT2LMHeadModel(sizes).eval().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
    return model


MODEL = language_model()


def engine_of(
    *automata: Automaton, mode: EosMode = EosMode.EVENT, weights: FloatWeights = WEIGHTS, lengths: Lengths = LENGTHS
) -> FloatEngine:
    return FloatEngine.of(Guide.of(weights), stack(automata), lengths, mode)


def log_probabilities(prefix: tuple[int, ...]) -> Tensor:
    """Of the language model alone, in float32 as `generate` has them."""
    with torch.no_grad():
        return MODEL(torch.tensor([[*PROMPT, *prefix]])).logits[0, -1].float().log_softmax(-1)


def joint(tokens: tuple[int, ...], weights: FloatWeights = WEIGHTS) -> float:
    a = weights.gamma
    for token in tokens:
        a = (a * weights.beta[:, token]) @ weights.alpha
    return float(a.sum())


def with_constraint(prefix: tuple[int, ...], automaton: Automaton, mode: EosMode) -> float:
    """p(prefix, C) over every continuation; where end-of-text is an ordinary token, lengths beyond the prefix."""
    if mode is EosMode.EVENT:
        texts = (
            (*text, EOS)
            for length in range(LENGTHS.least, LENGTHS.greatest + 1)
            for text in product(range(1, VOCAB), repeat=length)
            if automaton.run(text) in automaton.accepting
        )
        return sum(joint(text) for text in texts if text[: len(prefix)] == prefix)
    lengths = range(max(LENGTHS.least, len(prefix)), LENGTHS.greatest + 1)
    texts = ((*prefix, *rest) for length in lengths for rest in product(range(VOCAB), repeat=length - len(prefix)))
    return sum(joint(text) for text in texts if automaton.run(text) in automaton.accepting)


def guided(prefix: tuple[int, ...], automaton: Automaton = KEYWORDS, mode: EosMode = EosMode.EVENT) -> Tensor:
    """What the processor must give, by enumeration."""
    ratios = [with_constraint((*prefix, x), automaton, mode) / joint((*prefix, x)) for x in range(VOCAB)]
    found = log_probabilities(prefix).double()
    found[VOCAB:] = -torch.inf
    found[:VOCAB] += torch.tensor(ratios).log()
    return found.log_softmax(-1)


def texts_of(mode: EosMode, automaton: Automaton = KEYWORDS) -> dict[tuple[int, ...], float]:
    """Every text that `generate` may return, with its guided log-probability."""
    found: dict[tuple[int, ...], float] = {}
    waiting: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
    while waiting:
        prefix, score = waiting.pop()
        following = guided(prefix, automaton, mode)
        for token in torch.nonzero(following > -torch.inf).flatten().tolist():
            text, total = (*prefix, token), score + float(following[token])
            if token == EOS or len(text) == LENGTHS.steps(mode):
                found[text] = total
            else:
                waiting.append((text, total))
    return found


def generate(processor: GuidedLogits, rows: int = 1, **options: Any) -> Any:
    prompt = torch.tensor([PROMPT] * rows)
    settings: dict[str, Any] = {"pad_token_id": EOS, "do_sample": False, "max_new_tokens": processor.max_new_tokens}
    # the protocol that `generate` is declared for is one that no model meets
    model: Any = MODEL
    return model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        logits_processor=LogitsProcessorList([processor]),
        return_dict_in_generate=True,
        output_scores=True,
        **(settings | options),
    )


def generated(row: Tensor) -> tuple[int, ...]:
    """The tokens up to the first end of text."""
    tokens = row[len(PROMPT) :].tolist()
    return tuple(tokens[: tokens.index(EOS) + 1] if EOS in tokens else tokens)


@pytest.mark.parametrize("mode", list(EosMode))
def test_greedy_search_takes_what_enumeration_takes(mode: EosMode) -> None:
    processor = GuidedLogits(engine_of(KEYWORDS, mode=mode), len(PROMPT))
    found = generate(processor)
    text = generated(found.sequences[0])
    for place, (token, scores) in enumerate(zip(text, found.scores, strict=True)):
        wanted = guided(text[:place], KEYWORDS, mode)
        torch.testing.assert_close(scores[0].double(), wanted, rtol=1e-5, atol=1e-5)
        assert token == int(wanted.argmax())


@pytest.mark.parametrize("mode", list(EosMode))
def test_beams_wide_enough_find_every_text(mode: EosMode) -> None:
    """`never` and no penalty: no text is given up early."""
    wanted = texts_of(mode)
    beams = 200
    assert len(wanted) < beams
    processor = GuidedLogits(engine_of(KEYWORDS, mode=mode), len(PROMPT), beams)
    options: dict[str, Any] = {"num_beams": beams, "num_return_sequences": len(wanted)}
    found = generate(processor, **options, early_stopping="never", length_penalty=0.0)
    texts = [generated(row) for row in found.sequences]
    assert set(texts) == set(wanted)
    scores = [wanted[text] for text in texts]
    np.testing.assert_allclose(found.sequences_scores.double().numpy(), scores, rtol=1e-4, atol=1e-5)
    assert processor.dead == [0]


def test_samples_come_as_often_as_they_are_likely() -> None:
    wanted = texts_of(EosMode.EVENT)
    processor = GuidedLogits(engine_of(KEYWORDS), len(PROMPT))
    torch.manual_seed(1)
    count = 4000
    rows = generate(processor, rows=count, do_sample=True, top_k=0).sequences
    texts = [generated(row) for row in rows]
    for text, score in wanted.items():
        likely = float(np.exp(score))
        assert abs(texts.count(text) / count - likely) < 4.5 * np.sqrt(likely / count) + 1e-3
    assert set(texts) <= set(wanted)


def test_each_constraint_guides_its_part_of_the_rows() -> None:
    """Two constraints, beams of each, and several results; alone they give the same."""
    options: dict[str, Any] = {"num_beams": 4, "num_return_sequences": 2}
    together = generate(GuidedLogits(engine_of(KEYWORDS, OTHER), len(PROMPT), 4), rows=2, **options).sequences
    alone = [generate(GuidedLogits(engine_of(one), len(PROMPT), 4), **options).sequences for one in (KEYWORDS, OTHER)]
    for row, wanted in zip(together, [row for part in alone for row in part], strict=True):
        assert generated(row) == generated(wanted)
    torch.manual_seed(1)
    processor = GuidedLogits(engine_of(KEYWORDS, OTHER), len(PROMPT))
    rows = generate(processor, rows=2, do_sample=True, num_return_sequences=3).sequences
    for one, row in zip([KEYWORDS] * 3 + [OTHER] * 3, rows, strict=True):
        assert one.run(generated(row)[:-1]) in one.accepting


def rows_of(*prefixes: tuple[int, ...]) -> Tensor:
    return torch.tensor([[*PROMPT, *prefix] for prefix in prefixes])


def logits_of(*prefixes: tuple[int, ...]) -> Tensor:
    return torch.stack([log_probabilities(prefix) for prefix in prefixes])


def test_logits_and_log_probabilities_mean_the_same() -> None:
    scores = logits_of(())
    first, second = (
        GuidedLogits(engine_of(KEYWORDS), len(PROMPT))(rows_of(()), given) for given in (scores, scores + 3)
    )
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-5)
    assert first.dtype is torch.float32
    assert torch.isneginf(first[0, VOCAB:]).all()
    assert float(first.exp().sum()) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("mode", list(EosMode))
def test_without_renormalization_the_plain_sum_is_given(mode: EosMode) -> None:
    processor = GuidedLogits(engine_of(KEYWORDS, mode=mode), len(PROMPT), renormalize=False)
    found = processor(rows_of(()), logits_of(()))[0]
    ratios = np.array([with_constraint((x,), KEYWORDS, mode) / joint((x,)) for x in range(VOCAB)])
    whole = sum(with_constraint((x,), KEYWORDS, mode) for x in range(VOCAB))
    wanted = log_probabilities(())[:VOCAB].double() + torch.tensor(ratios).log() - np.log(whole)
    torch.testing.assert_close(found[:VOCAB].double(), wanted, rtol=1e-5, atol=1e-5)


def test_state_is_found_by_prefix_wherever_a_row_stands() -> None:
    """Beam search reorders rows and goes on from one twice; a call out of nowhere is computed from the start."""
    first, second = [(2,), (3,), (4,), (1,)], [(4, 2), (2, 3), (2, 5), (1, 1)]
    processor = GuidedLogits(engine_of(KEYWORDS), len(PROMPT), 4)
    for prefixes in ([()] * 4, first, second):
        found = processor(rows_of(*prefixes), logits_of(*prefixes))
    other = GuidedLogits(engine_of(KEYWORDS), len(PROMPT), 4)
    torch.testing.assert_close(found, other(rows_of(*second), logits_of(*second)), rtol=1e-6, atol=1e-6)
    for row, prefix in zip(found, second, strict=True):
        torch.testing.assert_close(row.double(), guided(prefix), rtol=1e-5, atol=1e-5)


class Counted:
    """An engine that counts the rows of its forward steps."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.steps = engine, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def forward(self, a: Tensor, tokens: Tensor) -> Tensor:
        self.steps += 1
        return self.engine.forward(a, tokens)


def test_a_token_costs_one_forward_step() -> None:
    counted: Any = Counted(engine_of(KEYWORDS, OTHER))
    found = generate(GuidedLogits(counted, len(PROMPT), 4), rows=2, num_beams=4)
    assert counted.steps == len(found.scores) - 1


def without(token: int) -> FloatWeights:
    """A model that never emits a token."""
    beta = WEIGHTS.beta.copy()
    beta[:, token] = 0
    return FloatWeights(WEIGHTS.alpha, beta, WEIGHTS.gamma, EOS)


IMPOSSIBLE = engine_of(keyword_automaton([[(1,)]]), weights=without(1))


@pytest.mark.parametrize(
    ("beams", "options"), [(1, {}), (1, {"do_sample": True}), (3, {"num_beams": 3}), (2, {"num_beams": 2})]
)
def test_a_constraint_that_cannot_be_met_is_an_error(beams: int, options: dict[str, Any]) -> None:
    processor = GuidedLogits(IMPOSSIBLE, len(PROMPT), beams)
    message = f"text 0: after 0 tokens no beam of {beams} has a possible next token, the constraint cannot be met"
    with pytest.raises(DeadConstraint, match=f"^{re.escape(message)}$"):
        generate(processor, **options)
    assert processor.dead == [1]


def test_dead_beams_are_counted_while_others_live() -> None:
    """A language model that cannot say 1: beams that need it die, each prefix once, and others go on."""
    automaton = keyword_automaton([[(2, 1), (3,)]])
    processor = GuidedLogits(engine_of(automaton, lengths=Lengths(2, 2)), len(PROMPT), 3)
    mute = logits_of((), (), ())
    processor(rows_of((), (), ()), mute)
    mute = mute.clone()
    mute[:, 1] = -torch.inf
    mute[1:, 3] = -torch.inf
    prefixes = [(3,), (2,), (2,)]
    found = processor(rows_of(*prefixes), mute)
    assert torch.isneginf(found[1:]).all()
    assert found[0].isfinite().any()
    assert processor.dead == [1]
    # what search makes of a dead beam is no beam: it dies no second time
    prefixes = [(3, 4), (2, 1), (2, 5)]
    found = processor(rows_of(*prefixes), logits_of(*prefixes))
    assert found[0].isfinite().nonzero().flatten().tolist() == [EOS]
    assert torch.isneginf(found[1:]).all()
    assert processor.dead == [1]


def test_rows_that_have_ended_are_left_alone() -> None:
    """Beam search keeps them as placeholders, sampling pads them: neither is dead."""
    begun, ended = ([(), ()], [(1,), (2,)]), ([(1, EOS), (2, 3)], [(1, EOS, 3), (2, 3, 4)])
    for beams, finite in ((2, []), (1, [EOS])):
        processor = GuidedLogits(engine_of(KEYWORDS), len(PROMPT), beams)
        for prefixes in begun:
            processor(rows_of(*prefixes), logits_of(*prefixes))
        for prefixes in ended:
            found = processor(rows_of(*prefixes), logits_of(*prefixes))
            assert found[0].isfinite().nonzero().flatten().tolist() == finite
            assert found[1].isfinite().any()
        assert not any(processor.dead)


def test_generations_that_do_not_fit_the_engine_are_refused() -> None:
    cases = [
        (
            lambda: GuidedLogits(IMPOSSIBLE, 2, 0),
            "guidance: beams 0, prompt length 2 given, expected at least 1 and at least 0",
        ),
        (
            lambda: GuidedLogits(IMPOSSIBLE, 9)(rows_of(()), logits_of(())),
            "guidance: rows of 2 tokens, expected a prompt of 9",
        ),
        (
            lambda: GuidedLogits(engine_of(KEYWORDS, OTHER), 2, 2)(rows_of((), ()), logits_of((), ())),
            "guidance: 2 rows, expected a multiple of 2 constraints times 2 beams",
        ),
        (
            lambda: GuidedLogits(IMPOSSIBLE, 2)(rows_of(()), logits_of(())[:, :4]),
            "guidance: the language model has 4 tokens, expected at least the HMM's 6",
        ),
        (
            lambda: generate(GuidedLogits(engine_of(KEYWORDS, mode=EosMode.CTRLG), 2), max_new_tokens=9),
            "guidance: token 4 of a text that has not ended was asked for, expected max_new_tokens of at most 3",
        ),
    ]
    for act, message in cases:
        with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
            act()


def test_golden_guides_as_floats_do() -> None:
    """A text of the embedded models; and the search of our own finds the text that `generate` finds."""
    model: Any = default_language_model()
    levels = quantize(default_hmm(64), 4)
    automaton, lengths, beams = keyword_automaton([[(40,), (41,)], [(300,)]]), Lengths(4, 12), 4
    golden = GoldenDatapath(GoldenModel(pack_model(levels, Layout.SPARSE, {})))
    engines: list[Engine] = [
        engine_of(automaton, weights=float_weights(levels), lengths=lengths),
        BitEngine.of(golden, [automaton], lengths),
    ]
    prompt = torch.zeros(1, 1, dtype=torch.int64)
    for engine in engines:
        processor = GuidedLogits(engine, 1, beams)
        found: Any = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            logits_processor=LogitsProcessorList([processor]),
            num_beams=beams,
            num_return_sequences=beams,
            do_sample=False,
            early_stopping="never",
            max_new_tokens=processor.max_new_tokens,
            pad_token_id=EOS,
        )
        texts = [tuple(token for token in row if token != EOS) for row in found.tolist()]
        (ours,) = search(model, engine, 1, beams, lengths)
        means = [_mean(model, text) for text in texts]
        assert ours.tokens == texts[int(np.argmax(means))]
        assert ours.lm_mean == pytest.approx(max(means), rel=1e-5)


def _mean(model: GPT2LMHeadModel, text: tuple[int, ...]) -> float:
    with torch.no_grad():
        logits = model(torch.tensor([[EOS, *text]])).logits[0].double().log_softmax(-1)
    return float(logits[torch.arange(len(text) + 1), torch.tensor([*text, EOS])].mean())
