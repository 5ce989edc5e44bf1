"""Norm-Q aware EM: which chunks are quantized, what the levels are, and that EM goes on from what they stand for."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from normq.model.errors import OptionError
from normq.model.quantize.dequantize import dequantize
from normq.model.training.aware import METHOD, Quantization, TopLevel, parameters_of
from normq.model.training.counts import Counts, random_parameters
from normq.model.training.sequences import Sequences, chunk_rows, dropped
from normq.model.training.train import TrainOptions, TrainState, first_state, train

COUNTS = Counts(
    gamma=torch.tensor([6.0, 2.0]).double(),
    alpha=torch.tensor([[3.0, 1.0], [0.0, 0.0]]).double(),
    beta=torch.tensor([[8.0, 1.0, 1.0], [0.0, 5.0, 5.0]]).double(),
)


def data(rows: int, seed: int) -> Sequences:
    draw = np.random.default_rng(seed)
    return Sequences(torch.from_numpy(draw.integers(1, 12, (rows, 6))), torch.from_numpy(draw.integers(1, 7, rows)))


def test_levels_are_those_of_the_shares() -> None:
    """By hand, 2 bits: steps 0.75 / 3, 0.8 / 3 and 0.75 / 3; 0.1 / 0.2667 = 0.375, 0.5 / 0.2667 = 1.875."""
    found = Quantization(2, 1).quantize(COUNTS, 1)
    np.testing.assert_array_equal(found.gamma.levels, [[3, 1]])
    np.testing.assert_array_equal(found.alpha.levels, [[3, 1], [0, 0]])
    np.testing.assert_array_equal(found.beta.levels, [[3, 0, 0], [0, 2, 2]])
    assert (found.eos_token_id, found.method) == (1, METHOD)
    # a row without counts is uniform
    np.testing.assert_array_equal(parameters_of(found).alpha.numpy()[1], [0.5, 0.5])


@pytest.mark.parametrize(("bits", "top"), [(2, 3), (3, 0), (4, 1), (5, 6), (6, 7), (7, 4), (8, 5)])
def test_top_level_of_the_published_script(bits: int, top: int) -> None:
    defect = Quantization(bits, 1, TopLevel.PUBLISHED_SCRIPT)
    assert TopLevel.PUBLISHED_SCRIPT.level(bits) == top
    assert TopLevel.FULL.level(bits) == 2**bits - 1
    found = defect.quantize(COUNTS, 0)
    assert [int(t.levels.max()) for t in (found.alpha, found.beta, found.gamma)] == [top] * 3


@pytest.mark.parametrize(
    ("interval", "chunks", "quantized"), [(3, 7, [3, 6, 7]), (1, 3, [1, 2, 3]), (9, 4, [4]), (2, 4, [2, 4])]
)
def test_chunks_that_are_quantized(interval: int, chunks: int, quantized: list[int]) -> None:
    options = TrainOptions(chunks, 50, quantization=Quantization(3, interval), seed=1)
    seen: list[TrainState] = []
    start = first_state(random_parameters(4, 12, 0, 0), data(20, 1))
    last = train(start, data(60, 0), data(20, 1), 0, options, seen.append)
    assert [state.chunk for state in seen if state.quantized] == quantized
    assert [record.chunk for record in last.curve if record.quantized] == quantized
    assert last is seen[-1]
    for state in seen:
        if state.quantized:
            expected = torch.from_numpy(dequantize(state.quantized.beta)).float()
            assert torch.equal(state.model.beta, expected)


def test_other_chunks_are_ordinary_em() -> None:
    plain = TrainOptions(3, 50, seed=1)
    aware = dataclasses.replace(plain, quantization=Quantization(3, 3))
    start = first_state(random_parameters(4, 12, 0, 0), None)
    curves = [train(start, data(60, 0), None, 0, options).curve for options in (plain, aware)]
    # the third chunk's likelihood is taken before it is quantized
    assert [record.train for record in curves[0]] == [record.train for record in curves[1]]
    assert [record.dev for record in curves[0]] == [None] * 4


def test_likelihood_of_dev_is_that_after_the_chunk() -> None:
    given = data(40, 0)
    options = TrainOptions(4, 40, pseudocount=0.0)
    curve = train(first_state(random_parameters(3, 12, 0, 2), given), given, given, 0, options).curve
    for record, following in itertools.pairwise(curve):
        assert record.dev == pytest.approx(following.train, rel=1e-6)
    assert curve[-1].dev > curve[0].dev + 0.01  # pyright: ignore[reportOptionalOperand]


def test_chunks_go_round_in_turns() -> None:
    drawn = torch.cat([chunk_rows(10, 4, number, seed=3) for number in range(5)])
    turns = drawn.split(10)
    assert [sorted(turn.tolist()) for turn in turns] == [list(range(10))] * 2
    assert turns[0].tolist() != turns[1].tolist()
    # one chunk of more than all rows is the same sequence of turns
    assert torch.equal(drawn, chunk_rows(10, 20, 0, seed=3))
    assert not torch.equal(drawn, chunk_rows(10, 20, 0, seed=4))


def test_dropout_spares_end_of_text_and_repeats() -> None:
    rows = Sequences(torch.tensor([[5] * 99 + [0]] * 40), torch.full((40,), 100))
    found = dropped(rows, 0.3, 0, number=2, seed=7)
    assert (found.tokens[:, -1] == 0).all()
    share = float((found.tokens == -1).double().mean())
    assert share == pytest.approx(0.3, abs=0.03)  # 4 standard deviations of 3960 draws
    assert torch.equal(found.tokens, dropped(rows, 0.3, 0, number=2, seed=7).tokens)
    assert not torch.equal(found.tokens, dropped(rows, 0.3, 0, number=3, seed=7).tokens)
    assert dropped(rows, 0.0, 0, 2, 7) is rows


@pytest.mark.parametrize(
    ("bits", "interval", "message"),
    [
        (4, 0, "interval: 0 chunks given, expected 1 at least"),
        (9, 2, "bits: index bits must be 2..8, got 9"),
    ],
)
def test_impossible_quantization_is_refused(bits: int, interval: int, message: str) -> None:
    with pytest.raises(OptionError) as raised:
        Quantization(bits, interval)
    assert str(raised.value) == message
