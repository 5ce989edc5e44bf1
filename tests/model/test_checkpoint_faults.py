"""Ctrl-G checkpoints: malformed ones, each with its whole message."""

import contextlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors.numpy import save_file

from normq.model.checkpoint import read_checkpoint
from normq.model.errors import CheckpointError
from normq.tests.model.checkpoint_cases import (
    EOS,
    good_config,
    good_folder,
    good_tensors,
    to_torch,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return good_folder(tmp_path)


class Trap:
    """Unpickling it would run code."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return Path.touch, (Path("trap-was-run"),)  # pyright: ignore[reportReturnType]


def with_tensor(name: str, array: npt.NDArray[np.generic] | None) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors = good_tensors()
        if array is None:
            del tensors[name]
        else:
            tensors[name] = array
        save_file(tensors, folder / "model.safetensors")

    return change


def with_entry(name: str, row: int, value: float) -> Callable[[Path], None]:
    array = good_tensors()[name].copy()
    array[row, ..., 1] = value
    return with_tensor(name, array)


def with_config(**changes: object) -> Callable[[Path], None]:
    contents = {name: value for name, value in (good_config() | changes).items() if value is not None}
    return lambda folder: with_config_text(json.dumps(contents))(folder)


def with_config_text(text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "config.json").write_text(text)

    return change


def with_bytes(keep: slice, extra: bytes = b"") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[keep] + extra)

    return change


def with_torch(contents: object) -> Callable[[Path], None]:
    return lambda folder: to_torch(folder, contents)


def with_torch_bytes(keep: slice) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        to_torch(folder)
        file = folder / "pytorch_model.bin"
        file.write_bytes(file.read_bytes()[keep])

    return change


def without(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


TORCH_TENSORS = {name: torch.tensor(array) for name, array in good_tensors().items()}

MALFORMED: dict[str, tuple[Callable[[Path], None], int | None, str]] = {
    "no tensor file": (
        without("model.safetensors"),
        None,
        "{folder}: holds no tensors, expected model.safetensors or pytorch_model.bin",
    ),
    "missing tensor": (
        with_tensor("gamma", None),
        None,
        "{folder}/model.safetensors: tensor 'gamma' is missing, found ['alpha_exp', 'beta']",
    ),
    "half-precision tensor": (
        with_tensor("beta", good_tensors()["beta"].astype(np.float16)),
        None,
        "{folder}/model.safetensors: tensor 'beta': dtype is F16, expected float32",
    ),
    "beta of one dimension": (
        with_tensor("beta", np.zeros(4, np.float32)),
        None,
        "{folder}/model.safetensors: tensor 'beta': shape is [4], expected [hidden states, vocabulary]",
    ),
    "alpha not square": (
        with_tensor("alpha_exp", np.full((2, 3), 1 / 3, np.float32)),
        None,
        "{folder}/model.safetensors: tensor 'alpha_exp': shape is [2, 3], expected [2, 2] beside beta [2, 4]",
    ),
    "gamma of two dimensions": (
        with_tensor("gamma", np.zeros((1, 2), np.float32)),
        None,
        "{folder}/model.safetensors: tensor 'gamma': shape is [1, 2], expected [2] beside beta [2, 4]",
    ),
    "H disagrees with config.json": (
        with_config(hidden_states=3),
        None,
        "{folder}/model.safetensors: tensor 'beta': shape is [2, 4], "
        "expected [3, 4] by hidden_states and vocab_size of config.json",
    ),
    "V disagrees with config.json": (
        with_config(vocab_size=5),
        None,
        "{folder}/model.safetensors: tensor 'beta': shape is [2, 4], "
        "expected [2, 5] by hidden_states and vocab_size of config.json",
    ),
    "NaN in alpha": (
        with_entry("alpha_exp", 0, np.nan),
        None,
        "{folder}/model.safetensors: tensor 'alpha_exp': row 0, column 1 is nan, expected a probability",
    ),
    "NaN among the logs": (
        with_entry("beta", 1, np.nan),
        None,
        "{folder}/model.safetensors: tensor 'beta': row 1, column 1 is nan, expected a probability",
    ),
    "negative alpha": (
        with_entry("alpha_exp", 1, -0.75),
        None,
        "{folder}/model.safetensors: tensor 'alpha_exp': row 1, column 1 is -0.75, expected a probability",
    ),
    "beta linear instead of logs": (
        with_tensor("beta", np.exp(good_tensors()["beta"])),
        None,
        "{folder}/model.safetensors: tensor 'beta': row 0 sums to 5.19904, expected 1 within 0.001",
    ),
    "a log so great that it overflows": (
        with_entry("beta", 0, 1000.0),
        None,
        "{folder}/model.safetensors: tensor 'beta': row 0, column 1 is inf, expected a probability",
    ),
    "a row of alpha misses 1": (
        with_entry("alpha_exp", 1, 0.5),
        None,
        "{folder}/model.safetensors: tensor 'alpha_exp': row 1 sums to 0.75, expected 1 within 0.001",
    ),
    "gamma misses 1": (
        with_tensor("gamma", np.zeros(2, np.float32)),
        None,
        "{folder}/model.safetensors: tensor 'gamma': row 0 sums to 2, expected 1 within 0.001",
    ),
    "truncated safetensors": (
        with_bytes(slice(0, -1)),
        None,
        "{folder}/model.safetensors: expected a whole safetensors file, this one is damaged",
    ),
    "empty safetensors": (
        with_bytes(slice(0, 0)),
        None,
        "{folder}/model.safetensors: expected a whole safetensors file, this one is damaged",
    ),
    "text instead of safetensors": (
        with_bytes(slice(0, 0), b"version https://git-lfs.github.com/spec/v1\n"),
        None,
        "{folder}/model.safetensors: expected a whole safetensors file, this one is damaged",
    ),
    "config.json is no JSON": (
        with_config_text("{hidden_states: 2"),
        None,
        "{folder}/config.json: cannot be read as JSON (Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)), expected an object",
    ),
    "config.json holds a list": (
        with_config_text("[2, 4]"),
        None,
        "{folder}/config.json: holds list, expected an object",
    ),
    "hidden_states missing": (
        with_config(hidden_states=None),
        None,
        "{folder}/config.json: hidden_states is missing, expected an integer of at least 1",
    ),
    "vocab_size a text": (
        with_config(vocab_size="4"),
        None,
        "{folder}/config.json: vocab_size is '4', expected an integer of at least 1",
    ),
    "hidden_states true": (
        with_config(hidden_states=True),
        None,
        "{folder}/config.json: hidden_states is True, expected an integer of at least 1",
    ),
    "eos_token_id out of range": (
        with_config(eos_token_id=4),
        None,
        "{folder}/config.json: eos_token_id is 4, expected an integer in 0..3",
    ),
    "provenance of numbers": (
        with_config(provenance={"label": 1}),
        None,
        "{folder}/config.json: provenance is {{'label': 1}}, expected an object of strings",
    ),
    "eos_token_id given twice, differently": (
        with_config(),
        0,
        "{folder}/config.json: eos_token_id is 3, 0 was given, expected the same",
    ),
    "no config.json, eos_token_id not given": (
        without("config.json"),
        None,
        "{folder}: has no config.json and eos_token_id was not given, "
        "expected the end-of-text token id (0..3) as an option",
    ),
    "no config.json, eos_token_id out of range": (
        without("config.json"),
        4,
        "{folder}: eos_token_id: 4 was given, expected 0..3",
    ),
    "bin holds code": (
        with_torch(Trap()),
        EOS,
        "{folder}/pytorch_model.bin: holds more than tensors or is damaged, expected a state dictionary",
    ),
    "bin holds a list": (
        with_torch([torch.zeros(2)]),
        EOS,
        "{folder}/pytorch_model.bin: holds list, expected a dictionary of tensors",
    ),
    "bin holds a number": (
        with_torch(TORCH_TENSORS | {"gamma": 3}),
        EOS,
        "{folder}/pytorch_model.bin: 'gamma' is int, expected a tensor",
    ),
    "bin holds a sparse tensor": (
        with_torch(TORCH_TENSORS | {"alpha_exp": torch.eye(2).to_sparse()}),
        EOS,
        "{folder}/pytorch_model.bin: tensor 'alpha_exp' is not a plain dense tensor, expected one",
    ),
    "bin holds float64": (
        with_torch(TORCH_TENSORS | {"beta": TORCH_TENSORS["beta"].double()}),
        EOS,
        "{folder}/pytorch_model.bin: tensor 'beta': dtype is float64, expected float32",
    ),
    "truncated bin": (
        with_torch_bytes(slice(0, -40)),
        EOS,
        "{folder}/pytorch_model.bin: expected a whole PyTorch file, this one is damaged",
    ),
    "empty bin": (
        with_torch_bytes(slice(0, 0)),
        EOS,
        "{folder}/pytorch_model.bin: expected a whole PyTorch file, this one is damaged",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_checkpoint_is_refused_by_name(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil, eos, message = MALFORMED[name]
    spoil(folder)
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(folder, eos)
    assert str(caught.value) == message.format(folder=folder)
    assert not Path("trap-was-run").exists()


def test_a_folder_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "nowhere")
    expected = "no such folder, expected a folder with model.safetensors or pytorch_model.bin and config.json"
    assert str(caught.value) == f"{tmp_path / 'nowhere'}: {expected}"


def test_any_damage_of_a_bin_is_a_named_error(folder: Path) -> None:
    """Bytes of a pickle, one overwritten at a time: whatever the reader raises, the user sees a checkpoint error."""
    to_torch(folder)
    file = folder / "pytorch_model.bin"
    torch.save(TORCH_TENSORS, file, _use_new_zipfile_serialization=False)
    whole = file.read_bytes()
    assert pickle.PROTO in whole[:2]
    rng = np.random.default_rng(0)
    for place in rng.choice(len(whole), 150, replace=False):
        file.write_bytes(whole[:place] + bytes([rng.integers(256)]) + whole[place + 1 :])
        with contextlib.suppress(CheckpointError):
            read_checkpoint(folder, EOS)
