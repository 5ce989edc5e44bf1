"""The state of a training run on disk: after a kill, a run goes on from its last finished chunk to the same bits.

A folder holds `training.json` (what run it is, the training curve, which tensors) and the tensors it names,
`chunk-<number>.safetensors`: `gamma`, `alpha`, `beta` float32, and `levels.*` uint8 where the chunk was quantized. The
tensors of a chunk are written first, then training.json takes its place in one step, then older tensors go.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ..atomic import replacing
from ..errors import TrainingError
from ..quantize.tensor import QuantizedHMM, QuantizedTensor
from .aware import METHOD
from .counts import Parameters
from .identity import Identity, refuse_other
from .train import ChunkRecord, TrainState

STATE_FILE = "training.json"

_LEVELS = ("alpha", "beta", "gamma")


@dataclass(frozen=True)
class ProgressFolder:
    """Where one run keeps its state."""

    folder: Path
    identity: Identity
    eos_token_id: int
    bits: int | None = None
    """Index width of quantized chunks."""

    def save(self, state: TrainState) -> None:
        """Keep `state` in place of what was there; `folder` is made if absent. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"chunk-{state.chunk:06}.safetensors"
        tensors = {"gamma": state.model.gamma, "alpha": state.model.alpha, "beta": state.model.beta}
        if state.quantized:
            for part in _LEVELS:
                tensors[f"levels.{part}"] = torch.from_numpy(getattr(state.quantized, part).levels)
        with replacing(self.folder / name) as temporary:
            save_file({key: tensor.cpu().contiguous() for key, tensor in tensors.items()}, temporary)
        curve = [dataclasses.asdict(record) for record in state.curve]
        contents = {"run": dict(self.identity), "tensors": name, "curve": curve}
        with replacing(self.folder / STATE_FILE) as temporary:
            temporary.write_text(json.dumps(contents, indent=1) + "\n", encoding="utf-8")
        # older chunks, and what a kill left of a file
        for old in (*self.folder.glob("chunk-*.safetensors"), *self.folder.glob(".*.tmp")):
            if old.name != name:
                old.unlink()

    def load(self, device: torch.device | str = "cpu") -> TrainState | None:
        """Return the state that was kept, None without one. Raises TrainingError for a damaged or another run's."""
        file = self.folder / STATE_FILE
        if not file.exists():
            return None
        try:
            contents: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            identity, name = contents["run"], str(contents["tensors"])
            curve = tuple(ChunkRecord(**record) for record in contents["curve"])
            refuse_other(file, identity, self.identity)
            tensors = load_file(self.folder / Path(name).name)
            model = Parameters(tensors["gamma"], tensors["alpha"], tensors["beta"]).to(device)
            return TrainState(model, self._quantized(tensors) if curve[-1].quantized else None, curve)
        except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
            raise TrainingError(
                f"{file}: cannot be gone on from ({type(error).__name__}: {error}), expected a whole state of "
                "training; remove its folder to start anew"
            ) from error

    def _quantized(self, tensors: Mapping[str, torch.Tensor]) -> QuantizedHMM:
        if self.bits is None:
            raise ValueError("levels of a run that does not quantize")
        alpha, beta, gamma = (QuantizedTensor(tensors[f"levels.{part}"].numpy(), self.bits) for part in _LEVELS)
        return QuantizedHMM(alpha=alpha, beta=beta, gamma=gamma, eos_token_id=self.eos_token_id, method=METHOD)
