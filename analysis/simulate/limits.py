"""Cycles that no engine can go below in a token step, by phase, and how much of a vocabulary a run can afford."""

from collections.abc import Iterable
from dataclasses import astuple

import numpy as np

from ...model.config import AcceleratorConfig, Layout
from ...model.decoding.step import Numbers
from ...model.formats import CODE_BYTES
from ...model.golden.constants import Operation
from ...model.packing.directory import Directory, directory_of
from ...model.packing.matrix import PackedModel
from ...sim.token_step import PHASES
from ..roofline import PASSES, Roofline, column_bytes, roofline
from .scenario import Scenario
from .spec import StepSpec

AFFORDABLE_CYCLES = 20_000_000
"""Some minutes of simulation. A run whose passes over the vocabulary would take longer samples them."""
LEAST_SAMPLE = 64


def total(parts: Iterable[Roofline]) -> Roofline:
    """Return the sum of terms, as of phases that overlap without loss: its bound is that of the whole."""
    return Roofline(*(sum(terms) for terms in zip(*map(astuple, parts), strict=True)))


def phase_rooflines(
    config: AcceleratorConfig, packed: PackedModel, scene: Scenario, sample: Numbers | None
) -> dict[str, Roofline]:
    """Return the terms of each phase of a token step, over all its groups.

    Scores load one vector a lane: denominators A', all others C, since A' stays on chip.
    """
    groups = -(-scene.beams.batch // config.lanes)
    directory = directory_of(packed.beta_by_token)
    emissions = float(column_bytes(packed.beta_by_token, directory, scene.beams.tokens).sum()) / groups
    forward = _times(roofline(config, packed, Operation.FORWARD, emissions), groups)
    if sample is None:
        scores = _times(roofline(config, packed, Operation.SCORES), groups)
    else:
        scores = _times(_listed(config, packed, directory, sample, config.lanes), groups)
    items = [_listed(config, packed, directory, item.tokens, item.beams.size) for item in scene.items]
    listed = total(items) if items else Roofline(0, 0, 0, 0, 0)
    return dict(zip(PHASES, (forward, scores, scores, listed), strict=True))


def affordable_sample(spec: StepSpec, packed: PackedModel) -> Numbers | None:
    """Return the first tokens of the vocabulary that a run can score twice, or None when it can score all.

    Only the dense layout takes so many cycles.
    """
    if packed.layout is Layout.SPARSE:
        return None
    config = spec.sizes.config
    forward = roofline(config, packed, Operation.FORWARD).total * spec.groups
    per_token = 2 * spec.groups * -(-packed.hidden_states // config.entries_per_cycle)
    tokens = max(LEAST_SAMPLE, int((AFFORDABLE_CYCLES - forward) // per_token))
    return None if tokens >= packed.vocab_size else np.arange(tokens, dtype=np.int64)


def _times(part: Roofline, count: int) -> Roofline:
    return total([part] * count)


def _listed(
    config: AcceleratorConfig, packed: PackedModel, directory: Directory, tokens: Numbers, lanes: int
) -> Roofline:
    """Return the terms of listed scores of one group of `lanes` vectors."""
    matrix = packed.beta_by_token
    counts = directory.offsets[tokens + 1] - directory.offsets[tokens]
    records = int(np.count_nonzero(counts))
    vectors = lanes * CODE_BYTES * packed.hidden_states
    columns = float(column_bytes(matrix, directory, tokens).sum())
    return Roofline(
        read=(columns + vectors) / config.port_bytes,
        write=(2 * CODE_BYTES * config.lanes + config.record_bytes * records) / config.port_bytes,
        entries=float(counts.sum()) / config.entries_per_cycle,
        outputs=0,
        passes=PASSES[Operation.SCORES] * packed.hidden_states / config.elements_per_cycle,
    )
