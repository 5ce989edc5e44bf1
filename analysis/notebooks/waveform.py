# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading a waveform and a stall
#
# The counters say how many cycles the engine waited and for what. A waveform says when, and what the rest was doing
# meanwhile. This notebook runs one forward step on a small engine, reads the waves of the simulated RTL, and follows
# two stalls to their causes; each explanation is checked against counters and against the timing model.

# %%
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from normq.analysis.figures.column import COLORS, SIZE, SMALL, column_panels, legend
from normq.analysis.notebooks.engine import BITS, CONFIG, MEMORY_BYTES, traced
from normq.analysis.notebooks.show import is_reduced, show
from normq.analysis.notebooks.waves import Samples, Waves
from normq.analysis.roofline import roofline
from normq.analysis.stimuli import first_trials, random_tokens
from normq.model.config import Layout
from normq.model.default.load import default_hmm
from normq.model.golden.constants import Operation
from normq.model.golden.operations import GoldenModel
from normq.model.packing.model import pack_model
from normq.model.quantize.normq import quantize
from normq.sim.descriptors import ModelImage
from normq.sim.memory.map import MemoryMap
from normq.sim.session import MemoryBehavior, build_engine
from normq.sim.timing.predict import predict
from normq.sim.trial import Verdict, run_trials

HIDDEN, GROUPS = (64, 2) if is_reduced() else (256, 3)
golden = GoldenModel(pack_model(quantize(default_hmm(HIDDEN), BITS), Layout.SPARSE, {}))
(trial,) = first_trials(golden, [Operation.FORWARD], random_tokens(GROUPS * CONFIG.lanes, 4096, seed=1))
simulator = traced()  # compiled at the first call, then kept


def run(behavior: MemoryBehavior) -> tuple[Verdict, Waves]:
    """Run the forward step in RTL with this memory and return what it counted, and its waves."""
    folder = Path(mkdtemp())
    (verdict,) = run_trials(simulator, CONFIG, golden, [trial], folder, behavior).trials
    assert verdict.difference is None, verdict.difference  # every output bit equals golden
    return verdict, Waves(folder / "dump.vcd")


verdict, waves = run(MemoryBehavior(latency=40))
counters = pd.Series(verdict.counters, name="forward")
show(counters[counters > 0].to_frame())

# %% [markdown]
# ## From counters to cycles
#
# The engine's five `gather` counters are registers, so the waves hold them, cycle by cycle: in every cycle of
# `engine.cycles` exactly one of them grows. Their steps are the state of the gather stage over time.

# %%
STATES = ("busy", "stall_input", "stall_output", "stall_memory", "idle")
LENGTH = int(1.5 * verdict.cycles) + 4000  # loading of tables comes first


class Timeline:
    """The measured descriptor of a run, cut out of its waves."""

    def __init__(self, verdict: Verdict, waves: Waves, length: int) -> None:
        registers = {name: waves.samples(f"bench_top.engine.gather_{name}", length) for name in STATES}
        steps = {name: np.diff(values, append=values[-1]) == 1 for name, values in registers.items()}
        at_work = np.any(list(steps.values()), axis=0)
        end = int(np.flatnonzero(at_work)[-1]) + 1
        start = int(np.flatnonzero(at_work[:end].cumsum() > at_work[:end].sum() - verdict.cycles)[0])
        self.span, self.waves, self.length = slice(start, end), waves, length
        self.state = {name: step[self.span] for name, step in steps.items()}

    def signal(self, name: str) -> Samples:
        return self.waves.samples(f"bench_top.{name}", self.length)[self.span]

    def taken(self, channel: str) -> Samples:
        """Transfers of a channel of the memory port: valid and ready."""
        return self.signal(f"memory__{channel}__valid") & self.signal(f"memory__{channel}__ready")


timeline = Timeline(verdict, waves, LENGTH)
read_off = {f"gather.{name}": int(states.sum()) for name, states in timeline.state.items()}
show(pd.DataFrame({"waveform": read_off, "counters": {name: verdict.counters[name] for name in read_off}}))

# %% [markdown]
# The waveform and the counters agree to the cycle, and no cycle has two states.

