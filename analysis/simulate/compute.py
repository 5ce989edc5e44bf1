"""Running one token step in RTL and on the golden model."""

import resource
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...model.config import AcceleratorConfig
from ...model.decoding.step import step_scores
from ...model.golden.operations import GoldenModel
from ...rtl.operation import Status
from ...sim.descriptors import ModelImage
from ...sim.memory.map import MemoryMap
from ...sim.native.build import Report
from ...sim.session import MemoryBehavior, build_native_engine, run_jobs
from ...sim.token_step import place_step
from .limits import affordable_sample, phase_rooflines, total
from .models import packed_model
from .report import Phase, StepReport
from .scenario import scenario
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


def compute_step(spec: StepSpec, tell: Tell) -> StepReport:
    """Run one token step. Raises SimulationError and CorruptedMemoryError as `run_jobs`."""
    config, watch = spec.sizes.config, Stopwatch(tell)
    with watch.timed("model"):
        golden = GoldenModel(packed_model(spec), config.code)
    with watch.timed("constraint and beams"):
        scene = scenario(golden, spec)
        sample = affordable_sample(spec, golden.packed)
    with watch.timed("golden"):
        expected = step_scores(golden, scene.table, scene.beams, scene.items, sample)
    with watch.timed("memory"):
        memory = MemoryMap()
        image = ModelImage(config, golden.packed, memory)
        loads = image.loads()
        step = place_step(image, memory, scene.table, scene.beams, scene.items, sample)
    with watch.timed("build"):
        bench = build_native_engine(config, max(spec.sizes.memory_bytes, memory.size))
    lines = phase_rooflines(spec, golden.packed, scene, sample)
    whole = total(lines.values())
    behavior = MemoryBehavior()
    limit = LEAST_LIMIT_CYCLES + int(SLOWEST * whole.total)
    with watch.timed("simulation"), tempfile.TemporaryDirectory() as folder:
        told = replace(bench, report=_progress(tell))
        outcome = run_jobs(told, config, memory, [*loads, step.chain], Path(folder), behavior, limit)
    done = outcome.jobs[-1]
    difference = step.difference(outcome.dump, expected, config.lanes)
    if done.status is not Status.DONE:
        difference = f"the step ended as {done.status.name}, expected DONE"
    ends = iter(done.completed_at)
    phases: list[Phase] = []
    last = 0
    for name, count in step.phases.items():
        end = ([last] + [next(ends) for _ in range(count)])[-1]
        phases.append(Phase(name, count, end - last, lines[name].bound, lines[name].limit))
        last = end
    return StepReport(
        preset=spec.preset,
        model=golden.packed.provenance["label"] + " model",
        hidden=golden.packed.hidden_states,
        vocab=golden.packed.vocab_size,
        bits=spec.bits,
        layout=spec.layout.value,
        engine=_engine(config),
        memory=f"memory of {behavior.latency} cycles",
        beams=spec.beams,
        keywords=spec.keywords,
        automaton_states=scene.automaton.states,
        edge_lanes=sum(item.beams.size for item in scene.items),
        seed=spec.seed,
        sampled_tokens=None if sample is None else int(sample.size),
        is_equal=difference is None,
        difference=difference or "",
        cycles=done.counters["engine.cycles"],
        roofline_cycles=whole.bound,
        roofline_limit=whole.limit,
        phases=tuple(phases),
        counters=done.counters,
        seconds=watch.seconds,
        cycles_per_second=outcome.cycles / outcome.seconds,
        peak_bytes=_peak_bytes(),
    )


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
