"""Sentences and first HMM on another processor: numeric libraries are told to use other instructions."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from normq.model.training.distill import DEFAULT, Sampling, distilled_start, language_model

OTHER = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "OPENBLAS_CORETYPE": "Nehalem",
    "OMP_NUM_THREADS": "2",
}
"""An old processor without AVX, and another number of threads. With float32 in place of float64 the digests differ."""
SENTENCES, HIDDEN, LONGEST, END, SEED = 300, 32, 32, 0, 1


def digests(folder: Path) -> str:
    """Return what decides a training: sentences drawn from the embedded language model, and where EM starts from."""
    model = language_model(DEFAULT)
    rows = Sampling(model, SENTENCES, LONGEST, END, SEED).draw(folder, _nobody)
    start = distilled_start(model, rows, HIDDEN, LONGEST, END, SEED)
    parts = (rows, *(getattr(start, name).numpy() for name in ("gamma", "alpha", "beta")))
    return " ".join(hashlib.sha256(part.tobytes()).hexdigest()[:16] for part in parts)


def _nobody(rows: int) -> None:
    """Hear of the rows of a part."""


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="is that other processor")
def test_another_processor_draws_the_same_and_starts_from_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", __name__, str(tmp_path / "other")]
    other = subprocess.run(command, env={**os.environ, **OTHER}, capture_output=True, text=True, check=True)
    assert other.stdout == digests(tmp_path / "own")


if __name__ == "__main__":
    sys.stdout.write(digests(Path(sys.argv[1])))