# %%
assert read_off == {name: verdict.counters[name] for name in read_off}
assert (np.sum(list(timeline.state.values()), axis=0) == 1).all()
assert timeline.span.stop - timeline.span.start == verdict.cycles

# %% [markdown]
# ## What happened when
#
# Above, the state of gather. Below, the memory port: read requests, beats that arrive, beats that are written.


# %%
def draw(timeline: Timeline, title: str) -> None:
    figure, (above, below) = column_panels(2, 1.4, share_x=True)
    for place, (color, name) in enumerate(zip(COLORS, STATES, strict=False)):
        on = timeline.state[name].astype(float)
        above.fill_between(np.arange(on.size), place, place + 0.8 * on, step="post", color=color, linewidth=0)
    above.set_yticks([place + 0.4 for place in range(len(STATES))], list(STATES))
    for place, (color, (channel, name)) in enumerate(
        zip(COLORS, (("ar", "requests"), ("r", "beats read"), ("w", "beats written")), strict=False)
    ):
        at = np.flatnonzero(timeline.taken(channel))
        below.vlines(at, place, place + 0.8, color=color, linewidth=0.4, label=name)
    below.set_yticks([0.4, 1.4, 2.4], ["ar", "r", "w"])
    below.set_xlabel("cycle of the descriptor", fontsize=SIZE)
    above.set_title(title, fontsize=SMALL)
    legend(figure, [below], columns=3)
    show(figure)


draw(timeline, f"forward of {GROUPS} groups, H={HIDDEN}, memory of 40 cycles")

# %% [markdown]
# Three parts are easy to tell apart. First nothing to gather: the descriptor and the tables are on their way. Then
# gather waits for *input*: the first group's vectors arrive, and z still has to run through the element passes. Then it
# is busy.
#
# ## The first stall: input
#
# Take the longest stretch of `stall_input` and look at the port in it.


