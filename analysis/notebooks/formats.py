# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Why block fixed point fails
#
# Every vector of the forward recursion is a distribution over hidden states, known only up to a factor. The obvious
# format for it in hardware is block fixed point: integers of W bits under one exponent for the whole vector. The
# engine uses something else, a small floating-point code of 16 bits under one exponent. This notebook computes why,
# from the models themselves; nothing is quoted.
#
# The measure is the KL divergence of the next-token distribution from the one that float64 gives on the *same
# quantized model*: what the number format alone costs, in nat, averaged over texts drawn from the model.

# %%
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from normq.analysis.figures.column import COLORS, SIZE, column_panels, legend
from normq.analysis.notebooks.show import is_reduced, show
from normq.analysis.quality import mean_kl, sample
from normq.model.config import Layout
from normq.model.default.load import default_hmm
from normq.model.formats import VectorCode
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import score_values
from normq.model.hmm import HMM
from normq.model.packing.model import pack_model
from normq.model.quantize.dequantize import float_weights
from normq.model.quantize.normq import quantize
from normq.model.synthetic import synthetic_hmm

Floats = npt.NDArray[np.float64]
Rounding = Callable[[Floats], Floats]
SEQUENCES, STEPS = (4, 12) if is_reduced() else (16, 32)

# %% [markdown]
# ## The formats
#
# Each takes vectors as rows and rounds them half up. `block(W)` keeps W bits below the greatest element of the vector.
# `two_level(W)` gives every 16 elements an exponent of their own, as micro-scaling formats do. `minifloat(E, M)` is the
# engine's: E exponent bits and M significant bits, gradual underflow, again below one exponent for the vector; its
# codes take E + M - 1 bits.


