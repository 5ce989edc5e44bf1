"""What a kept part of a run was made from: only the same run goes on from it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..atomic import replacing
from ..errors import TrainingError

Identity = Mapping[str, str | int | float | None]
"""What must be equal for a run to go on: options, and digests of what it reads."""


def tensors_digest(tensors: Mapping[str, Tensor], beside: str = "") -> str:
    """Return the SHA-256 of tensors, with their names, types and shapes, and of a text that belongs to them."""
    found = hashlib.sha256(beside.encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        # bytes, because NumPy has no bfloat16
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def refuse_other(file: Path, kept: Identity, given: Identity) -> None:
    """Raise TrainingError, naming the first field, where what `file` keeps is another run's."""
    for name in sorted({*kept, *given}):
        if kept.get(name) != given.get(name):
            raise TrainingError(
                f"{file}: {name} is {kept.get(name)!r}, {given.get(name)!r} was given, expected the same run or "
                "another folder"
            )


def write_identity(file: Path, identity: Identity) -> None:
    """Write `identity` as JSON. Raises OSError."""
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(dict(identity), indent=1) + "\n", encoding="utf-8")


def read_identity(file: Path) -> Identity:
    """Return what `write_identity` wrote. Raises TrainingError."""
    try:
        identity: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file}: cannot be read ({error}); remove its folder to start anew") from error
    if not isinstance(identity, dict):
        raise TrainingError(f"{file}: holds no JSON object; remove its folder to start anew")
    return identity  # pyright: ignore[reportUnknownVariableType]
