"""Kernels of a token step, timed on this machine: dense floats in torch, and the packed model in golden.

On a CPU with one thread and in processor time, so that other processes on the machine count as little as they can (they
still share its caches and memory); on a GPU in wall-clock time.
"""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

import torch
from torch import Tensor

from ...model.decoding.step import step_scores
from ...model.golden.operations import GoldenModel
from ...model.parallel import limited
from ..sweep.point import DesignPoint
from ..sweep.workload import packed_of, scene_of
from .machine import description
from .work import BEAMS, HIDDEN, VOCAB, DenseStep

REPETITIONS = 15
LONGEST_S = 4.0
"""Repetitions end after this time, but at least three are made."""
LEAST_REPETITIONS = 3
SEED = 0
CODES_SEED = 1

Progress = Callable[[str], None]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """One token step on one device."""

    what: str
    """"dense" or "packed"."""
    variant: str
    """The type of the floats; of a packed model "b=4 sparse"."""
    device: str
    """"cpu" or "cuda"."""
    hidden: int
    vocab: int
    beams: int
    milliseconds: float
    """Median."""
    least_ms: float
    greatest_ms: float
    repetitions: int
    threads: int
    clock: str
    measured_at: str
    """"" where the size itself ran; else the size that did, whose times are scaled in proportion to operations."""
    moved: int
    """Bytes that cross the memory's pins: 0 for a packed model, which stays in the caches."""
    machine: str


@dataclass(frozen=True)
class Plan:
    """One dense size, and the one that stands for it where it does not fit."""

    float_type: str
    hidden: int
    vocab: int
    ran_hidden: int
    ran_vocab: int

    def scale(self, beams: int) -> float:
        """Return how many times the operations of what ran the size has."""
        whole = DenseStep(self.hidden, self.vocab, beams, self.float_type)
        return whole.operations / DenseStep(self.ran_hidden, self.ran_vocab, beams, self.float_type).operations

    @property
    def measured_at(self) -> str:
        """What ran, where it is another size."""
        is_same = (self.hidden, self.vocab) == (self.ran_hidden, self.ran_vocab)
        return "" if is_same else f"H={self.ran_hidden} V={self.ran_vocab}"


FLOAT32_FITS = 8192
FLOAT16_PART = 8
"""No x86 CPU but the newest multiplies float16, and torch widens element by element: a part of an eighth of H and of V
stands for the whole."""


