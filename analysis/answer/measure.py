"""What the page measures itself: a language model's step on this machine, and KL of quantized synthetic models."""

import platform
import time
from pathlib import Path
from statistics import median

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from ...model.config import Layout
from ...model.golden.operations import GoldenModel
from ...model.packing.model import pack_model
from ...model.quantize.normq import quantize
from ...model.reference import ReferenceModel
from ...model.synthetic import synthetic_hmm
from ..quality import quality, sample
from ..stimuli import states
from .measured import BEAMS, HIDDEN, PREFIX, REPEATS, VOCAB, Measured

SEQUENCES, STEPS, SEED = 2, 6, 0
BITS = range(2, 9)


def measure() -> Measured:
    """Measure now: minutes of one thread."""
    torch.set_num_threads(1)
    return Measured(
        {str(beams): lm_step_ms(beams) for beams in BEAMS}, _machine(), torch.__version__, _kl_of_synthetic()
    )


def lm_step_ms(beams: int) -> float:
    """Return the milliseconds of processor time of a step of GPT-2 124M with `beams` beams behind PREFIX tokens.

    Weights are random: time does not depend on them. The median of REPEATS.
    """
    torch.manual_seed(SEED)
    model = GPT2LMHeadModel(GPT2Config()).eval()
    tokens = torch.zeros((beams, PREFIX), dtype=torch.long)
    found: list[float] = []
    with torch.inference_mode():
        for _ in range(REPEATS):
            past = model(tokens, use_cache=True).past_key_values
            began = time.process_time()
            model(tokens[:, :1], past_key_values=past, use_cache=True)
            found.append(1000 * (time.process_time() - began))
    return median(found)


def _kl_of_synthetic() -> dict[str, float]:
    hmm = synthetic_hmm(HIDDEN, VOCAB)
    original, tokens = ReferenceModel.of(hmm), sample(hmm, SEQUENCES, STEPS, SEED)
    found: dict[str, float] = {}
    for bits in BITS:
        quantized = quantize(hmm, bits)
        golden = GoldenModel(pack_model(quantized, Layout.SPARSE, {}))
        exact = ReferenceModel.of_quantized(quantized)
        vectors = states(golden, tokens)
        found[str(bits)] = quality(golden, vectors, tokens, exact, original).kl_quantization_nat
    return found


def _machine() -> str:
    """Return what /proc calls the processor, else its architecture."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
