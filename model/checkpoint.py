"""Ctrl-G checkpoints: a folder with config.json and model.safetensors, or the older pytorch_model.bin.

Tensors: `alpha_exp` [H, H] float32 probabilities, `beta` [H, V] and `gamma` [H] float32 natural logs (arXiv
2406.13892 and its public code). config.json: {"hidden_states": H, "vocab_size": V, "eos_token_id"}; older folders have
none. A log tensor becomes float32(exp(float64(log))). Read in chunks of rows, so that memory stays near the size of the
float32 tensors.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .atomic import replacing
from .checkpoint_config import CheckpointConfig, config_bytes, read_config
from .errors import CheckpointError, ModelError
from .hmm import HMM, Probabilities, row_chunks
from .torch_file import open_torch_file

CONFIG_FILE = "config.json"
TENSOR_FILE = "model.safetensors"
TORCH_FILE = "pytorch_model.bin"

TENSOR_NAMES = {"alpha": "alpha_exp", "beta": "beta", "gamma": "gamma"}
"""Name in the file of each field of an HMM."""


class TensorSource(Protocol):
    """An open file of tensors; `shape` and `dtype` cost nothing, `read` copies one block of rows."""

    def names(self) -> list[str]:
        """Return the names of the tensors in the file."""
        ...

    def dtype(self, name: str) -> str:
        """Return the element type, "float32" where it is that."""
        ...

    def shape(self, name: str) -> list[int]:
        """Return the shape."""
        ...

    def read(self, name: str, rows: slice) -> npt.NDArray[np.float32]:
        """Return the elements of some rows (first dimension) of a float32 tensor."""
        ...


def read_checkpoint(path: Path, eos_token_id: int | None = None) -> HMM:
    """Return the model of a checkpoint folder.

    `eos_token_id` is required for a folder without config.json, and must agree with config.json where there is one.
    Raises CheckpointError naming the file, the field, the value and what was expected.
    """
    if not path.is_dir():
        raise CheckpointError(
            f"{path}: no such folder, expected a folder with {TENSOR_FILE} or {TORCH_FILE} and {CONFIG_FILE}"
        )
    config_path = path / CONFIG_FILE
    config = read_config(config_path) if config_path.exists() else None
    file, source = _open_tensors(path)
    _check_tensors(file, source, config)
    hidden, vocab = source.shape("beta")
    eos = _choose_eos(path, config, eos_token_id, vocab)
    tensors = {
        "alpha": _read_linear(source, (hidden, hidden)),
        "beta": _read_logs(source, "beta", (hidden, vocab)),
        "gamma": _read_logs(source, "gamma", (hidden,)),
    }
    try:
        return HMM(**tensors, eos_token_id=eos, provenance=config.provenance if config else {})
    except ModelError as error:
        raise CheckpointError(f"{file}: tensor {TENSOR_NAMES[error.field]!r}: {error.fault}") from error


def write_checkpoint(hmm: HMM, folder: Path) -> None:
    """Write the Ctrl-G folder of `hmm`, made if absent; provenance goes into config.json.

    A probability of 0 becomes the log -inf. Reading it back gives alpha unchanged, and beta and gamma as
    float32(exp(float64(log))) of their float32 logs. Raises OSError as the file system does; each file appears whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"alpha_exp": np.ascontiguousarray(hmm.alpha), "beta": _logs(hmm.beta), "gamma": _logs(hmm.gamma)}
    config = CheckpointConfig(hmm.hidden_states, hmm.vocab_size, hmm.eos_token_id, dict(hmm.provenance))
    with replacing(folder / TENSOR_FILE) as tensor_file, replacing(folder / CONFIG_FILE) as config_file:
        save_file(tensors, tensor_file)
        config_file.write_bytes(config_bytes(config))


