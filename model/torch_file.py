"""Tensors of a `pytorch_model.bin`, read without running anything that the file holds."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .errors import CheckpointError


class TorchFile:
    """The float32 tensors of a state dictionary; whole in memory while this object lives."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self._tensors = tensors

    def names(self) -> list[str]:
        """Return the names of the tensors."""
        return list(self._tensors)

    def dtype(self, name: str) -> str:
        """Return the element type, "float32" where it is that."""
        return str(self._tensors[name].dtype).removeprefix("torch.")

    def shape(self, name: str) -> list[int]:
        """Return the shape."""
        return list(self._tensors[name].shape)

    def read(self, name: str, rows: slice) -> npt.NDArray[np.float32]:
        """Return the elements of some rows (first dimension) of a tensor."""
        return self._tensors[name][rows].numpy()


def open_torch_file(file: Path) -> TorchFile:
    """Load a file with `torch.load(weights_only=True)`, which refuses code.

    Raises CheckpointError for a damaged file, one that holds code, and contents other than a dictionary of tensors.
    """
    try:
        contents: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(f"{file}: holds more than tensors or is damaged, expected a state dictionary") from error
    except Exception as error:  # damaged bytes lead the reader to any error, AssertionError included
        raise CheckpointError(f"{file}: expected a whole PyTorch file, this one is damaged") from error
    if not isinstance(contents, dict):
        raise CheckpointError(f"{file}: holds {type(contents).__name__}, expected a dictionary of tensors")
    return TorchFile({str(name): _plain_tensor(file, name, value) for name, value in contents.items()})


def _plain_tensor(file: Path, name: object, value: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise CheckpointError(f"{file}: {name!r} is {type(value).__name__}, expected a tensor")
    if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
        raise CheckpointError(f"{file}: tensor {name!r} is not a plain dense tensor, expected one")
    return value.detach()
