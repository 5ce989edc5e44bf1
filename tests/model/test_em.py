"""Expected counts against the enumeration of all hidden paths, and EM's promise that likelihood never falls."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from normq.model.reference import MISSING, ReferenceModel
from normq.model.training import em
from normq.model.training.counts import Counts, Parameters, padding_counts
from normq.model.training.em import equal_lengths, expected_counts, fit


def model(hidden: int, vocab: int, seed: int) -> Parameters:
    draw = torch.Generator().manual_seed(seed)
    shapes = ((hidden,), (hidden, hidden), (hidden, vocab))
    rows = [torch.rand(shape, generator=draw) ** 3 + 0.01 for shape in shapes]
    return Parameters(*(row / row.sum(-1, keepdim=True) for row in rows))


def tokens(rows: int, length: int, vocab: int, seed: int) -> Tensor:
    """Random tokens, about a quarter of them MISSING."""
    draw = np.random.default_rng(seed)
    drawn = draw.integers(0, vocab, (rows, length))
    return torch.from_numpy(np.where(draw.random((rows, length)) < 0.25, MISSING, drawn))


def enumerated(model: Parameters, groups: list[Tensor]) -> tuple[list[np.ndarray], float]:
    """Counts by definition: every hidden path of every sequence, weighted by p(path | sequence)."""
    gamma, alpha, beta = (tensor.double().numpy() for tensor in (model.gamma, model.alpha, model.beta))
    counts = [np.zeros_like(gamma), np.zeros_like(alpha), np.zeros_like(beta)]
    total = 0.0
    for sequence in (row for group in groups for row in group.tolist()):
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
@pytest.mark.parametrize("chunk_tokens", [1, 7, 1 << 14])
def test_expected_counts_are_those_of_all_paths(
    hidden: int, vocab: int, chunk_tokens: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(em, "CHUNK_TOKENS", chunk_tokens)
    start = model(hidden, vocab, hidden)
    groups = [tokens(3, length, vocab, length) for length in (1, 2, 5)]
    found = expected_counts(start, groups)
    counts, total = enumerated(start, groups)
    for got, expected in zip((found.counts.gamma, found.counts.alpha, found.counts.beta), counts, strict=True):
        np.testing.assert_allclose(got.numpy(), expected, rtol=2e-6, atol=1e-9)
    assert found.log_likelihood == pytest.approx(total, rel=1e-6)


def test_long_sequence_does_not_underflow() -> None:
    """Its probability is near exp(-4000), far below float64."""
    start = model(3, 30, 0)
    sequence = tokens(2, 1500, 30, 0)
    found = expected_counts(start, [sequence])
    reference = ReferenceModel(start.alpha.double(), start.beta.double(), start.gamma.double())
    assert found.log_likelihood == pytest.approx(float(reference.log_likelihood(sequence).sum()), rel=1e-6)
    assert float(found.counts.alpha.sum()) == pytest.approx(2 * 1499, rel=1e-5)


def ignore(iteration: int, log_likelihood: float) -> None:
    pass


def test_likelihood_never_falls_without_pseudocount() -> None:
    groups = [tokens(40, length, 5, length) for length in (3, 8)]
    none = Counts(torch.zeros(4), torch.zeros(4, 4), torch.zeros(4, 5))
    seen: list[float] = []

    def record(_: int, value: float) -> None:
        seen.append(value)

    fitted = fit(model(4, 5, 1), groups, none, 30, record, pseudocount=0)
    seen.append(expected_counts(fitted, groups).log_likelihood)
    assert len(seen) == 31
    assert min(np.diff(seen)) > -1e-3
    assert seen[-1] > seen[0] + 5


def test_extra_counts_and_pseudocount_enter_every_iteration() -> None:
    """One state, so that every count is known: 3 sequences [0, 1], 5 extra events of each kind on token 1."""
    groups = [torch.tensor([[0, 1]] * 3)]
    extra = Counts(torch.tensor([5.0]), torch.tensor([[5.0]]), torch.tensor([[0.0, 5.0]]))
    fitted = fit(model(1, 2, 0), groups, extra, 2, ignore, pseudocount=1.0)
    # (3 + 0.5) / (3 + 3 + 5 + 1), (3 + 5 + 0.5) / 12
    np.testing.assert_allclose(fitted.beta.numpy(), [[3.5 / 12, 8.5 / 12]], rtol=1e-6)


def test_row_without_counts_becomes_uniform() -> None:
    counts = Counts(torch.zeros(2), torch.zeros(2, 2), torch.tensor([[0.0, 0.0], [3.0, 1.0]]))
    np.testing.assert_array_equal(counts.maximize(0.001).beta[0].numpy(), [0.5, 0.5])


def test_padding_counts() -> None:
    """Lengths 3, 5 and 9 filled up to 6: 3 + 1 + 0 transitions within the last state, each onto an end of text."""
    counts = padding_counts(torch.tensor([3, 5, 9]), 6, 2, 3, 1)
    np.testing.assert_array_equal(counts.gamma.numpy(), [0, 0])
    np.testing.assert_array_equal(counts.alpha.numpy(), [[0, 0], [0, 4]])
    np.testing.assert_array_equal(counts.beta.numpy(), [[0, 0, 0], [0, 4, 0]])


def test_equal_lengths() -> None:
    groups = equal_lengths(torch.tensor([[1, 0, -1], [2, 3, 0], [4, 0, -1]]), torch.tensor([2, 3, 2]))
    assert [group.tolist() for group in groups] == [[[1, 0], [4, 0]], [[2, 3, 0]]]
