"""From choices to points: every combination, or as many as asked for, drawn from a seed."""

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .cost import clocked
from .point import DesignPoint
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


def rtl_sample(points: Sequence[DesignPoint], check: RtlCheck) -> list[DesignPoint]:
    """Return the points that RTL runs too, drawn from those that a simulation can afford.

    The draw depends on the set of points, not on their order.
    """
    small = [
        point
        for point in dict.fromkeys(points)
        if point.hidden_states <= check.greatest_hidden_states and point.lanes <= check.greatest_lanes
    ]
    ranked = sorted(small, key=lambda point: hashlib.sha256(f"{check.seed} {point.digest}".encode()).digest())
    return ranked[: check.count]
