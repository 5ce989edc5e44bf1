"""Training for the study: the HMM of an EM seed, and runs of Norm-Q aware EM from the start of the first seed.

All is drawn from the embedded language model: the sentences, and the clusters that EM starts from, differ by seed.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...model.atomic import replacing
from ...model.training.aware import Quantization
from ...model.training.counts import Parameters
from ...model.training.distill import DEFAULT, Sampling, distilled_start, language_model
from ...model.training.sequences import Sequences
from ...model.training.train import TrainOptions, TrainState, first_state, train
from .trained import EOS, aware_name, model_file, seed_name

HIDDEN, PADDED_LENGTH = 256, 32
SENTENCES, DEV_SENTENCES = 20_000, 500
PASSES = 20
"""EM passes over all sentences for a seed."""
CHUNKS, CHUNK_SENTENCES = 100, 2_000
"""Of aware EM."""

Curve = list[dict[str, Any]]


def train_seed(seed: int, folder: Path) -> Curve:
    """Train the HMM of one seed into its file; the start and the sentences are kept for aware EM."""
    torch.set_num_threads(1)
    model = language_model(DEFAULT)
    draw = Sampling(model, SENTENCES + DEV_SENTENCES, PADDED_LENGTH, EOS, seed)
    rows = draw.draw(folder / f"samples-{seed}", lambda _: None)
    start = distilled_start(model, rows[DEV_SENTENCES:], HIDDEN, PADDED_LENGTH, EOS, seed)
    _save(folder / f"start-{seed}.npz", start)
    data, dev = _sequences(rows)
    options = TrainOptions(PASSES, SENTENCES, padded_length=PADDED_LENGTH, seed=seed)
    state = train(first_state(start, dev), data, dev, EOS, options)
    _save(model_file(folder, seed_name(seed)), state.model)
    return _curve(state)


def train_aware(bits: int, interval: int, folder: Path) -> Curve:
    """Train with Norm-Q every `interval` chunks from the first seed's start; its last levels go into their file."""
    torch.set_num_threads(1)
    draw = Sampling(language_model(DEFAULT), SENTENCES + DEV_SENTENCES, PADDED_LENGTH, EOS, 1)
    data, dev = _sequences(draw.draw(folder / "samples-1", lambda _: None))
    with np.load(folder / "start-1.npz") as tensors:
        start = Parameters(**{name: torch.from_numpy(tensors[name]) for name in ("gamma", "alpha", "beta")})
    options = TrainOptions(
        CHUNKS, CHUNK_SENTENCES, padded_length=PADDED_LENGTH, quantization=Quantization(bits, interval), seed=1
    )
    state = train(first_state(start, dev), data, dev, EOS, options)
    if state.quantized is not None:
        parts = {name: getattr(state.quantized, name).levels for name in ("alpha", "beta", "gamma")}
        with replacing(model_file(folder, aware_name(bits, interval))) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **parts)
    return _curve(state)


def _sequences(rows: Any) -> tuple[Sequences, Sequences]:
    return Sequences.of_rows(rows[DEV_SENTENCES:]), Sequences.of_rows(rows[:DEV_SENTENCES])


def _save(path: Path, model: Parameters) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{name: getattr(model, name).cpu().numpy() for name in ("gamma", "alpha", "beta")})


def _curve(state: TrainState) -> Curve:
    return [asdict(record) for record in state.curve]
