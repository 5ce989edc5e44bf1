"""Beams and a model under way, and the descriptors of what is to be timed, with the limit that no engine goes below."""

from dataclasses import dataclass

import numpy as np

from ...model.golden.constants import Operation
from ...model.golden.operations import GoldenModel
from ...sim.descriptors import Chain, Job, ModelImage
from ...sim.memory.map import MemoryMap
from ...sim.token_step import TokenStep, place_step
from ..roofline import Roofline, roofline
from ..simulate.limits import phase_rooflines, total
from ..simulate.models import packed_model
from ..simulate.scenario import Scenario, scenario
from .spec import TimingSpec, Work

OPERATIONS = {
    Work.FORWARD: Operation.FORWARD,
    Work.BACKWARD: Operation.BACKWARD,
    Work.SCORES: Operation.SCORES,
}


@dataclass(frozen=True, eq=False)
class Workload:
    """A model, and beams under way with it."""

    spec: TimingSpec
    golden: GoldenModel
    scene: Scenario


@dataclass(frozen=True, eq=False)
class Placed:
    """Something to be timed, laid down in memory."""

    memory: MemoryMap
    loads: list[Job]
    """What brings the model's tables on chip before."""
    work: Job | Chain
    step: TokenStep | None
    """What `work` is the chain of, for a token step."""


def workload(spec: TimingSpec) -> Workload:
    """Return the model of a preset, made once, and its beams."""
    golden = GoldenModel(packed_model(spec), spec.sizes.config.code)
    return Workload(spec, golden, scenario(golden, spec))


def place(load: Workload, work: Work) -> Placed:
    """Lay the model and the descriptors of `work` down in a memory of their own."""
    memory, scene = MemoryMap(), load.scene
    image = ModelImage(load.spec.sizes.config, load.golden.packed, memory)
    loads = image.loads()
    if work is Work.STEP:
        step = place_step(image, memory, scene.table, scene.beams, scene.items)
        return Placed(memory, loads, step.chain, step)
    tokens = scene.beams.tokens.astype(np.uint16) if work is Work.FORWARD else None
    return Placed(memory, loads, image.operation(OPERATIONS[work], scene.beams.vectors, tokens), None)


def limit(load: Workload, work: Work) -> Roofline:
    """Return the roofline of `work` over all its groups: a token step's phases overlapped without loss."""
    spec, packed = load.spec, load.golden.packed
    phases = phase_rooflines(spec.sizes.config, packed, load.scene, None)
    if work is Work.STEP:
        return total(phases.values())
    if work is Work.BACKWARD:
        return total([roofline(spec.sizes.config, packed, Operation.BACKWARD)] * spec.groups)
    return phases["forward" if work is Work.FORWARD else "denominators"]
