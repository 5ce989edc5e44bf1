"""Figures of the timing model."""

import time

from ...sim.session import MemoryBehavior
from ...sim.timing.predict import Prediction, predict
from .figures import Figures
from .spec import Source, Work
from .work import Workload, limit, place


def predicted(load: Workload, work: Work, behavior: MemoryBehavior | None = None) -> tuple[Figures, Prediction]:
    """Return what the timing model counts: nothing is computed, no RTL runs.

    `seconds` is processor time for laying out model, vectors and descriptors, and for the prediction; not for what
    numba compiles before the first one.
    """
    line, config = limit(load, work), load.spec.sizes.config
    behavior = behavior or MemoryBehavior()
    first = place(load, work)
    predict(config, first.memory, first.loads[0].descriptors, behavior)
    began = time.process_time()
    placed = place(load, work)
    found = predict(config, placed.memory, placed.work.descriptors, behavior)
    seconds = time.process_time() - began
    return Figures(work.value, Source.MODEL.value, found.counters, line.bound, line.limit, seconds), found
