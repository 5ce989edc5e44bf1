"""Computing one row of the main job: one model through the whole line."""

import functools
import tempfile
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import torch

from ...model.artifact import write_artifact
from ...model.default.load import default_hmm
from ...model.footprint import bits_per_weight
from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...model.golden.vectors import Vectors
from ...model.hmm import HMM
from ...model.packing.directory import directory_of
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.quantize.normq import quantize
from ...model.reference import ReferenceModel
from ...model.synthetic import synthetic_hmm
from ...sim.build import Simulator
from ...sim.session import build_engine
from ...sim.trial import Trial, Verdict, run_trials
from ..quality import Tokens, quality, sample
from ..roofline import Roofline, column_bytes, roofline
from ..stimuli import states, trial
from .row import Fields, Row, Timing
from .spec import CONFIG, MEMORY_BYTES, RowSpec, Source

STEADY_GROUPS = 4
"""n of the steady state: (cycles of 2n groups - cycles of n) / n."""
LONG_GROUP_CYCLES = 50_000
"""A group that takes longer is measured with n = 1: set-up and drain weigh about one percent of it."""


@functools.cache
def main_simulator() -> Simulator:
    """Return the one build that serves every row."""
    return build_engine(CONFIG, MEMORY_BYTES)


def compute_row(spec: RowSpec) -> Row:
    """Take one model through the whole line. Raises SimulationError and CorruptedMemoryError as a simulation does."""
    torch.set_num_threads(1)  # the models are small, and rows run side by side
    hmm = model_of(spec)
    quantized = quantize(hmm, spec.bits)
    packed = pack_model(quantized, spec.layout, {})
    golden = GoldenModel(packed)
    tokens = sample(hmm, spec.sequences, spec.steps, spec.seed)
    vectors = states(golden, tokens)
    distance = quality(golden, vectors, tokens, ReferenceModel.of_quantized(quantized), ReferenceModel.of(hmm))
    plan = plan_of(golden, vectors, tokens)
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "model"
        write_artifact(packed, artifact)
        size = artifact.stat().st_size
        verdicts = run_trials(main_simulator(), CONFIG, golden, [step.trial for step in plan], Path(folder) / "run")
    differences = [verdict.difference for verdict in verdicts.trials if verdict.difference]
    return Row(
        **_identity(spec),
        artifact_bytes=size,
        bits_per_weight=bits_per_weight(size, spec.hidden, spec.vocab),
        **asdict(distance),
        is_equal=not differences,
        difference=differences[0] if differences else "",
        timings=_timings(plan, verdicts.trials),
        simulated_cycles=verdicts.cycles,
        simulation_seconds=verdicts.seconds,
    )


def model_of(spec: RowSpec) -> HMM:
    """Return the model of a row before quantization."""
    if spec.source is Source.REAL:
        return default_hmm(spec.hidden)
    return synthetic_hmm(spec.hidden, spec.vocab)


@dataclass(frozen=True, eq=False)
class Step:
    """One operation of a row's simulation, and its roofline."""

    operation: Operation
    groups: int
    trial: Trial
    line: Roofline


def plan_of(golden: GoldenModel, vectors: Vectors, tokens: Tokens) -> list[Step]:
    """Each operation on 1, n and 2n groups of states that a token follows."""
    sequences, steps = tokens.shape
    followed = np.arange(sequences * (steps + 1)).reshape(sequences, steps + 1)[:, :-1].reshape(-1)
    before, consumed = vectors.take(followed), tokens.reshape(-1)
    plan: list[Step] = []
    for operation in Operation:
        line = roofline(CONFIG, golden.packed, operation, _emission_bytes(golden.packed, operation, consumed))
        n = 1 if line.bound > LONG_GROUP_CYCLES else STEADY_GROUPS
        for groups in sorted({1, n, 2 * n}):
            chosen = np.arange(groups * CONFIG.lanes) % before.batch
            step = trial(golden, operation, before.take(chosen), consumed[chosen].astype(np.uint16))
            plan.append(Step(operation, groups, step, line))
    return plan


def _emission_bytes(packed: PackedModel, operation: Operation, tokens: Tokens) -> float:
    if operation is not Operation.FORWARD:
        return 0
    matrix = packed.beta_by_token
    return float(column_bytes(matrix, directory_of(matrix), tokens).mean()) * CONFIG.lanes


def _timings(plan: list[Step], verdicts: tuple[Verdict, ...]) -> tuple[Timing, ...]:
    timings: list[Timing] = []
    for operation in Operation:
        mine = {
            step.groups: (step, verdict)
            for step, verdict in zip(plan, verdicts, strict=True)
            if step.operation is operation
        }
        n = max(mine) // 2
        step, alone = mine[1]
        few, many = mine[n][1], mine[2 * n][1]
        line = step.line
        timings.append(
            Timing(
                operation=operation.value,
                steady_groups=n,
                cycles=(many.cycles - few.cycles) / n,
                alone_cycles=alone.cycles,
                roofline_cycles=line.bound,
                roofline_limit=line.limit,
                terms_cycles=line.total,
                bytes_per_group={
                    name: (many.counters[name] - few.counters[name]) / n
                    for name in many.counters
                    if name.startswith(("read.", "write."))
                },
            )
        )
    return tuple(timings)


def _identity(spec: RowSpec) -> Fields:
    kept = ("source", "hidden", "vocab", "bits", "layout")
    values = {name: getattr(spec, name) for name in kept}
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