# %%
def longest(states: np.ndarray) -> slice:
    """Return the longest run of set cycles."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], states.astype(int), [0]])))
    starts, ends = edges[::2], edges[1::2]
    widest = int(np.argmax(ends - starts))
    return slice(int(starts[widest]), int(ends[widest]))


stall = longest(timeline.state["stall_input"])
words = timeline.signal("engine.passes_words")
passed = int(words[min(stall.stop, words.size - 1)] - words[stall.start])
span = stall.stop - stall.start
print(f"cycles {stall.start} to {stall.stop}: {span} of waiting, {passed} words of element passes in them")

# %% [markdown]
# The stall is made of two things: vectors that still arrive, and words of the element passes, which take W elements of
# all lanes a cycle. A forward step needs three passes over H elements; two of them lie before the first entry can be
# gathered, so at least one of them falls into this wait, H / W cycles, whatever the memory does.

# %%
assert passed >= HIDDEN // CONFIG.elements_per_cycle
assert span >= HIDDEN // CONFIG.elements_per_cycle
assert verdict.counters["passes.words"] == GROUPS * 3 * HIDDEN // CONFIG.elements_per_cycle

# %% [markdown]
# Is it a bottleneck? The roofline says what each resource needs for one group in steady state.

# %%
line = roofline(CONFIG, golden.packed, Operation.FORWARD)
terms = pd.Series({name: getattr(line, name) for name in ("read", "write", "entries", "outputs", "passes")})
show(terms.round(0).to_frame("cycles of a group"))
print(f"the largest is {line.limit}")
assert line.limit == "entries"
assert terms["passes"] < terms["entries"]

# %% [markdown]
# Entries take longer than passes, so in steady state the passes of one group hide behind the gathering of the one
# before. The stall is latency of the first group, not throughput. Then a further group must add little of it. The
# timing model says what each adds, here also for a larger model.


# %%
def predicted(model: GoldenModel, groups: int, behavior: MemoryBehavior) -> dict[str, int]:
    """Return the counters of a forward step of so many groups, without RTL."""
    (one,) = first_trials(model, [Operation.FORWARD], random_tokens(groups * CONFIG.lanes, 4096, seed=1))
    memory = MemoryMap()
    image = ModelImage(CONFIG, model.packed, memory)
    image.loads()
    job = image.operation(Operation.FORWARD, one.vectors, one.tokens)
    return predict(CONFIG, memory, job.descriptors, behavior).counters


usual = MemoryBehavior(latency=40)
assert predicted(golden, GROUPS, usual) == verdict.counters  # the model equals the RTL, counter by counter
added: dict[str, dict[str, float]] = {}
for hidden in (64, 256):
    model = GoldenModel(pack_model(quantize(default_hmm(hidden), BITS), Layout.SPARSE, {}))
    first, four, eight = (predicted(model, groups, usual) for groups in (1, 4, 8))
    added[f"H={hidden}, first"] = {name: first[f"gather.{name}"] for name in STATES}
    added[f"H={hidden}, each further"] = {
        name: (eight[f"gather.{name}"] - four[f"gather.{name}"]) / 4 for name in STATES
    }
growth = pd.DataFrame(added).T
growth["busy share"] = growth["busy"] / growth[list(STATES)].sum(axis=1)
show(growth.round(2))

# %% [markdown]
# At H = 64 the first group waits for input longer than it works, and of each further group about a quarter is still
# waiting: hand-overs between stages take a fixed number of cycles, and so short a vector does not hide them. At H = 256
# a further group is almost only busy. Small models are bound by latency.

# %%
assert growth.loc["H=64, first", "stall_input"] > growth.loc["H=64, first", "busy"]
assert growth.loc["H=256, each further", "busy share"] > 0.95
assert 0.7 < growth.loc["H=64, each further", "busy share"] < 0.85
assert (growth.filter(like="further", axis=0)["idle"] == 0).all()

# %% [markdown]
# ## The second stall: a slow memory
#
# Now the same work on a memory that gives one beat every four cycles. One would expect `stall_memory`: no entries had
# arrived.

# %%
slow = MemoryBehavior(latency=40, gap=3)
slow_verdict, slow_waves = run(slow)
slow_timeline = Timeline(slow_verdict, slow_waves, LENGTH + 3 * verdict.cycles)
draw(slow_timeline, "the same on a memory that gives a beat every four cycles")
compared = pd.DataFrame({"latency 40": verdict.counters, "one beat in four": slow_verdict.counters})
show(compared.loc[["engine.cycles", *(f"gather.{name}" for name in STATES)]])

# %% [markdown]
# There is none. The work is the same, to the entry and the byte, and almost all of the added time is `stall_input`
# again. The timing model says so, too, so it is no accident of the run.

# %%
for name in ("gather.entries", "passes.words", "read.weights", "read.vectors", "write.vectors"):
    assert slow_verdict.counters[name] == verdict.counters[name], name
longer = slow_verdict.cycles - verdict.cycles
more_input = slow_verdict.counters["gather.stall_input"] - verdict.counters["gather.stall_input"]
assert longer > 0
assert slow_verdict.counters["gather.stall_memory"] == 0
assert more_input > 0.9 * longer
assert predicted(golden, GROUPS, slow) == slow_verdict.counters

# %% [markdown]
# What was the port doing in the longest of these stalls? A wire for each kind of read says when a beat of it arrives.

# %%
arrivals = np.flatnonzero(slow_timeline.taken("r"))
assert np.diff(arrivals).min() >= 4  # the cause is where it was put: no two beats are closer than four cycles
stall = longest(slow_timeline.state["stall_input"])
beats = {kind: slow_timeline.signal(f"engine.read_{kind}") for kind in ("weights", "vectors")}
kinds = {kind: np.cumsum(there) * CONFIG.port_bytes for kind, there in beats.items()}
assert all(int(values[-1]) == slow_verdict.counters[f"read.{kind}"] for kind, values in kinds.items())
before = {kind: int(values[stall.start]) for kind, values in kinds.items()}
after = {kind: int(values[stall.stop - 1]) for kind, values in kinds.items()}
in_stall = pd.DataFrame(
    {"at its start": before, "at its end": after, "of all": {k: int(v.max()) for k, v in kinds.items()}}
)
show(in_stall)

# %%
figure, (axis,) = column_panels(1, 2.0)
for color, (kind, values) in zip(COLORS, kinds.items(), strict=False):
    axis.plot(values / values.max(), color=color, linewidth=1, label=f"{kind} read, share of all")
axis.axvspan(stall.start, stall.stop, color="0.9", label="longest stall of input")
axis.set_xlabel("cycle of the descriptor", fontsize=SIZE)
legend(figure, [axis], columns=1)
show(figure)
weights_of_a_group = golden.packed.alpha_by_column.data.size
print(f"{weights_of_a_group} bytes of weights a group; the stream buffer holds {CONFIG.stream_buffer_bytes}")

# %% [markdown]
# While gather waits for vectors, the port brings weights: the weight stream runs ahead as far as its buffer reaches,
# and this buffer holds more than a group needs. The vectors queue behind. So the port is the bottleneck, as expected,
# but what starves is the input, and the counter names what gather lacked, not who took the beats.

# %%
assert weights_of_a_group < CONFIG.stream_buffer_bytes
first_vector = int(np.argmax(beats["vectors"]))
assert stall.start < first_vector < stall.stop
assert kinds["weights"][first_vector] >= weights_of_a_group  # more than it can use comes before the first vector

# %% [markdown]
# ## A prediction, and its test
#
# If that is so, a *smaller* buffer must turn input stalls into memory stalls, and it must not make the step slower.


# %%
def with_buffer(size: int, groups: int, behavior: MemoryBehavior) -> dict[str, int]:
    """Return what an engine with another stream buffer counts, by the timing model."""
    (one,) = first_trials(golden, [Operation.FORWARD], random_tokens(groups * CONFIG.lanes, 4096, seed=1))
    config, memory = replace(CONFIG, stream_buffer_bytes=size), MemoryMap()
    image = ModelImage(config, golden.packed, memory)
    image.loads()
    return predict(
        config, memory, image.operation(Operation.FORWARD, one.vectors, one.tokens).descriptors, behavior
    ).counters


sizes = (512, 1024, 2048, 4096, 8192)
tried = pd.DataFrame({size: with_buffer(size, 8, slow) for size in sizes}).T
tried.index.name = "stream buffer, bytes"
show(tried[["engine.cycles", "gather.stall_input", "gather.stall_memory"]])

# %%
figure, (axis,) = column_panels(1, 2.0)
bottom = np.zeros(len(sizes))
for color, name in zip(COLORS, ("busy", "stall_input", "stall_memory", "idle"), strict=False):
    heights = tried[f"gather.{name}"].to_numpy()
    axis.bar(range(len(sizes)), heights, 0.6, bottom, color=color, label=name)
    bottom += heights
axis.set_xticks(range(len(sizes)), [str(size) for size in sizes])
axis.set_xlabel("stream buffer, bytes", fontsize=SIZE)
axis.set_ylabel("cycles of 8 groups (timing model)", fontsize=SIZE)
legend(figure, [axis])
show(figure)

# %% [markdown]
# Both hold: the stall changes its name, and the step gets shorter, not longer. A buffer is there to hide latency, and
# 512 bytes are enough for 40 cycles at a beat every four; what it holds beyond that is read too early.

# %%
small, usual_size = tried.loc[512], tried.loc[CONFIG.stream_buffer_bytes]
assert small["gather.stall_memory"] > 0
assert small["gather.stall_input"] < usual_size["gather.stall_input"] / 2
assert small["engine.cycles"] < 0.95 * usual_size["engine.cycles"]
assert 40 / 4 * CONFIG.port_bytes <= 512

# %% [markdown]
# The full run simulates the engine with the small buffer in RTL as well; the reduced one trusts the model, which
# equaled the RTL twice above.

# %%
if not is_reduced():
    small_config = replace(CONFIG, stream_buffer_bytes=512)
    plain = build_engine(small_config, MEMORY_BYTES)
    (rtl,) = run_trials(plain, small_config, golden, [trial], Path(mkdtemp()), slow).trials
    assert rtl.difference is None
    assert rtl.counters == with_buffer(512, GROUPS, slow)
    assert rtl.counters["gather.stall_memory"] > 0

# %% [markdown]
# ## Conclusion
#
# - `stall_input` at the start of a chain is the latency of the element passes. Groups overlap, so most of it is paid
#   once.
# - A memory that is too slow can show as `stall_input`, too: the weight stream reads ahead and vectors queue behind it.
#   The bytes by kind tell the two apart, and the waves show the order.
# - A stream buffer beyond what hides the latency is not free: on a slow port it costs time, besides area.
