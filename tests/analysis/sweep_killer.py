"""A chunk that ends its worker, as the kernel does to a process that is out of memory."""

import os
import signal
from collections.abc import Mapping

from normq.analysis.sweep.plan import Answers, Chunk


def run_chunk(tasks: Chunk, digests: Mapping[str, str]) -> Answers:
    """In place of `plan.run_chunk`."""
    os.kill(os.getpid(), signal.SIGKILL)
    return Answers((), ())