def _open_tensors(folder: Path) -> tuple[Path, TensorSource]:
    file = folder / TENSOR_FILE
    if file.exists():
        return file, _SafetensorsSource(file)
    file = folder / TORCH_FILE
    if file.exists():
        return file, open_torch_file(file)
    raise CheckpointError(f"{folder}: holds no tensors, expected {TENSOR_FILE} or {TORCH_FILE}")


def _check_tensors(file: Path, source: TensorSource, config: CheckpointConfig | None) -> None:
    """Check names, types and shapes, before any element is read."""
    names = source.names()
    for name in TENSOR_NAMES.values():
        if name not in names:
            raise CheckpointError(f"{file}: tensor {name!r} is missing, found {sorted(names)}")
        if source.dtype(name) != "float32":
            raise CheckpointError(f"{file}: tensor {name!r}: dtype is {source.dtype(name)}, expected float32")
    beta = source.shape("beta")
    if len(beta) != 2 or 0 in beta:
        raise CheckpointError(f"{file}: tensor 'beta': shape is {beta}, expected [hidden states, vocabulary]")
    if config and beta != [config.hidden_states, config.vocab_size]:
        expected = f"{[config.hidden_states, config.vocab_size]} by hidden_states and vocab_size of {CONFIG_FILE}"
        raise CheckpointError(f"{file}: tensor 'beta': shape is {beta}, expected {expected}")
    for name, shape in (("alpha_exp", [beta[0], beta[0]]), ("gamma", [beta[0]])):
        if source.shape(name) != shape:
            found = source.shape(name)
            raise CheckpointError(f"{file}: tensor {name!r}: shape is {found}, expected {shape} beside beta {beta}")


def _choose_eos(folder: Path, config: CheckpointConfig | None, given: int | None, vocab: int) -> int:
    if config is None and given is None:
        raise CheckpointError(
            f"{folder}: has no {CONFIG_FILE} and eos_token_id was not given, expected the end-of-text token id "
            f"(0..{vocab - 1}) as an option"
        )
    if config and given is not None and given != config.eos_token_id:
        raise CheckpointError(
            f"{folder / CONFIG_FILE}: eos_token_id is {config.eos_token_id}, {given} was given, expected the same"
        )
    eos = config.eos_token_id if config else given
    if eos is None or not 0 <= eos < vocab:
        raise CheckpointError(f"{folder}: eos_token_id: {eos!r} was given, expected 0..{vocab - 1}")
    return eos


def _read_linear(source: TensorSource, shape: tuple[int, int]) -> Probabilities:
    values = np.empty(shape, np.float32)
    for rows in row_chunks(*shape):
        values[rows] = source.read("alpha_exp", rows)
    return values


def _read_logs(source: TensorSource, name: str, shape: tuple[int, ...]) -> Probabilities:
    values = np.empty(shape, np.float32)
    for rows in row_chunks(shape[0], int(np.prod(shape[1:]))):
        # an impossible log above 88 becomes inf, which the model refuses by name
        with np.errstate(over="ignore"):
            values[rows] = np.exp(source.read(name, rows).astype(np.float64))
    return values


def _logs(values: Probabilities) -> npt.NDArray[np.float32]:
    logs = np.empty(values.shape, np.float32)
    for rows in row_chunks(values.shape[0], int(np.prod(values.shape[1:]))):
        with np.errstate(divide="ignore"):
            logs[rows] = np.log(values[rows].astype(np.float64))
    return logs


class _SafetensorsSource:
    def __init__(self, file: Path) -> None:
        try:
            self._open = safe_open(file, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file}: expected a whole safetensors file, this one is damaged") from error

    def names(self) -> list[str]:
        return list(self._open.keys())

    def dtype(self, name: str) -> str:
        stored = str(self._open.get_slice(name).get_dtype())
        return "float32" if stored == "F32" else stored

    def shape(self, name: str) -> list[int]:
        return list(self._open.get_slice(name).get_shape())

    def read(self, name: str, rows: slice) -> npt.NDArray[np.float32]:
        return self._open.get_slice(name)[rows]