# %%
def exponents(values: Floats) -> npt.NDArray[np.int32]:
    """Return the least e with value < 2**e, elementwise; of zeros the least there is."""
    return np.where(values > 0, np.frexp(values)[1], np.iinfo(np.int32).min // 2).astype(np.int32)


def rounded(values: Floats, places: npt.NDArray[np.int32]) -> Floats:
    """Round to multiples of 2**places, half up."""
    return np.ldexp(np.floor(np.ldexp(values, -places) + 0.5), places)


def block(width: int) -> Rounding:
    return lambda x: rounded(x, np.broadcast_to(exponents(x.max(axis=1, keepdims=True)) - width, x.shape))


def two_level(width: int, size: int = 16) -> Rounding:
    def apply(x: Floats) -> Floats:
        blocks = x.reshape(len(x), -1, size)
        greatest = np.maximum(exponents(blocks.max(axis=2, keepdims=True)), -1000)
        return rounded(blocks, np.broadcast_to(greatest - width, blocks.shape)).reshape(x.shape)

    return apply


def minifloat(exponent_bits: int, significand_bits: int) -> Rounding:
    reach = VectorCode(exponent_bits, significand_bits).fix_bits

    def apply(x: Floats) -> Floats:
        least = exponents(x.max(axis=1, keepdims=True)) - reach
        return rounded(x, np.maximum(least, exponents(x) - significand_bits))

    return apply


# by name: the rounding, and the bits of an element
FORMATS: dict[str, tuple[Rounding, int]] = {
    "block W=16": (block(16), 16),
    "block W=24": (block(24), 24),
    "block W=32": (block(32), 32),
    "block W=40": (block(40), 40),
    "blocks of 16, W=16": (two_level(16), 16),
    "minifloat E=4 M=8": (minifloat(4, 8), 11),
    "minifloat E=5 M=8": (minifloat(5, 8), 12),
    "minifloat E=5 M=12": (minifloat(5, 12), 16),
}

# %% [markdown]
# A check on the emulation before anything is built on it: the engine's own format object says how far a code reaches.

# %%
code = VectorCode(5, 12)
example = np.array([[1.0, 2.0**-20, 2.0 ** -(code.fix_bits - 1), 2.0 ** -(code.fix_bits + 1)]])
kept = minifloat(5, 12)(example)[0]
assert kept[:3].tolist() == example[0, :3].tolist()
assert kept[3] == 0  # below half of the least step
assert block(16)(example)[0, 1] == 0  # 2**-20 is already gone

# %% [markdown]
# ## The recursion
#
# One step is `A' = (A * beta[:, token]) @ alpha`. The datapath rounds twice in it: the vector that goes into the
# product, row factors included, and the one that comes out. The scores of a step are `A @ beta`, from a rounded input
# again.


# %%
class Model:
    """A quantized model in float64, split as the datapath has it: levels plus leak, and row factors."""

    def __init__(self, hmm: HMM, bits: int) -> None:
        self.hmm, self.bits = hmm, bits
        self.quantized = quantize(hmm, bits)
        weights = float_weights(self.quantized)
        self.alpha, self.beta, self.gamma = weights.alpha, weights.beta, weights.gamma.reshape(-1)
        self.alpha_factors = self.alpha.max(axis=1, keepdims=True)
        self.beta_factors = self.beta.max(axis=1, keepdims=True)
        self.alpha_rows, self.beta_rows = self.alpha / self.alpha_factors, self.beta / self.beta_factors
        self.tokens = sample(hmm, SEQUENCES, STEPS, seed=11)

    def distributions(self, rounding: Rounding) -> Floats:
        """Return the next-token distributions after every step, [N * T, V]."""
        x = rounding(np.repeat(self.gamma[np.newaxis], SEQUENCES, axis=0))
        found: list[Floats] = []
        for token in self.tokens.T:
            z = rounding(x * self.beta[:, token].T * self.alpha_factors.T)
            x = z @ self.alpha_rows
            x = rounding(x / np.maximum(x.max(axis=1, keepdims=True), 1e-300))
            scores = rounding(x * self.beta_factors.T) @ self.beta_rows
            found.append(scores)
        return np.concatenate(found)

    def exact(self) -> Floats:
        return normalized(self.distributions(lambda x: x))


def normalized(scores: Floats) -> Floats:
    """Rows that are all zero, a vector that was rounded away, become uniform: the mildest reading."""
    sums = scores.sum(axis=1, keepdims=True)
    return np.where(sums > 0, scores / np.where(sums > 0, sums, 1), 1 / scores.shape[1])


def divergence(wanted: Floats, found: Floats) -> float:
    """Mean KL in nat; a probability rounded to 0 counts as 1e-30, so that infinities stay finite."""
    return mean_kl(wanted, normalized(np.maximum(normalized(found), 1e-30)))


# %% [markdown]
# ## The models
#
# One real model, trained on text and shipped with the project, and synthetic ones with the statistics published for
# Ctrl-G models. The reduced run has smaller synthetic models.

# %%
hidden, vocab = (512, 2048) if is_reduced() else (4096, 8192)
synthetic = synthetic_hmm(hidden, vocab)
models = {
    "trained H=256 b=8": Model(default_hmm(256), 8),
    f"synthetic H={hidden} b=8": Model(synthetic, 8),
    f"synthetic H={hidden} b=3": Model(synthetic, 3),
}
exact = {name: model.exact() for name, model in models.items()}
costs = pd.DataFrame(
    {
        name: {form: divergence(exact[name], model.distributions(rounding)) for form, (rounding, _) in FORMATS.items()}
        for name, model in models.items()
    }
)
costs.insert(0, "bits", [bits for _, bits in FORMATS.values()])
show(costs.map(lambda value: f"{value:.1e}" if isinstance(value, float) else value))

# %%
figure, (axis,) = column_panels(1, 2.6)
for color, name in zip(COLORS, models, strict=False):
    axis.plot(costs[name], range(len(costs)), "o", color=color, label=name, markersize=4)
axis.set_xscale("log")
axis.set_xticks([1e-12, 1e-8, 1e-4, 1], ["1e-12", "1e-8", "1e-4", "1"])
axis.set_yticks(range(len(costs)), [f"{name} ({bits} bits)" for name, bits in costs["bits"].items()])
axis.invert_yaxis()
axis.set_xlabel("mean KL of the next token, nat", fontsize=SIZE)
legend(figure, [axis], columns=1)
show(figure)

# %% [markdown]
# At 16 bits an element, blocks lose at least a hundred thousand times more than the minifloat of 16 bits on every
# model, and giving every 16 elements their own exponent does not save them. Blocks catch up only with 32 bits or more:
# twice the memory for every vector in flight. On the other side, an exponent of 4 bits is not enough either.

# %%
engine = "minifloat E=5 M=12"
for name in models:
    assert costs.loc["block W=16", name] > 1e5 * costs.loc[engine, name], name
    assert costs.loc["blocks of 16, W=16", name] > 1e4 * costs.loc[engine, name], name
    assert costs.loc["block W=24", name] > 10 * costs.loc[engine, name], name
    assert costs.loc["block W=40", name] < 1e-6, name
    assert costs.loc[engine, name] < 1e-7, name
    assert costs.loc["minifloat E=4 M=8", name] > 100 * costs.loc["minifloat E=5 M=8", name], name

# %% [markdown]
# ## Where the bits go
#
# A Norm-Q row is its levels plus a pseudocount of 1/1000 spread over the row. After a step every state can be reached,
# but most only through pseudocounts: their share of the greatest element is about `1 / (1000 * H * (2**b - 1))`. A
# block of W bits has nothing below `2**-(W + 1)` of the greatest element.


# %%
def depths(model: Model) -> Floats:
    """Return log2(element / greatest) of all vectors of all steps, unrounded."""
    x = np.repeat(model.gamma[np.newaxis], SEQUENCES, axis=0)
    found: list[Floats] = []
    for token in model.tokens.T:
        x = (x * model.beta[:, token].T) @ model.alpha
        x = x / x.max(axis=1, keepdims=True)
        found.append(np.log2(x))
    return np.concatenate(found).ravel()


figure, panels = column_panels(len(models), 1.3, share_x=True)
lost: dict[str, dict[str, float]] = {}
for axis, (name, model) in zip(panels, models.items(), strict=True):
    found = depths(model)
    leak = -np.log2(1000 * model.hmm.hidden_states * (2**model.bits - 1))
    axis.hist(found, bins=60, color=COLORS[0])
    axis.axvline(leak, color=COLORS[4], linewidth=1, label="one pseudocount: 1 / (1000 H L)")
    axis.axvline(-17, color="0.3", linewidth=1, linestyle="--", label="last of block W=16")
    axis.axvline(-(VectorCode(5, 12).fix_bits), color="0.3", linewidth=1, linestyle=":", label="last of E=5 M=12")
    axis.set_yscale("log")
    axis.set_title(name, fontsize=SIZE)
    lost[name] = {f"W={width}": float((found < -(width + 1)).mean()) for width in (16, 24, 32)}
    lost[name]["E=5 M=12"] = float((found < -code.fix_bits).mean())
    lost[name]["deepest"] = float(found.min())
    lost[name]["pseudocount"] = float(leak)
panels[-1].set_xlabel("log2 of an element over the greatest of its vector", fontsize=SIZE)
panels[1].set_ylabel("elements", fontsize=SIZE)
legend(figure, panels, columns=1)
show(figure)
share = pd.DataFrame(lost).T
show(share.round(4))

# %% [markdown]
# Blocks of 16 bits round a large part of all elements to nothing. With 5 bits of exponent nothing is lost: the deepest
# element lies above the least code, as the bound `2**r`, `r = log2(1000 H L + 1)`, says it must. The two factors of
# width and depth trade differently: a bit of block width buys one octave of depth, a bit of exponent doubles the depth.

# %%
assert (share["W=16"] > 0.1).all()
assert (share["E=5 M=12"] == 0).all()
assert (share["deepest"] >= share["pseudocount"] - 1).all()
assert VectorCode(5, 12).fix_bits - VectorCode(4, 12).fix_bits == 16

# %% [markdown]
# ## It is the surprising tokens that pay
#
# A token that only pseudocount paths can emit has a small probability, and a decoder under a constraint is made to use
# such tokens. Below: the same KL, taken apart by how probable float64 says the token is.

# %%
name = f"synthetic H={hidden} b=8"
wanted = exact[name]
worst = normalized(np.maximum(normalized(models[name].distributions(block(16))), 1e-30))
best = normalized(models[name].distributions(minifloat(5, 12)))
classes = np.floor(np.log10(wanted)).astype(int)
rows: dict[str, dict[str, float]] = {}
for decade in sorted(np.unique(classes))[::-1]:
    chosen = classes == decade
    ratio = np.abs(np.log2(worst[chosen] / wanted[chosen])), np.abs(np.log2(best[chosen] / wanted[chosen]))
    rows[f"1e{decade}"] = {"tokens": chosen.sum(), "block W=16": ratio[0].mean(), "E=5 M=12": ratio[1].mean()}
by_probability = pd.DataFrame(rows).T
by_probability.index.name = "probability"
show(by_probability.map(lambda value: f"{value:.3g}"))

# %% [markdown]
# The block's error, in octaves of a token's probability, is greatest for tokens that are rare and yet have entries of
# their own: those entries meet elements that were rounded away. (The rarest of all have none; their score is the leak,
# which is a sum over the whole vector.) The minifloat's error is about the same thousandths or less everywhere, because
# every element keeps its significant bits.

# %%
octaves = by_probability["block W=16"]
worst_class = octaves.idxmax()
print(f"worst: tokens of probability {worst_class}, off by {octaves.max():.1f} octaves on average")
assert int(str(worst_class).removeprefix("1e")) <= -6
assert octaves.max() > 1
assert octaves.max() > octaves.iloc[0]
assert by_probability["E=5 M=12"].max() < 1e-2
assert (octaves > 50 * by_probability["E=5 M=12"]).all()

# %% [markdown]
# ## The emulation against the datapath
#
# The golden model is the real thing in integers, with a format for scores besides. On the trained model it must land
# where the emulation of its format does: below a millionth of a nat.

# %%
trained = models["trained H=256 b=8"]
golden = GoldenModel(pack_model(trained.quantized, Layout.SPARSE, {}))
vectors = golden.initial(SEQUENCES)
scores: list[Floats] = []
for token in trained.tokens.T:
    vectors = golden.forward(vectors, token)
    scores.append(score_values(golden.scores(vectors).expand(golden.nonempty_tokens)))
integers = mean_kl(exact["trained H=256 b=8"], normalized(np.concatenate(scores)))
print(f"golden datapath: {integers:.1e} nat; emulation: {costs.loc[engine, 'trained H=256 b=8']:.1e} nat")
assert integers < 1e-6
assert costs.loc["block W=16", "trained H=256 b=8"] > 1e3 * integers

# %% [markdown]
# ## Conclusion
#
# The range of a vector is set by the pseudocount, not by the data: about `log2(1000 H L)` octaves, 30 at H = 4096 and
# 8 bits. Fixed point must spend a bit of width on every octave of it; a 5-bit exponent covers all of it. So 16 bits an
# element are enough, where blocks need 32 or more for the same distributions.
