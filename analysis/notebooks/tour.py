# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A tour: from a checkpoint to verified cycles
#
# A hidden Markov model that steers a language model is large: at H = 4096 states and V = 50,257 tokens its two matrices
# take 0.9 GB in float32, and every token step reads them. This notebook takes a checkpoint the whole way: quantized,
# packed, computed in integers, simulated as hardware, compared bit for bit, and counted in cycles, without and with a
# simulator.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import torch

from normq.analysis.cost.point import evaluate_cost
from normq.analysis.figures.column import COLORS, SIZE, column_panels, legend, log_scale
from normq.analysis.notebooks.engine import BITS, CONFIG, untraced
from normq.analysis.notebooks.show import is_reduced, show
from normq.analysis.quality import mean_kl, sample
from normq.analysis.roofline import roofline
from normq.analysis.stimuli import first_trials
from normq.model.artifact import read_artifact, write_artifact
from normq.model.checkpoint import read_checkpoint, write_checkpoint
from normq.model.config import Layout
from normq.model.default.load import default_hmm
from normq.model.footprint import bits_per_weight, occupancy
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import score_values
from normq.model.packing.model import pack_model
from normq.model.quantize.normq import quantize
from normq.model.reference import ReferenceModel
from normq.sim.descriptors import ModelImage
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior
from normq.sim.timing.predict import predict
from normq.sim.trial import run_trials

HIDDEN, GROUPS = (64, 2) if is_reduced() else (256, 4)
folder = Path(mkdtemp())

# %% [markdown]
# ## 1. A checkpoint
#
# The project ships a small model of real text. It is written as a Ctrl-G checkpoint here and read back, which is where
# your own model would enter. Emissions are kept as logarithms there, so they come back rounded once.

# %%
embedded = default_hmm(HIDDEN)
write_checkpoint(embedded, folder / "checkpoint")
hmm = read_checkpoint(folder / "checkpoint")
print(f"H = {hmm.hidden_states}, V = {hmm.vocab_size}, end of text is token {hmm.eos_token_id}")
assert np.array_equal(hmm.alpha, embedded.alpha)
assert np.abs(hmm.beta - embedded.beta).max() < 1e-5

# %% [markdown]
# ## 2. Quantized and packed
#
# Norm-Q rounds every weight to one of `2**b` levels of a whole-tensor scale, adds a pseudocount, and normalizes rows.
# Almost all levels are 0. The pseudocount is the same for a whole row, so it is not stored: it becomes one number for a
# vector, the *leak*, and the packed file holds the non-zero levels only.

# %%
quantized = quantize(hmm, BITS)
packed = pack_model(quantized, Layout.SPARSE, {})
write_artifact(packed, folder / "model.safetensors")
packed = read_artifact(folder / "model.safetensors")
size = (folder / "model.safetensors").stat().st_size
alpha, beta = occupancy(packed.alpha_by_column), occupancy(packed.beta_by_token)
floats = 4 * hmm.hidden_states * (hmm.hidden_states + hmm.vocab_size + 1)
print(
    f"{size:,} bytes, {bits_per_weight(size, hmm.hidden_states, hmm.vocab_size):.3f} bits a weight; "
    f"float32 takes {floats:,}"
)
print(f"zeros: alpha {100 * alpha.zero_share:.1f} %, beta {100 * beta.zero_share:.2f} %")
assert beta.zero_share > 0.99
assert size < floats / 100

# %% [markdown]
# The file is smaller than a hundredth of the floats.
#
# ## 3. Computed in integers
#
# The golden model computes from the packed bytes, in unsigned integers only; vectors are 16-bit codes under one
# exponent. Against float64 of the *same* quantized model it may differ by rounding only.

# %%
golden = GoldenModel(packed)
tokens = sample(hmm, 2, 8 if is_reduced() else 32, seed=3)
exact = ReferenceModel.of_quantized(quantized)
original = ReferenceModel.of(hmm)
vectors = golden.initial(len(tokens))
state, first = exact.gamma.reshape(1, -1).expand(len(tokens), -1), original.gamma.expand(len(tokens), -1)
kl: list[dict[str, float]] = []
for token in tokens.T:
    given = torch.from_numpy(token)
    vectors = golden.forward(vectors, token)
    state, first = exact.forward_step(state, given), original.forward_step(first, given)
    state, first = state / state.sum(1, keepdim=True), first / first.sum(1, keepdim=True)
    found = score_values(golden.scores(vectors).expand(golden.nonempty_tokens))
    p, q, r = (
        scores / scores.sum(axis=1, keepdims=True)
        for scores in (original.scores(first).numpy(), exact.scores(state).numpy(), found)
    )
    kl.append({"integers from float64 (same model)": mean_kl(q, r), "integers from the original floats": mean_kl(p, r)})
