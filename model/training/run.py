"""A whole training run with its state on disk: what `normq train` and `normq distill` share."""

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..artifact import write_artifact
from ..checkpoint import write_checkpoint
from ..config import Layout
from ..errors import TrainingError
from ..hmm import HMM
from ..packing.model import pack_model
from .counts import Parameters
from .identity import Identity
from .processes import ALONE, Processes
from .progress_files import ProgressFolder
from .sequences import Sequences
from .tokenizer import Tokens
from .train import ChunkRecord, TrainOptions, TrainState, first_state, train

STATE_FOLDER = "training"
PACKED_FILE = "packed.safetensors"
DEV_ROWS = 3000
"""Most sequences that are held out."""


@dataclass(frozen=True)
class TrainingRun:
    """Sequences, options and the folder of results; the same in every process."""

    output: Path
    """Gets the Ctrl-G checkpoint, and the packed model of Norm-Q aware EM; its folder `training` keeps the state."""
    data: Sequences
    dev: Sequences
    eos_token_id: int
    options: TrainOptions
    identity: Identity
    """What else decides the result: digests of the sequences, and of the language model or checkpoint of the start."""
    device: str = "cpu"
    processes: Processes = ALONE

    def run(self, start: Callable[[], Parameters], after_chunk: Callable[[TrainState], None]) -> TrainState:
        """Train from the kept state, or from `start()`, write the results and return the last state.

        `after_chunk` gets the state that training starts from, and that after each chunk. Raises TrainingError,
        OSError.
        """
        kept = self._folder()
        state = kept.load(self.device)
        self.processes.wait()  # until everyone has looked, nobody writes
        if state is None:
            if self.processes.first:
                kept.save(TrainState(start(), None, (ChunkRecord(0, False, None, None),)))
            self.processes.wait()
            state = kept.load(self.device)
        if state is None:
            raise TrainingError(f"{kept.folder}: cannot be read here, expected one folder that all processes share")
        if not state.chunk:
            state = first_state(state.model, self.dev, self.processes)
        after_chunk(state)

        def finish(state: TrainState) -> None:
            self._keep(kept, state)
            after_chunk(state)

        state = train(state, self.data, self.dev, self.eos_token_id, self.options, finish, self.processes)
        if self.processes.first:
            self._write(state)
        return state

    def _folder(self) -> ProgressFolder:
        options = dataclasses.asdict(self.options)
        quantization = options.pop("quantization")
        if self.options.quantization:
            options |= {**quantization, "top": self.options.quantization.top.value}
        bits = self.options.quantization.bits if self.options.quantization else None
        options |= {**self.identity, "eos_token_id": self.eos_token_id, "device": torch.device(self.device).type}
        return ProgressFolder(self.output / STATE_FOLDER, options, self.eos_token_id, bits)

    def _keep(self, kept: ProgressFolder, state: TrainState) -> None:
        if self.processes.first:
            kept.save(state)

    def _write(self, state: TrainState) -> None:
        provenance = {name: str(value) for name, value in self.identity.items()}
        hmm: HMM = state.model.to_hmm(self.eos_token_id, provenance)
        write_checkpoint(hmm, self.output)
        if state.quantized:
            write_artifact(pack_model(state.quantized, Layout.SPARSE, provenance), self.output / PACKED_FILE)


def digest(rows: Tokens) -> str:
    """Return the SHA-256 of rows of tokens and their shape."""
    return hashlib.sha256(str(rows.shape).encode() + rows.astype("<i8").tobytes()).hexdigest()


def held_out(rows: Tokens) -> tuple[Sequences, Sequences]:
    """Return what to train on, and the dev sequences: the last tenth of the rows, at most DEV_ROWS.

    Raises TrainingError for fewer than two rows, and a row without a token.
    """
    if len(rows) < 2:
        raise TrainingError(f"tokens: {len(rows)} sequences given, expected 2 at least, one of them for dev")
    first = len(rows) - max(1, min(DEV_ROWS, len(rows) // 10))
    return Sequences.of_rows(rows[:first]), Sequences.of_rows(rows[first:])
