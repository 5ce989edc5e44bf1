"""The compact file: what is kept, what the rest becomes, and that a checkpoint gives the same bits."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.checkpoint import read_checkpoint, write_checkpoint
from normq.model.default.compact import drop_small, expand, read_compact, write_compact
from normq.model.errors import ModelError
from normq.model.hmm import HMM


def test_small_weights_are_dropped_and_their_mass_is_spread() -> None:
    matrix = np.array([[0.5, 0.25, 8e-6, 0.249988, 4e-6], [0.2, 0.2, 0.2, 0.2, 0.2]], np.float32)
    parts = drop_small("beta", matrix)
    assert parts["counts"].tolist() == [3, 5]
    assert parts["columns"].tolist() == [0, 1, 3, 0, 1, 2, 3, 4]
    np.testing.assert_array_equal(parts["logs"], np.log(matrix[matrix >= 1e-5]).astype(np.float16))
    np.testing.assert_allclose(parts["floors"], [6e-6, 0], rtol=1e-6)
    restored = expand(parts, 5)
    np.testing.assert_allclose(restored[0, [2, 4]], 6e-6, rtol=1e-3)
    # float16 keeps a log in [0.5, 4) within 2**-10
    np.testing.assert_allclose(restored, [[0.5, 0.25, 6e-6, 0.249988, 6e-6], [0.2] * 5], rtol=2e-3)
    np.testing.assert_allclose(restored.sum(1, dtype=np.float64), 1, atol=2e-7)


@pytest.fixture
def hmm() -> HMM:
    """Rows with a few large weights over many small ones, H = 7, V = 300."""
    draw = np.random.default_rng(0)
    alpha, beta, gamma = (draw.random(shape) ** 40 + 1e-9 for shape in ((7, 7), (7, 300), (1, 7)))
    rows = [(m / m.sum(1, keepdims=True)).astype(np.float32) for m in (alpha, beta, gamma)]
    return HMM(rows[0], rows[1], rows[2][0], 4, {"label": "test"})


def test_file_and_exported_checkpoint_hold_the_same_bits(hmm: HMM, tmp_path: Path) -> None:
    write_compact(hmm, tmp_path / "hmm.safetensors")
    compact = read_compact(tmp_path / "hmm.safetensors")
    write_checkpoint(compact, tmp_path / "folder")
    exported = read_checkpoint(tmp_path / "folder")
    for name in ("alpha", "beta", "gamma"):
        np.testing.assert_array_equal(getattr(exported, name), getattr(compact, name))
        np.testing.assert_allclose(getattr(compact, name), getattr(hmm, name), rtol=1e-2, atol=2e-5)
    assert (compact.eos_token_id, compact.provenance) == (exported.eos_token_id, exported.provenance)
    assert (compact.eos_token_id, compact.provenance) == (4, {"label": "test"})


def test_too_many_columns_are_refused() -> None:
    with pytest.raises(ModelError) as error:
        drop_small("beta", np.zeros((1, 65537), np.float32))
    assert str(error.value) == "beta: has 65537 columns, expected at most 65536 in a compact file"
