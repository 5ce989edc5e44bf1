"""Expected counts against the enumeration of all hidden paths, and EM's promise that likelihood never falls."""

import itertools
import math

import numpy as np
import pytest
import torch

from normq.model.errors import TrainingError
from normq.model.reference import MISSING, ReferenceModel
from normq.model.training import em
from normq.model.training.counts import Counts, Parameters, padding_counts
from normq.model.training.em import batches, expected_counts, fit, log_likelihood
from normq.model.training.sequences import Sequences


def model(hidden: int, vocab: int, seed: int) -> Parameters:
    draw = torch.Generator().manual_seed(seed)
    shapes = ((hidden,), (hidden, hidden), (hidden, vocab))
    rows = [torch.rand(shape, generator=draw) ** 3 + 0.01 for shape in shapes]
    return Parameters(*(row / row.sum(-1, keepdim=True) for row in rows))


def sequences(lengths: list[int], vocab: int, seed: int) -> Sequences:
    """Random tokens, about a quarter of them MISSING; beyond the lengths anything."""
    draw = np.random.default_rng(seed)
    shape = (len(lengths), max(lengths))
    drawn = np.where(draw.random(shape) < 0.25, MISSING, draw.integers(0, vocab, shape))
    return Sequences(torch.from_numpy(drawn), torch.tensor(lengths))


def enumerated(model: Parameters, given: Sequences) -> tuple[list[np.ndarray], float]:
    """Counts by definition: every hidden path of every sequence, weighted by p(path | sequence)."""
    gamma, alpha, beta = (tensor.double().numpy() for tensor in (model.gamma, model.alpha, model.beta))
    counts = [np.zeros_like(gamma), np.zeros_like(alpha), np.zeros_like(beta)]
    total = 0.0
    for sequence in (row[:n] for row, n in zip(given.tokens.tolist(), given.lengths.tolist(), strict=True)):
        weights = {}
        for path in itertools.product(range(len(gamma)), repeat=len(sequence)):
            weight = gamma[path[0]] * math.prod(alpha[i, j] for i, j in itertools.pairwise(path))
            seen = zip(path, sequence, strict=True)
            weights[path] = weight * math.prod(beta[i, v] for i, v in seen if v != MISSING)
        likelihood = sum(weights.values())
        total += math.log(likelihood)
        for path, weight in weights.items():
            counts[0][path[0]] += weight / likelihood
            for i, j in itertools.pairwise(path):
                counts[1][i, j] += weight / likelihood
            for i, v in zip(path, sequence, strict=True):
                if v != MISSING:
                    counts[2][i, v] += weight / likelihood
    return counts, total


@pytest.mark.parametrize(("hidden", "vocab"), [(1, 2), (2, 3), (3, 4)])
@pytest.mark.parametrize("batch_tokens", [1, 7, 1 << 14])
def test_expected_counts_are_those_of_all_paths(
    hidden: int, vocab: int, batch_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(em, "BATCH_TOKENS", batch_tokens)
    start = model(hidden, vocab, hidden)
    given = sequences([2, 5, 1, 5, 2, 4, 1], vocab, seed=hidden)
    found = expected_counts(start, given)
    counts, total = enumerated(start, given)
    for got, expected in zip((found.counts.gamma, found.counts.alpha, found.counts.beta), counts, strict=True):
        np.testing.assert_allclose(got.numpy(), expected, rtol=2e-6, atol=1e-9)
    assert found.log_likelihood == pytest.approx(total, rel=1e-6)
    assert log_likelihood(start, given) == found.log_likelihood


def test_long_sequence_does_not_underflow() -> None:
    """Its probability is near exp(-4000), far below float64."""
    start = model(3, 30, 0)
    given = sequences([1500, 1500], 30, 0)
    found = expected_counts(start, given)
    reference = ReferenceModel(start.alpha.double(), start.beta.double(), start.gamma.double())
    assert found.log_likelihood == pytest.approx(float(reference.log_likelihood(given.tokens).sum()), rel=1e-6)
    assert float(found.counts.alpha.sum()) == pytest.approx(2 * 1499, rel=1e-5)


def ignore(iteration: int, log_likelihood: float) -> None:
    pass


def test_likelihood_never_falls_without_pseudocount() -> None:
    given = sequences([3, 8] * 40, 5, 0)
    none = Counts(torch.zeros(4), torch.zeros(4, 4), torch.zeros(4, 5))
    seen: list[float] = []

    def record(_: int, value: float) -> None:
        seen.append(value)

    fitted = fit(model(4, 5, 1), given, none, 30, record, pseudocount=0)
    seen.append(expected_counts(fitted, given).log_likelihood)
    assert len(seen) == 31
    assert min(np.diff(seen)) > -1e-3
    assert seen[-1] > seen[0] + 5


def test_extra_counts_and_pseudocount_enter_every_iteration() -> None:
    """One state, so that every count is known: 3 sequences [0, 1], 5 extra events of each kind on token 1."""
    given = Sequences(torch.tensor([[0, 1]] * 3), torch.tensor([2, 2, 2]))
    extra = Counts(torch.tensor([5.0]), torch.tensor([[5.0]]), torch.tensor([[0.0, 5.0]]))
    fitted = fit(model(1, 2, 0), given, extra, 2, ignore, pseudocount=1.0)
    # (3 + 0.5) / (3 + 3 + 5 + 1), (3 + 5 + 0.5) / 12
    np.testing.assert_allclose(fitted.beta.numpy(), [[3.5 / 12, 8.5 / 12]], rtol=1e-6)


def test_row_without_counts_becomes_uniform() -> None:
    counts = Counts(torch.zeros(2), torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [3.0, 1.0]]))
    for pseudocount in (0.001, 0.0):
        np.testing.assert_array_equal(counts.maximize(pseudocount).beta.numpy()[0], [0.5, 0.5])
    np.testing.assert_array_equal(counts.frequencies().beta.numpy(), [[0, 0], [0.75, 0.25]])


def test_padding_counts() -> None:
    """Lengths 3, 5 and 9 filled up to 6: 3 + 1 + 0 transitions within the last state, each onto an end of text."""
    counts = padding_counts(torch.tensor([3, 5, 9]), 6, 2, 3, 1)
    np.testing.assert_array_equal(counts.gamma.numpy(), [0, 0])
    np.testing.assert_array_equal(counts.alpha.numpy(), [[0, 0], [0, 4]])
    np.testing.assert_array_equal(counts.beta.numpy(), [[0, 0, 0], [0, 4, 0]])


def test_batches_hold_each_token_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(em, "BATCH_TOKENS", 6)
    rows = torch.tensor([[1, 2, 9, 9], [3, 4, 5, 6], [7, 9, 9, 9], [8, 10, 11, 9]])
    found = list(batches(Sequences(rows, torch.tensor([2, 4, 1, 3]))))
    # lengths 4, then 3 + 2 + 1; each position's tokens side by side
    assert [batch.tokens.tolist() for batch in found] == [[3, 4, 5, 6], [8, 1, 7, 10, 2, 11]]
    assert [batch.starts for batch in found] == [[0, 1, 2, 3, 4], [0, 3, 5, 6]]


def test_impossible_sequence_is_named() -> None:
    never = Parameters(torch.ones(1), torch.ones(1, 1), torch.tensor([[1.0, 0.0]]))
    with pytest.raises(TrainingError) as raised:
        expected_counts(never, Sequences(torch.tensor([[0, 1]]), torch.tensor([2])))
    expected = "sequences: one has probability 0 under the model, expected a pseudocount above 0 before"
    assert str(raised.value) == expected
