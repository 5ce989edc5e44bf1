"""The float reference against its definition: the sum over all hidden paths."""

import itertools
import math

import numpy as np
import pytest
import torch

from normq.model.errors import OptionError
from normq.model.hmm import HMM, Probabilities
from normq.model.quantize.normq import quantize
from normq.model.reference import MISSING, ReferenceModel


def random_hmm(hidden: int, vocab: int, seed: int) -> HMM:
    rng = np.random.default_rng(seed)

    def rows(*shape: int) -> Probabilities:
        # multiples of 2**-20: rows sum to exactly 1 in float32 too
        counts = rng.multinomial(1 << 20, rng.dirichlet(np.full(shape[-1], 0.4), shape[:-1]))
        return (counts / (1 << 20)).astype(np.float32)

    return HMM(rows(hidden, hidden), rows(hidden, vocab), rows(hidden), vocab - 1)


def paths_probability(hmm: HMM, tokens: tuple[int, ...]) -> list[list[float]]:
    """Return p(tokens, state at t) for t = 0..T, by enumerating every path of T + 1 states."""
    steps = len(tokens)
    joint = [[0.0] * hmm.hidden_states for _ in range(steps + 1)]
    for path in itertools.product(range(hmm.hidden_states), repeat=steps + 1):
        p = float(hmm.gamma[path[0]])
        for t, token in enumerate(tokens):
            p *= 1.0 if token == MISSING else float(hmm.beta[path[t], token])
            p *= float(hmm.alpha[path[t], path[t + 1]])
        for t, state in enumerate(path):
            joint[t][state] += p
    return joint


@pytest.mark.parametrize("hidden", [1, 2, 3])
@pytest.mark.parametrize("steps", [0, 1, 2, 5])
def test_forward_backward_and_likelihood_are_the_sum_over_all_paths(hidden: int, steps: int) -> None:
    hmm = random_hmm(hidden, 4, seed=10 * hidden + steps)
    model = ReferenceModel.of(hmm)
    choices = [MISSING, 0, 1, 2, 3]
    sequences = list(itertools.product(choices, repeat=steps))[:: max(1, 5**steps // 60)]
    tokens = torch.tensor(sequences, dtype=torch.int64).reshape(len(sequences), steps)
    forward, backward = model.forward(tokens), model.backward(tokens)
    product = (
        forward.values * backward.values * torch.exp2((forward.exponents + backward.exponents).double())[..., None]
    )
    likelihood = model.log_likelihood(tokens)
    for n, sequence in enumerate(sequences):
        joint = paths_probability(hmm, sequence)
        np.testing.assert_allclose(product[n].numpy(), joint, rtol=1e-12, atol=0)
        assert math.isclose(likelihood[n].exp(), sum(joint[-1]), rel_tol=1e-12)


def test_the_forward_vector_keeps_its_absolute_scale_over_many_steps() -> None:
    """A likelihood of about 2**-3000 is far below float64; a lost or doubled exponent would show."""
    hmm = HMM(
        np.eye(2, dtype=np.float32), np.full((2, 1024), 2.0**-10, np.float32), np.array([0.25, 0.75], np.float32), 0
    )
    forward = ReferenceModel.of(hmm).forward(torch.zeros((1, 300), dtype=torch.int64))
    assert forward.exponents[0, -1].item() == -3000
    assert forward.values[0, -1].tolist() == [0.25, 0.75]


def test_a_step_far_below_float32_is_rescaled_exactly() -> None:
    least = np.float32(2.0**-149)
    beta = np.array([[1.0, least], [1.0, least]], np.float32)
    hmm = HMM(np.eye(2, dtype=np.float32), beta, np.array([0.25, 0.75], np.float32), 0)
    forward = ReferenceModel.of(hmm).forward(torch.ones((1, 2), dtype=torch.int64))
    assert forward.exponents[0].tolist() == [0, -149, -298]
    assert forward.values[0, -1].tolist() == [0.25, 0.75]


def test_torch_scales_by_powers_of_two_exactly() -> None:
    exponents = torch.arange(-1074, 1024)
    scaled = torch.ldexp(torch.ones(len(exponents), dtype=torch.float64), exponents.double())
    assert scaled.tolist() == [math.ldexp(1.0, e) for e in exponents.tolist()]


def test_next_token_scores_extend_the_sequence() -> None:
    """Row v of the scores is p(tokens, v), which is the likelihood of the longer sequence."""
    model = ReferenceModel.of(random_hmm(3, 5, seed=7))
    tokens = torch.tensor([[0, MISSING, 2]])
    forward = model.forward(tokens)
    scores = model.scores(forward.values[:, -1]) * torch.exp2(forward.exponents[:, -1:].double())
    longer = torch.tensor([[0, MISSING, 2, v] for v in range(5)])
    np.testing.assert_allclose(scores[0], model.log_likelihood(longer).exp(), rtol=1e-12)


def test_edge_weights_sum_the_emissions_under_the_mask() -> None:
    hmm = random_hmm(3, 4, seed=3)
    weights = ReferenceModel.of(hmm).edge_weights(torch.tensor([[True, False, True, False], [False] * 4]))
    expected = hmm.beta[:, 0].astype(np.float64) + hmm.beta[:, 2]
    np.testing.assert_array_equal(weights.numpy(), [expected, np.zeros(3)])


def test_an_impossible_sequence_has_log_likelihood_minus_infinity() -> None:
    hmm = HMM(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.array([1, 0], np.float32), 1)
    likelihood = ReferenceModel.of(hmm).log_likelihood(torch.tensor([[0, 1, 0], [0, 0, MISSING]]))
    assert likelihood.tolist() == [-math.inf, 0.0]


def test_a_quantized_model_is_taken_with_its_pseudocount() -> None:
    hmm = HMM(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), np.array([1, 0], np.float32), 1)
    model = ReferenceModel.of_quantized(quantize(hmm, 2))
    # levels 3 and 0 with eps / n = 0.0005: (3.0005, 0.0005) / 3.001
    expected = [3.0005 / 3.001, 0.0005 / 3.001]
    np.testing.assert_allclose(model.gamma, expected, rtol=1e-15)
    np.testing.assert_allclose(model.beta, [expected, expected[::-1]], rtol=1e-15)


def test_a_token_outside_the_vocabulary_is_refused() -> None:
    model = ReferenceModel.of(random_hmm(2, 4, seed=1))
    with pytest.raises(OptionError, match=r"^tokens: 4 given, expected 0\.\.3 or -1 for missing$"):
        model.log_likelihood(torch.tensor([[0, 4]]))
    with pytest.raises(OptionError, match=r"^tokens: -2 given, expected 0\.\.3 or -1 for missing$"):
        model.backward(torch.tensor([[0, -2]]))
