"""The generator: each row from (seed, row) alone, the published statistics, and the label."""

import numpy as np
import numpy.typing as npt
import pytest

from normq.model import hmm as hmm_module
from normq.model.errors import OptionError
from normq.model.hmm import Probabilities, row_fault
from normq.model.quantize.normq import levels_at, quantize, tensor_scale
from normq.model.synthetic import GREATEST, SyntheticModel, synthetic_hmm, synthetic_levels

PAPER = SyntheticModel(4096, 50257, seed=0)


@pytest.fixture(scope="module")
def alpha() -> Probabilities:
    return PAPER.transition_rows(slice(0, 4096, 8))


@pytest.fixture(scope="module")
def beta() -> Probabilities:
    return PAPER.emission_rows(slice(0, 4096, 8))


def nonzeros_per_row(rows: Probabilities) -> list[float]:
    levels = (levels_at(rows, tensor_scale(GREATEST, bits), bits) for bits in (3, 4, 8))
    return [float(np.count_nonzero(level, axis=1).mean()) for level in levels]


def test_transitions_have_the_published_sparsity(alpha: Probabilities) -> None:
    """Published: more than 80 % below 1e-5 at H = 4096, peaks 3e-3 .. 0.994."""
    assert 0.80 < (alpha < 1e-5).mean() < 0.90
    assert 0.9 < alpha.max() < 1
    np.testing.assert_allclose(nonzeros_per_row(alpha), [2.03, 4.57, 42.4], rtol=0.1)


def test_emissions_have_the_published_sparsity(beta: Probabilities) -> None:
    """Published: more than 80 % below 1e-5 at V = 50257, logs mostly -17 .. -28."""
    assert 0.985 < (beta < 1e-5).mean() < 0.995
    assert ((beta > np.exp(-28)) & (beta < np.exp(-17))).mean() > 0.75
    np.testing.assert_allclose(nonzeros_per_row(beta), [1.90, 3.73, 34.4], rtol=0.1)


@pytest.mark.parametrize(("hidden", "share"), [(1024, 0.42), (16384, 0.97)])
def test_the_share_of_small_transitions_grows_with_the_model(hidden: int, share: float) -> None:
    rows = SyntheticModel(hidden, 64).transition_rows(slice(0, 100))
    assert abs((rows < 1e-5).mean() - share) < 0.03


def test_rows_are_distributions_and_none_exceeds_the_known_greatest(alpha: Probabilities, beta: Probabilities) -> None:
    assert row_fault(alpha) is None
    assert row_fault(beta) is None
    assert max(alpha.max(), beta.max()) <= GREATEST


def test_the_last_state_is_absorbing_and_emits_end_of_text() -> None:
    hmm = synthetic_hmm(20, 30)
    assert hmm.eos_token_id == 29
    assert hmm.alpha[-1, -1] == GREATEST == hmm.beta[-1, -1]
    assert hmm.alpha[-1, :-1].max() < 1e-8
    assert hmm.beta[:-1, -1].max() < 0.1


def test_a_row_depends_on_seed_and_row_alone(alpha: Probabilities, beta: Probabilities) -> None:
    fresh = SyntheticModel(4096, 50257, seed=0)
    np.testing.assert_array_equal(fresh.emission_rows(slice(40, 41))[0], beta[5])
    np.testing.assert_array_equal(fresh.transition_rows(slice(40, 41))[0], alpha[5])
    other = SyntheticModel(4096, 50257, seed=1)
    assert (other.transition_rows(slice(40, 41))[0] != alpha[5]).any()
    small = SyntheticModel(64, 50)
    for rows in (small.transition_rows(slice(None)), small.emission_rows(slice(None))):
        assert len(np.unique(rows, axis=0)) == 64


@pytest.mark.parametrize("size", [(1, 2), (2, 2), (3, 5), (64, 200), (97, 1031)])
@pytest.mark.parametrize("bits", [2, 8])
def test_levels_made_in_chunks_are_those_of_the_whole_model(
    size: tuple[int, int], bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = quantize(synthetic_hmm(*size, seed=3), bits)
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 500)
    chunked = synthetic_levels(*size, bits, seed=3)
    for name in ("alpha", "beta", "gamma"):
        levels: npt.NDArray[np.uint8] = getattr(chunked, name).levels
        np.testing.assert_array_equal(levels, getattr(whole, name).levels)
    assert chunked.eos_token_id == whole.eos_token_id
    assert chunked.provenance == whole.provenance


def test_everything_made_is_labelled_synthetic() -> None:
    provenance = {"label": "synthetic", "source": "normq.model.synthetic H=4 V=6 seed=9"}
    assert synthetic_hmm(4, 6, seed=9).provenance == provenance
    assert synthetic_levels(4, 6, 3, seed=9).provenance == provenance


def test_sizes_that_hold_no_model_are_refused() -> None:
    with pytest.raises(OptionError, match=r"^hidden: 0 given, expected an integer of at least 1$"):
        synthetic_hmm(0, 10)
    with pytest.raises(OptionError, match=r"^vocab: 1 given, expected an integer of at least 2$"):
        synthetic_levels(4, 1, 3)
    with pytest.raises(OptionError, match=r"^seed: -1 given, expected an integer of at least 0$"):
        SyntheticModel(4, 4, -1)