divergence = pd.DataFrame(kl)

figure, (axis,) = column_panels(1, 2.0)
for color, name in zip(COLORS, divergence, strict=False):
    axis.plot(divergence.index, divergence[name], "o-", color=color, markersize=2.5, linewidth=1, label=name)
log_scale(axis, "y", divergence.to_numpy().ravel().tolist())
axis.set_xlabel("step", fontsize=SIZE)
axis.set_ylabel("KL of the next token, nat", fontsize=SIZE)
legend(figure, [axis], columns=1)
show(figure)

# %% [markdown]
# The arithmetic costs less than a millionth of a nat at every step and does not drift; the quantization itself costs
# whole tenths of a nat or more, many orders of magnitude above it. So what follows loses nothing that matters: the
# integers stand for the model.

# %%
same, whole = (divergence[name] for name in divergence)
assert same.max() < 1e-6
assert whole.mean() > 0.1
assert whole.mean() > 1e4 * same.max()

# %% [markdown]
# ## 4. Simulated as hardware
#
# The engine is described in Amaranth, turned into Verilog, compiled by Verilator, and run by cocotb. Its memory port
# reads the very bytes of the packed file. All three operations of the model run, and every output bit is compared.

# %%
stream = sample(hmm, 1, GROUPS * CONFIG.lanes, seed=5)[0]
trials = first_trials(golden, list(Operation), stream)
verdicts = run_trials(untraced(), CONFIG, golden, trials, folder / "run", MemoryBehavior(latency=40)).trials
counters = pd.DataFrame({one.operation.value: one.counters for one in verdicts})
show(counters[(counters > 0).any(axis=1)])
assert all(one.difference is None for one in verdicts)  # RTL == golden, every bit

# %% [markdown]
# Every bit equals golden. The counters are the engine's own registers.
#
# ## 5. Counted without a simulator
#
# Control in the engine depends on counts, never on values, so a model of the control alone can predict every counter.
# It must be exact, or it would be one more estimate.

# %%
predicted: dict[str, dict[str, int]] = {}
for one in trials:
    memory = MemoryMap()
    image = ModelImage(CONFIG, packed, memory)
    image.loads()
    job = image.operation(one.operation, one.vectors, one.tokens if one.operation is Operation.FORWARD else None)
    predicted[one.operation.value] = predict(CONFIG, memory, job.descriptors, MemoryBehavior(latency=40)).counters
assert all(predicted[one.operation.value] == one.counters for one in verdicts)
print(f"{counters.size} counters of {len(verdicts)} operations: all equal")

# %% [markdown]
# ## 6. How good is that?
#
# The roofline says what each resource needs for one group of vectors if nothing else held it up. One group by itself
# cannot overlap with anything; the sum of the terms is what it is held against.

# %%
lines = {one: roofline(CONFIG, packed, one) for one in Operation}
table = pd.DataFrame(
    {
        one.operation.value: {
            "cycles of a group": one.cycles / GROUPS,
            "roofline": lines[one.operation].bound,
            "sum of terms": lines[one.operation].total,
            "limit": lines[one.operation].limit,
        }
        for one in verdicts
    }
).T
show(table)
measured = table["cycles of a group"].astype(float)
assert (measured > 1.3 * table["roofline"].astype(float)).all()

# %% [markdown]
# No operation is below its roofline, and a model this small stays well above it: set-up and latency do not shrink with
# H. (docs/UTILIZATION.md has the same figures at H = 4096, where they lie within some percent.)
#
# ## 7. What it would take in silicon
#
# The cost model prices the counters: area, and energy with the full path to the memory. These are estimates, with a
# band; docs and sources are in `analysis/cost`.

# %%
total = {name: sum(one.counters[name] for one in verdicts) for name in verdicts[0].counters}
cost = evaluate_cost(CONFIG, total, "lpddr5-6400", "28nm")
print(f"{cost.area_mm2:.2f} mm2 ({cost.area_low_mm2:.2f} to {cost.area_high_mm2:.2f}) at {cost.node}")
print(f"{cost.energy_uj:.2f} uJ ({cost.energy_low_uj:.2f} to {cost.energy_high_uj:.2f}) for all that ran above")
assert cost.energy_low_uj < cost.energy_uj < cost.energy_high_uj
assert cost.area_low_mm2 < cost.area_mm2 < cost.area_high_mm2

# %% [markdown]
# ## Where to go from here
#
# `normq cosim` does step 4 for any packed file, `normq simulate` a whole token step at H = 4096, `normq timing` step 5
# at any size, `normq sweep` thousands of engines. The other notebooks take one question each: the number format, the
# zeros, a stall, and which engine to build.