def cpu_plans() -> list[Plan]:
    """Return what is measured on a CPU, in the order in which the sizes share what ran."""
    plans = [
        Plan(kind, hidden, VOCAB, min(hidden, FLOAT32_FITS) if kind == "float32" else hidden, VOCAB)
        for kind in ("float32", "bfloat16")
        for hidden in HIDDEN
    ]
    part = HIDDEN[0] // FLOAT16_PART
    return [*plans, *(Plan("float16", hidden, VOCAB, part, VOCAB // FLOAT16_PART) for hidden in HIDDEN)]


def gpu_plans(free_bytes: int) -> list[Plan]:
    """Return what is measured on a GPU: every size that fits with its vectors."""
    plans = [Plan(kind, hidden, VOCAB, hidden, VOCAB) for kind in ("float32", "float16") for hidden in HIDDEN]
    return [plan for plan in plans if DenseStep(plan.hidden, VOCAB, BEAMS[-1], plan.float_type).moved < free_bytes]


def measure(progress: Progress) -> list[Measured]:
    """Return all rows: dense on the CPU and, where torch sees one, on a GPU; packed on the CPU. Minutes, 3 GB."""
    machine = description("cpu")
    rows = measure_dense(cpu_plans(), "cpu", BEAMS, machine, progress)
    if torch.cuda.is_available():
        free = torch.cuda.mem_get_info()[0]
        rows += measure_dense(gpu_plans(free), "cuda", BEAMS, description("cuda"), progress)
    packed = [DesignPoint(bits=bits, hidden_states=HIDDEN[0]) for bits in (3, 4, 8)]
    packed += [DesignPoint(hidden_states=hidden) for hidden in HIDDEN[1:]]
    return rows + measure_packed(packed, BEAMS, machine, progress)


def measure_dense(
    plans: Sequence[Plan], device: str, beams: Sequence[int], machine: str, progress: Progress
) -> list[Measured]:
    """Return rows of dense steps; sizes that share what ran share its times."""
    rows: list[Measured] = []
    ran: tuple[str, int, int] | None = None
    times: dict[int, list[float]] = {}
    for plan in plans:
        size = (plan.float_type, plan.ran_hidden, plan.ran_vocab)
        if size != ran:
            progress(f"dense {plan.float_type} H={plan.ran_hidden} V={plan.ran_vocab} on {device}")
            times, ran = _dense_times(plan, device, beams), size
        for count in beams:
            step = DenseStep(plan.hidden, plan.vocab, count, plan.float_type)
            scaled = [one * plan.scale(count) for one in times[count]]
            rows.append(_row(("dense", plan.float_type, device), step, scaled, (plan.measured_at, step.moved), machine))
    return rows


def measure_packed(
    points: Sequence[DesignPoint], beams: Sequence[int], machine: str, progress: Progress
) -> list[Measured]:
    """Return rows of golden steps of the model of each point: what the engine computes, to the bit."""
    rows: list[Measured] = []
    for point in points:
        progress(f"packed H={point.hidden_states} b={point.bits}")
        packed = packed_of(point)
        golden = GoldenModel(packed)
        for count in beams:
            scene = scene_of(replace(point, beams=count), packed, CODES_SEED)
            with limited(1):
                times = _milliseconds(
                    lambda s=scene, g=golden: step_scores(g, s.table, s.beams, s.items), time.process_time
                )
            step = DenseStep(point.hidden_states, point.vocab_size, count, "float32")
            rows.append(_row(("packed", f"b={point.bits} {point.layout}", "cpu"), step, times, ("", 0), machine))
    return rows


def dense_step(alpha: Tensor, beta: Tensor, vectors: Tensor, successors: Tensor, tokens: Tensor) -> tuple[Tensor, ...]:
    """Return A' [B, H], denominators [B, V] and numerators [B, V] of vectors A [B, H], their tokens [B], and C [B, H].

    A' is rescaled to the sum 1: floats of 32 bits or fewer would run out of range in a text's length.
    """
    after = (vectors * beta.index_select(1, tokens).T) @ alpha
    after = after / after.sum(1, keepdim=True)
    both = torch.cat([after, after * successors]) @ beta
    return after, *both.split(len(tokens))


def _dense_times(plan: Plan, device: str, beams: Sequence[int]) -> dict[int, list[float]]:
    """Return milliseconds of a step by number of beams; weights hold any positive numbers."""
    kind = getattr(torch, plan.float_type)
    generator = torch.Generator(device).manual_seed(SEED)

    def weights(rows: int, columns: int) -> Tensor:
        return torch.rand((rows, columns), generator=generator, dtype=kind, device=device)

    alpha, beta = weights(plan.ran_hidden, plan.ran_hidden), weights(plan.ran_hidden, plan.ran_vocab)
    times: dict[int, list[float]] = {}
    with torch.inference_mode(), _one_thread():
        for count in beams:
            vectors, successors = weights(count, plan.ran_hidden), weights(count, plan.ran_hidden)
            tokens = torch.randint(plan.ran_vocab, (count,), generator=generator, device=device)

            def step(vectors: Tensor = vectors, successors: Tensor = successors, tokens: Tensor = tokens) -> None:
                dense_step(alpha, beta, vectors, successors, tokens)
                if device == "cuda":
                    torch.cuda.synchronize()

            times[count] = _milliseconds(step, time.perf_counter if device == "cuda" else time.process_time)
    return times


def _milliseconds(operation: Callable[[], object], clock: Clock) -> list[float]:
    operation()  # compiled and in the caches
    times: list[float] = []
    end = time.perf_counter() + LONGEST_S
    while len(times) < LEAST_REPETITIONS or (len(times) < REPETITIONS and time.perf_counter() < end):
        start = clock()
        operation()
        times.append(1000 * (clock() - start))
    return times


@contextmanager
def _one_thread() -> Generator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _row(
    kind: tuple[str, str, str], step: DenseStep, times: Sequence[float], rest: tuple[str, int], machine: str
) -> Measured:
    what, variant, device = kind
    measured_at, moved = rest
    return Measured(
        what=what,
        variant=variant,
        device=device,
        hidden=step.hidden,
        vocab=step.vocab,
        beams=step.beams,
        milliseconds=median(times),
        least_ms=min(times),
        greatest_ms=max(times),
        repetitions=len(times),
        threads=1,
        clock="wall" if device == "cuda" else "processor",
        measured_at=measured_at,
        moved=moved,
        machine=machine,
    )
