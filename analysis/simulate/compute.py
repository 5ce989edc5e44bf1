"""Running one token step in RTL and on the golden model."""

import resource
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...model.config import AcceleratorConfig
from ...model.decoding.step import Numbers, StepScores, WorkItem, step_scores
from ...model.golden.operations import GoldenModel
from ...rtl.operation import Status
from ...sim.descriptors import Chain, Job, ModelImage
from ...sim.memory.map import MemoryMap
from ...sim.native.build import Report
from ...sim.session import JobOutcome, MemoryBehavior, build_native_engine, run_jobs
from ...sim.token_step import PHASES, TokenStep, place_step
from ..roofline import Roofline
from .limits import affordable_sample, phase_rooflines, total
from .models import packed_model
from .report import Phase, StepReport
from .scenario import Scenario, scenario
from .spec import StepSpec

SLOWEST = 8
"""A run may take so many times the sum of all terms of its roofline: a hang ends in time."""
LEAST_LIMIT_CYCLES = 2_000_000

Tell = Callable[[str], None]


class Stopwatch:
    """Seconds by what was done."""

    def __init__(self, tell: Tell) -> None:
        self.tell, self.seconds = tell, dict[str, float]()

    @contextmanager
    def timed(self, name: str) -> Generator[None]:
        """Time a block and say that it began."""
        self.tell(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


@dataclass(frozen=True)
class Simulated:
    """One chain of a token step, run in RTL."""

    step: TokenStep
    done: JobOutcome[Job | Chain]
    difference: str | None
    cycles: int
    seconds: float


@dataclass(frozen=True)
class Stage:
    """What both runs of a token step share: the scenario, the model and the options of the run."""

    spec: StepSpec
    golden: GoldenModel
    scene: Scenario
    sample: Numbers | None
    limit_cycles: int
    tell: Tell

    def simulate(self, expected: StepScores, items: tuple[WorkItem, ...], trace: Path | None = None) -> Simulated:
        """Run the step with these items; bursts are logged to `trace`. Raises as `run_jobs`."""
        config, scene = self.spec.sizes.config, self.scene
        memory = MemoryMap()
        image = ModelImage(config, self.golden.packed, memory)
        loads = image.loads()
        step = place_step(image, memory, scene.table, scene.beams, items, self.sample)
        bench = build_native_engine(config, max(self.spec.sizes.memory_bytes, memory.size))
        told = replace(bench, report=_progress(self.tell))
        behavior = MemoryBehavior(dram=self.spec.dram)
        with tempfile.TemporaryDirectory() as folder:
            jobs: list[Job | Chain] = [*loads, step.chain]
            outcome = run_jobs(told, config, memory, jobs, Path(folder), behavior, self.limit_cycles, trace)
        done = outcome.jobs[-1]
        difference = step.difference(outcome.dump, expected, config.lanes)
        if done.status is not Status.DONE:
            difference = f"the step ended as {done.status.name}, expected DONE"
        return Simulated(step, done, difference, outcome.cycles, outcome.seconds)


def compute_step(spec: StepSpec, tell: Tell, trace: Path | None = None) -> StepReport:
    """Run one token step with its listed scores and, to say what they cost, without them.

    Bursts of the whole step are logged to `trace`. Raises SimulationError and CorruptedMemoryError as `run_jobs`.
    """
    config, watch = spec.sizes.config, Stopwatch(tell)
    with watch.timed("model"):
        golden = GoldenModel(packed_model(spec), config.code)
    with watch.timed("constraint and beams"):
        scene = scenario(golden, spec)
        sample = affordable_sample(spec, golden.packed)
    with watch.timed("golden"):
        expected = step_scores(golden, scene.table, scene.beams, scene.items, sample)
    with watch.timed("build"):
        build_native_engine(config, spec.sizes.memory_bytes)
    lines = phase_rooflines(config, golden.packed, scene, sample)
    whole, rest = total(lines.values()), total(lines[name] for name in PHASES[:-1])
    stage = Stage(spec, golden, scene, sample, LEAST_LIMIT_CYCLES + int(SLOWEST * whole.total), tell)
    with watch.timed("simulation"):
        run = stage.simulate(expected, scene.items, trace)
    with watch.timed("simulation without listed scores"):
        short = stage.simulate(replace(expected, listed=()), ())
    difference = run.difference or short.difference
    return StepReport(
        preset=spec.preset,
        model=golden.packed.provenance["label"] + " model",
        hidden=golden.packed.hidden_states,
        vocab=golden.packed.vocab_size,
        bits=spec.bits,
        layout=spec.layout.value,
        engine=_engine(config),
        memory=_memory(spec),
        beams=spec.beams,
        keywords=spec.keywords,
        automaton_states=scene.automaton.states,
        edge_lanes=sum(int(item.has_edge.sum()) for item in scene.items),
        seed=spec.seed,
        sampled_tokens=None if sample is None else int(sample.size),
        is_equal=difference is None,
        difference=difference or "",
        cycles=run.done.counters["engine.cycles"],
        roofline_cycles=whole.bound,
        roofline_limit=whole.limit,
        phases=_phases(run, lines),
        without_listed=Phase(
            "without listed scores",
            len(short.step.phases),
            short.done.counters["engine.cycles"],
            rest.bound,
            rest.limit,
        ),
        counters=run.done.counters,
        dram=run.done.dram,
        seconds=watch.seconds,
        cycles_per_second=(run.cycles + short.cycles) / (run.seconds + short.seconds),
        peak_bytes=_peak_bytes(),
    )


def _phases(run: Simulated, lines: dict[str, Roofline]) -> tuple[Phase, ...]:
    """Return the phases: a descriptor's cycles are those from the end of the one before to its own."""
    ends = run.done.completed_at
    spent = np.diff(ends, prepend=0)
    of_phase = {name: [number for number, phase in enumerate(run.step.phases) if phase == name] for name in PHASES}
    return tuple(
        Phase(name, len(numbers), int(spent[numbers].sum()), lines[name].bound, lines[name].limit)
        for name, numbers in of_phase.items()
    )


def _memory(spec: StepSpec) -> str:
    if spec.dram is None:
        return f"memory of {MemoryBehavior().latency} cycles"
    dram = spec.dram
    channels = "channel" if dram.channels == 1 else "channels"
    return f"{dram.timings.name}, {dram.channels} {channels}, engine at {dram.engine_mhz} MHz"


def _engine(config: AcceleratorConfig) -> str:
    sizes = f"S={config.entries_per_cycle}, P={config.lanes}, W={config.elements_per_cycle}"
    return f"{sizes}, port of {config.port_bits} bits"


def _progress(tell: Tell) -> Report:
    def report(cycles: int, seconds: float) -> None:
        tell(f"simulation: {cycles:,} cycles, {cycles / seconds / 1000:,.0f} kcycles/s")

    return report


def _peak_bytes() -> int:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return 1024 * sum(usage.ru_maxrss for usage in usages)
