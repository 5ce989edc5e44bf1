"""The share of the language model and the HMM in a step on the CPU, by H."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from ...model.decoding.builders import keyword_automaton
from ...model.decoding.engine import EosMode, Lengths
from ...model.decoding.float_engine import FloatEngine
from ...model.decoding.guide import Guide
from ...model.decoding.stacked import stack
from ...model.default.language_model import default_language_model
from ...model.weights import FloatWeights
from .spec import BEAMS

Rows = list[dict[str, Any]]

HIDDEN = (64, 256, 1024, 2048, 4096)
VOCAB, STEPS = 4096, 5


def latency(hidden: int) -> Rows:
    """Return CPU seconds of the parts of one token step of BEAMS beams, the median of STEPS; weights are random."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(hidden)
    alpha, beta = rng.dirichlet(np.ones(hidden), hidden), rng.dirichlet(np.ones(VOCAB), hidden)
    guide = Guide.of(FloatWeights(alpha, beta, np.full(hidden, 1 / hidden), 0))
    # 22 states: about the median of the study's sets
    stacked = stack([keyword_automaton([[(5, 6), (7, 6)], [(8, 9), (10,)], [(11, 12, 13)]])])
    lengths = Lengths(0, 3)
    begun = time.process_time()
    engine = FloatEngine.of(guide, stacked, lengths, EosMode.EVENT)
    table = (time.process_time() - begun) / lengths.greatest
    a, states = engine.initial(BEAMS).contiguous(), stacked.starts[:, None].expand(-1, BEAMS).contiguous()
    tokens = torch.full((1, BEAMS), 5)
    parts: dict[str, Callable[[], Any]] = {
        "forward": lambda: engine.forward(a, tokens),
        "denominators": lambda: engine.guide.scores(a),
        "numerators": lambda: engine.numerators(a, states, 1),
    }
    seconds = {f"hmm {name}": _median(step) for name, step in parts.items()}
    return [
        *({"name": name, "seconds": value} for name, value in seconds.items()),
        {"name": "table, one length", "seconds": table},
        {"name": "language model", "seconds": _language_model_step()},
    ]


@torch.no_grad()
def _language_model_step() -> float:
    model = default_language_model()
    cache = DynamicCache(config=model.config)
    tokens = torch.zeros(BEAMS, 1, dtype=torch.int64)
    for _ in range(8):
        model(tokens, past_key_values=cache, use_cache=True)
    return _median(lambda: model(tokens, past_key_values=cache, use_cache=True))


def _median(step: Callable[[], Any]) -> float:
    step()
    times: list[float] = []
    for _ in range(STEPS):
        begun = time.process_time()
        step()
        times.append(time.process_time() - begun)
    return float(np.median(times))
