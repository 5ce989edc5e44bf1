"""From choices to points: every combination, or as many as asked for, drawn from a seed."""

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...sim.memory.dram import PRESETS
from .cost import clocked
from .point import IDEAL, DesignPoint
from .spec import Choices, RtlCheck, Space

SPARSE = 4
"""Combinations for each point that is wanted from which on they are drawn anew: half of them differ, so few repeat."""


def points_of(space: Space) -> list[DesignPoint]:
    """Return the points of a grid, or those drawn at random: each once, in one order. A search has none yet."""
    if space.search == "grid":
        return list(
            dict.fromkeys(
                clocked(DesignPoint(**dict(zip(space.point, values, strict=True))))
                for values in itertools.product(*space.point.values())
            )
        )
    return drawn(space) if space.search == "random" else []


def drawn(space: Space) -> list[DesignPoint]:
    """Return `space.count` different points, fewer only where their greatest clocks make combinations the same."""
    rng = np.random.default_rng(space.seed)
    wanted = space.count or 0
    choices = [*space.point.values()]
    combinations = _anew(choices, rng) if SPARSE * wanted <= space.combinations else _shuffled(choices, rng)
    found: dict[DesignPoint, None] = {}
    for values in combinations:
        found[clocked(DesignPoint(**dict(zip(space.point, values, strict=True))))] = None
        if len(found) == wanted:
            break
    return list(found)


def _anew(choices: Sequence[Choices], rng: np.random.Generator) -> Iterator[Choices]:
    """Yield combinations without end, each drawn anew."""
    while True:
        yield tuple(own[rng.integers(len(own))] for own in choices)


def _shuffled(choices: Sequence[Choices], rng: np.random.Generator) -> Iterator[Choices]:
    """Yield every combination once."""
    for number in rng.permutation(math.prod(map(len, choices))):
        left, values = int(number), list[Any]()
        for own in choices:
            left, index = divmod(left, len(own))
            values.append(own[index])
        yield tuple(values)


def rtl_order(points: Sequence[DesignPoint], check: RtlCheck) -> list[DesignPoint]:
    """Return the points that a simulation can afford in the order in which RTL takes them.

    One point of each run comes before others of the same (`as_rtl_sees`). The order depends on the set of points and
    the seed, not on the order of `points`.
    """
    runs: dict[DesignPoint, list[DesignPoint]] = {}
    for point in sorted(set(points), key=lambda point: point.digest):
        if point.hidden_states <= check.greatest_hidden_states and point.lanes <= check.greatest_lanes:
            runs.setdefault(as_rtl_sees(point), []).append(point)
    ranked = sorted(runs, key=lambda run: hashlib.sha256(f"{check.seed} {run.digest}".encode()).digest())
    layers = itertools.zip_longest(*(runs[run] for run in ranked))
    return [point for layer in layers for point in layer if point is not None]


def as_rtl_sees(point: DesignPoint) -> DesignPoint:
    """Return the point with one value for all that a run of RTL does not depend on: equal ones are the same run."""
    engine = point.engine_alone
    if point.memory == IDEAL:
        return replace(engine, clock_mhz=DesignPoint.clock_mhz)
    return replace(engine, channels=point.channels or PRESETS[point.memory].channels)
