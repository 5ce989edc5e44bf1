"""Ctrl-G checkpoints: what is read, and what is written."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from normq.model import hmm as hmm_module
from normq.model.checkpoint import read_checkpoint, write_checkpoint
from normq.model.hmm import HMM
from normq.model.synthetic import synthetic_hmm
from normq.tests.model.checkpoint_cases import (
    EOS,
    HIDDEN,
    VOCAB,
    good_folder,
    good_tensors,
    to_torch,
)

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path)


def check_good(hmm: HMM) -> None:
    np.testing.assert_array_equal(hmm.alpha, good_tensors()["alpha_exp"])
    np.testing.assert_array_equal(hmm.beta, np.exp(good_tensors()["beta"].astype(np.float64)).astype(np.float32))
    np.testing.assert_array_equal(hmm.gamma, np.array([0.5, 0.5], np.float32))
    assert (hmm.hidden_states, hmm.vocab_size, hmm.eos_token_id) == (HIDDEN, VOCAB, EOS)


def test_a_safetensors_folder_is_read(folder: Path) -> None:
    check_good(read_checkpoint(folder))
    check_good(read_checkpoint(folder, eos_token_id=EOS))


@pytest.mark.parametrize("zip_format", [True, False])
def test_the_older_variant_is_read(folder: Path, zip_format: bool) -> None:
    to_torch(folder)
    tensors = {name: torch.tensor(array) for name, array in good_tensors().items()}
    torch.save(tensors, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zip_format)
    check_good(read_checkpoint(folder, eos_token_id=EOS))


def test_parameters_and_transposed_tensors_of_a_bin_are_read(folder: Path) -> None:
    tensors = {name: torch.nn.Parameter(torch.tensor(array)) for name, array in good_tensors().items()}
    to_torch(folder, tensors | {"beta": torch.tensor(good_tensors()["beta"].T.copy()).T})
    check_good(read_checkpoint(folder, eos_token_id=EOS))


def test_logs_become_float32_of_the_exact_exponential(tmp_path: Path) -> None:
    """The vectors' checkpoint: exp in float32 would differ in the last bit of some entries."""
    with np.load(VECTORS / "b8.npz") as vectors:
        tensors = {name: vectors[name] for name in ("alpha_exp", "beta", "gamma")}
    save_file(tensors, tmp_path / "model.safetensors")
    hmm = read_checkpoint(tmp_path, eos_token_id=0)
    exact = np.exp(tensors["beta"].astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(hmm.beta, exact)
    assert (np.exp(tensors["beta"]) != exact).any()


def test_what_is_written_is_read_back_whatever_the_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hmm = synthetic_hmm(37, 101, seed=5)
    monkeypatch.setattr(hmm_module, "CHUNK_ELEMENTS", 300)
    write_checkpoint(hmm, tmp_path / "new" / "model")
    again = read_checkpoint(tmp_path / "new" / "model")
    np.testing.assert_array_equal(again.alpha, hmm.alpha)
    logs = np.log(hmm.beta.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(again.beta, np.exp(logs.astype(np.float64)).astype(np.float32))
    np.testing.assert_allclose(again.gamma, hmm.gamma, rtol=1e-6)
    assert (again.eos_token_id, again.provenance) == (100, hmm.provenance)


def test_a_probability_of_zero_survives_as_an_infinite_log(tmp_path: Path) -> None:
    eye = np.eye(2, dtype=np.float32)
    write_checkpoint(HMM(eye, eye, eye[0], 1), tmp_path)
    np.testing.assert_array_equal(load_file(tmp_path / "model.safetensors")["gamma"], [0, -np.inf])
    np.testing.assert_array_equal(read_checkpoint(tmp_path).beta, eye)


def test_a_written_folder_holds_the_two_files_of_the_format_and_nothing_else(tmp_path: Path) -> None:
    eye = np.eye(2, dtype=np.float32)
    write_checkpoint(HMM(eye, eye, eye[0], 1), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    config = json.loads((tmp_path / "config.json").read_text())
    assert config == {"eos_token_id": 1, "hidden_states": 2, "vocab_size": 2}


def test_a_write_that_fails_leaves_the_old_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(tensors: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr("normq.model.checkpoint.save_file", full_disk)
    eye = np.eye(2, dtype=np.float32)
    with pytest.raises(OSError, match="no space left on device"):
        write_checkpoint(HMM(eye, eye, eye[0], 1), folder)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    check_good(read_checkpoint(folder))
