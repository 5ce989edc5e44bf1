"""The language model's batches, losses, samples and the clusters of its states, on models of a few weights."""

import itertools
import math

import numpy as np
import pytest
import torch
from transformers import GPT2LMHeadModel

from normq.model.reference import MISSING
from normq.model.training.language_model import (
    LanguageModelOptions,
    batches,
    hidden_states,
    new_language_model,
    perplexity,
    train_language_model,
)
from normq.model.training.samples import sample
from normq.model.training.states import cluster, initial_states, neighbors, path_counts

VOCAB = 5
OPTIONS = LanguageModelOptions(width=8, layers=1, heads=2, positions=8, epochs=30, batch_tokens=16, learning_rate=0.05)
ROWS = np.array([[1, 2, 3, 0, -1], [1, 2, 0, -1, -1], [4, 3, 2, 1, 0], [4, 0, -1, -1, -1]])


@pytest.fixture(scope="module")
def model() -> GPT2LMHeadModel:
    torch.manual_seed(0)
    return new_language_model(VOCAB, OPTIONS).eval()


def probability(model: GPT2LMHeadModel, row: list[int]) -> float:
    """p(row) by the chain rule, one token at a time."""
    logs = 0.0
    for t, token in enumerate(row):
        with torch.no_grad():
            logs += float(model(torch.tensor([[0, *row[:t]]])).logits[0, -1].log_softmax(-1)[token])
    return math.exp(logs)


def test_batches_hold_each_row_once_and_few_tokens() -> None:
    sizes = np.random.default_rng(0).integers(1, 40, 500)
    found = list(batches(sizes, 100))
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(500))
    assert all(len(rows) * sizes[rows].max() <= 100 for rows in found)
    # no batch could have taken the next row too
    assert all((len(a) + 1) * sizes[b[0]] > 100 for a, b in itertools.pairwise(found))


def test_row_larger_than_a_batch_is_one() -> None:
    assert [rows.tolist() for rows in batches(np.array([9, 1, 8]), 4)] == [[1], [2], [0]]


def test_perplexity_is_that_of_the_chain_rule(model: GPT2LMHeadModel) -> None:
    rows = [[token for token in row if token != MISSING] for row in ROWS.tolist()]
    expected = -sum(math.log(probability(model, row)) for row in rows) / sum(map(len, rows))
    assert perplexity(model, ROWS) == pytest.approx(math.exp(expected), rel=1e-4)


def test_training_lowers_the_loss_and_repeats() -> None:
    lines: list[str] = []
    before = torch.random.get_rng_state()
    trained = train_language_model(ROWS, VOCAB, OPTIONS, 3, lines.append)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert len(lines) == OPTIONS.epochs
    # the four rows are equally likely: ln 4 nats a row is the best there is, 14 tokens in all
    assert perplexity(trained, ROWS) < 1.15 * math.exp(4 * math.log(4) / 14)
    again = train_language_model(ROWS, VOCAB, OPTIONS, 3, lambda _: None)
    assert perplexity(again, ROWS) == perplexity(trained, ROWS)


def test_samples_follow_the_model() -> None:
    """2500 draws, in batches of 1000: the share of each sentence trained on within 5 standard deviations."""
    trained = train_language_model(ROWS, VOCAB, OPTIONS, 3, lambda _: None)
    drawn = sample(trained, 2500, 6, seed=0)
    assert drawn.shape[1] == 6
    ends = np.argmax(drawn == 0, axis=1)
    for row, end in zip(drawn, ends, strict=True):
        assert row[end] == 0
        assert (row[:end] > 0).all()
        assert (row[end + 1 :] == MISSING).all()
    for sentence in ROWS.tolist():
        expected = 2500 * probability(trained, [token for token in sentence if token != MISSING])
        assert expected > 300
        found = np.sum((drawn == [*sentence, MISSING]).all(axis=1))
        assert abs(found - expected) < 5 * math.sqrt(expected)
    np.testing.assert_array_equal(drawn, sample(trained, 2500, 6, seed=0))


def test_hidden_states_are_those_that_ask_for_each_token(model: GPT2LMHeadModel) -> None:
    states = hidden_states(model, ROWS)
    with torch.no_grad():
        logits = model.lm_head(states[2])
        expected = model(torch.tensor([[0, 4, 3, 2, 1]])).logits[0]
    torch.testing.assert_close(logits, expected)
    after = neighbors(states)
    assert after.shape == (4, 5, 16)
    torch.testing.assert_close(after[2, :-1, 8:], states[2, 1:])
    assert not after[2, -1, 8:].any()


def test_clusters_of_separate_points_are_found() -> None:
    draw = torch.Generator().manual_seed(0)
    centers = torch.tensor([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    labels = torch.arange(400) % 4
    chosen = cluster(centers[labels] + torch.randn((400, 2), generator=draw), 4, seed=2)
    # one number for each label, and no number for two
    assert len({(int(label), int(number)) for label, number in zip(labels, chosen, strict=True)}) == 4
    assert sorted(set(chosen.tolist())) == [0, 1, 2, 3]


def test_end_of_text_alone_has_the_last_state() -> None:
    tokens = torch.from_numpy(ROWS)
    hidden = torch.randn((4, 5, 3), generator=torch.Generator().manual_seed(0))
    path = initial_states(tokens, hidden, 4, seed=0)
    assert torch.equal(path == 3, tokens == 0)
    assert torch.equal(path == MISSING, tokens == MISSING)


def test_counts_of_a_known_path() -> None:
    tokens = torch.tensor([[1, 2, 0, -1], [2, 2, 2, 0]])
    path = torch.tensor([[0, 1, 2, -1], [1, 1, 0, 2]])
    counts = path_counts(tokens, path, 3, 3)
    np.testing.assert_array_equal(counts.gamma.numpy(), [1, 1, 0])
    np.testing.assert_array_equal(counts.alpha.numpy(), [[0, 1, 1], [1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal(counts.beta.numpy(), [[0, 1, 1], [0, 0, 3], [2, 0, 0]])
