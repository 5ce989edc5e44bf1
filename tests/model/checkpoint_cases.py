"""A whole checkpoint in both variants, for the tests that read it and those that spoil it."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file

HIDDEN, VOCAB, EOS = 2, 4, 3

Tensors = dict[str, npt.NDArray[np.generic]]


def good_tensors() -> Tensors:
    """Rows of powers of two; exp(float64(float32 log)) of a power of two rounds back to it."""
    return {
        "alpha_exp": np.array([[0.5, 0.5], [0.25, 0.75]], np.float32),
        "beta": np.log(np.array([[0.5, 0.25, 0.125, 0.125], [0.25, 0.25, 0.25, 0.25]], np.float32)),
        "gamma": np.log(np.array([0.5, 0.5], np.float32)),
    }


def good_config() -> dict[str, object]:
    return {"eos_token_id": EOS, "hidden_states": HIDDEN, "vocab_size": VOCAB}


def good_folder(parent: Path) -> Path:
    """Write a whole checkpoint as current hubs do, and return its folder."""
    path = parent / "model"
    path.mkdir()
    save_file(good_tensors(), path / "model.safetensors")
    (path / "config.json").write_text(json.dumps(good_config()))
    return path


def to_torch(folder: Path, contents: object = None) -> None:
    """Turn the folder into the older variant: pytorch_model.bin, without config.json."""
    (folder / "model.safetensors").unlink()
    (folder / "config.json").unlink()
    tensors = {name: torch.tensor(array) for name, array in good_tensors().items()}
    torch.save(tensors if contents is None else contents, folder / "pytorch_model.bin")
