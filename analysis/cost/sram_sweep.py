"""The grid of memories that CACTI is asked about, and asking it."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ...model.parallel import workers
from .cacti import NODES_NM, PROFILES, WHEEL, SramAnswer, SramQuery, ask, cacti_folder, configuration_text
from .kept import kept

WIDTHS = (32, 128, 512)
SIZES = tuple(512 * 8**step for step in range(5))
"""512 bytes to 2 MiB."""
LEAST_WORDS = 8


def grid() -> list[SramQuery]:
    """Return every memory of the grid that has at least LEAST_WORDS words."""
    return [
        SramQuery(nanometers, profile, width, size)
        for nanometers in NODES_NM
        for profile in PROFILES
        for width in WIDTHS
        for size in SIZES
        if size * 8 >= LEAST_WORDS * width
    ]


def sweep(queries: Sequence[SramQuery], report: Callable[[SramAnswer], None]) -> list[SramAnswer]:
    """Ask CACTI about each, several at a time; answers in order. Raises EnvironmentSetupError."""
    folder = cacti_folder()
    answers: list[SramAnswer] = []
    with ThreadPoolExecutor(workers()) as pool:
        for answer in pool.map(partial(_kept, folder), queries):
            report(answer)
            answers.append(answer)
    return answers


def _kept(folder: Path, query: SramQuery) -> SramAnswer:
    parts = {"wheel": WHEEL, "input": configuration_text(query)}
    return SramAnswer(**kept(parts, lambda: asdict(ask(query, folder))))
