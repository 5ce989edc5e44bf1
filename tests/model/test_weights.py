"""Weights of a float engine: taken as they are, and refused where no engine could use them."""

import re
from typing import Any

import numpy as np
import pytest

from normq.model.default.load import default_hmm
from normq.model.errors import ModelError
from normq.model.weights import FloatWeights


def parts(**changes: Any) -> dict[str, Any]:
    usual = {"alpha": np.full((2, 2), 0.5), "beta": np.full((2, 3), 0.25), "gamma": np.array([0.9, 0.0])}
    return {**usual, "eos_token_id": 0, **changes}


def test_float32_tensors_are_taken_to_the_bit() -> None:
    hmm = default_hmm(64)
    weights = FloatWeights.from_hmm(hmm)
    for name in ("alpha", "beta", "gamma"):
        np.testing.assert_array_equal(getattr(weights, name), getattr(hmm, name))
        assert getattr(weights, name).dtype == np.float64
    assert (weights.hidden_states, weights.vocab_size, weights.eos_token_id) == (64, 4096, 0)


def test_rows_need_not_sum_to_one() -> None:
    FloatWeights(**parts(alpha=np.zeros((2, 2)), beta=np.full((2, 3), 7.0)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": np.zeros((2, 3))}, "alpha: is float64 of shape [2, 3], expected float64 of shape [2, 2]"),
        (
            {"beta": np.zeros((2, 3), np.float32)},
            "beta: is float32 of shape [2, 3], expected float64 of shape [2, 3]",
        ),
        ({"gamma": np.zeros(3)}, "gamma: is float64 of shape [3], expected float64 of shape [2]"),
        ({"beta": np.zeros(0)}, "alpha: is float64 of shape [2, 2], expected a float64 matrix, not empty"),
        ({"gamma": np.array([0.5, -0.25])}, "gamma: entries are -0.25..0.5, expected finite ones, none below 0"),
        ({"gamma": np.array([np.nan, 1])}, "gamma: entries are nan..nan, expected finite ones, none below 0"),
        ({"gamma": np.array([0, np.inf])}, "gamma: entries are 0.0..inf, expected finite ones, none below 0"),
        ({"eos_token_id": 3}, "eos_token_id: is 3, expected 0..2"),
    ],
)
def test_faults_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        FloatWeights(**parts(**changes))
