"""config.json of a Ctrl-G checkpoint."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import CheckpointError


@dataclass(frozen=True)
class CheckpointConfig:
    """The fields of config.json that mean something here; others are ignored."""

    hidden_states: int
    vocab_size: int
    eos_token_id: int
    provenance: dict[str, str] = field(default_factory=dict)
    """Ours: where the model came from. Absent in other people's checkpoints."""


def read_config(file: Path) -> CheckpointConfig:
    """Return the checked contents of a config.json; raises CheckpointError."""
    try:
        contents = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: cannot be read as JSON ({error}), expected an object") from error
    if not isinstance(contents, dict):
        raise CheckpointError(f"{file}: holds {type(contents).__name__}, expected an object")
    hidden = _integer(file, contents, "hidden_states", 1, None)
    vocab = _integer(file, contents, "vocab_size", 1, None)
    eos = _integer(file, contents, "eos_token_id", 0, vocab - 1)
    return CheckpointConfig(hidden, vocab, eos, _provenance(file, contents))


def config_bytes(config: CheckpointConfig) -> bytes:
    """Return the contents of config.json; `provenance` is left out where it is empty."""
    contents: dict[str, object] = {
        "eos_token_id": config.eos_token_id,
        "hidden_states": config.hidden_states,
        "vocab_size": config.vocab_size,
    }
    if config.provenance:
        contents["provenance"] = config.provenance
    return (json.dumps(contents, indent=2) + "\n").encode()


def _integer(file: Path, contents: dict[str, Any], name: str, least: int, most: int | None) -> int:
    expected = f"expected an integer {f'of at least {least}' if most is None else f'in {least}..{most}'}"
    if name not in contents:
        raise CheckpointError(f"{file}: {name} is missing, {expected}")
    value = contents[name]
    # a bool is an int in Python, not in JSON
    if type(value) is not int or value < least or (most is not None and value > most):
        raise CheckpointError(f"{file}: {name} is {value!r}, {expected}")
    return value


def _provenance(file: Path, contents: dict[str, Any]) -> dict[str, str]:
    value = contents.get("provenance", {})
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise CheckpointError(f"{file}: provenance is {value!r}, expected an object of strings")
    return dict(value)
