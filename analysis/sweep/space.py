"""From choices to points: every combination, or as many as asked for, drawn from a seed."""

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np

from .cost import clocked
from .point import DesignPoint
from .spec import RtlCheck, Space

TRIES = 50
"""Draws for each point that is wanted, before a space counts as drawn out."""


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
    """Return `space.count` different points, fewer where the space has no more."""
    rng = np.random.default_rng(space.seed)
    wanted = space.count or 0
    found: dict[DesignPoint, None] = {}
    for _ in range(TRIES * wanted):
        if len(found) == wanted:
            break
        fields = {name: choices[rng.integers(len(choices))] for name, choices in space.point.items()}
        found[clocked(DesignPoint(**fields))] = None
    return list(found)


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
