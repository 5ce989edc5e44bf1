"""What an HMM accepts, and what it says of what it refuses."""

import dataclasses

import numpy as np
import pytest

from normq.model import hmm as hmm_module
from normq.model.errors import ModelError
from normq.model.hmm import HMM, Probabilities, row_chunks, row_fault


def uniform(*shape: int) -> Probabilities:
    return np.full(shape, 1 / shape[-1], np.float32)


def spoiled(value: float) -> Probabilities:
    rows = uniform(3, 4)
    rows[2, 1] = value
    return rows


GOOD = HMM(uniform(3, 3), uniform(3, 4), uniform(3), 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"alpha": np.eye(3)},
            "alpha: is float64 of shape [3, 3], expected a float32 array of 2 dimensions, not empty",
        ),
        (
            {"gamma": uniform(1, 3)},
            "gamma: is float32 of shape [1, 3], expected a float32 array of 1 dimension, not empty",
        ),
        (
            {"beta": np.empty((3, 0), np.float32)},
            "beta: is float32 of shape [3, 0], expected a float32 array of 2 dimensions, not empty",
        ),
        ({"alpha": uniform(3, 4)}, "alpha: has shape [3, 4], expected [3, 3] beside beta [3, 4]"),
        ({"gamma": uniform(4)}, "gamma: has shape [4], expected [3] beside beta [3, 4]"),
        ({"eos_token_id": 4}, "eos_token_id: is 4, expected 0..3"),
        ({"eos_token_id": -1}, "eos_token_id: is -1, expected 0..3"),
        ({"beta": spoiled(np.nan)}, "beta: row 2, column 1 is nan, expected a probability"),
        ({"beta": spoiled(np.inf)}, "beta: row 2, column 1 is inf, expected a probability"),
        ({"beta": spoiled(-0.5)}, "beta: row 2, column 1 is -0.5, expected a probability"),
        ({"beta": spoiled(0.5)}, "beta: row 2 sums to 1.25, expected 1 within 0.001"),
        ({"alpha": np.zeros((3, 3), np.float32)}, "alpha: row 0 sums to 0, expected 1 within 0.001"),
        ({"gamma": np.array([0.5, 0.5, 0.5], np.float32)}, "gamma: row 0 sums to 1.5, expected 1 within 0.001"),
    ],
)
def test_what_is_no_model_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        dataclasses.replace(GOOD, **changes)
    assert str(caught.value) == message


@pytest.mark.parametrize(("sum_", "accepted"), [(1.0009, True), (0.9991, True), (1.0011, False), (0.9989, False)])
def test_the_tolerance_of_row_sums_is_the_stated_one(sum_: float, accepted: bool) -> None:
    assert (row_fault(np.array([[0.5, sum_ - 0.5]], np.float32)) is None) == accepted


def test_the_least_model_is_accepted() -> None:
    model = HMM(uniform(1, 1), uniform(1, 1), uniform(1), 0)
    assert (model.hidden_states, model.vocab_size) == (1, 1)


@pytest.mark.parametrize("columns", [1, 3, 10, 11])
def test_chunks_cover_every_row_once(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 10)
    assert [row for rows in row_chunks(23, columns) for row in range(rows.start, rows.stop)] == list(range(23))


def test_a_fault_in_a_later_chunk_is_found_under_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 4)
    assert row_fault(spoiled(np.nan)) == "row 2, column 1 is nan, expected a probability"
    assert row_fault(spoiled(0.5), first_row=100) == "row 102 sums to 1.25, expected 1 within 0.001"
