"""A sweep with an evaluator of its own, also in a process that can be killed: `python -m ... STORE CHUNK SECONDS`."""

import sys
import time
from contextlib import closing
from pathlib import Path

from normq.analysis.sweep.evaluators import EVALUATORS, Evaluator, Known
from normq.analysis.sweep.plan import Inline
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.run import Progress, Sweep, Tell
from normq.analysis.sweep.spec import SweepSpec
from normq.analysis.sweep.store import SweepStore
from normq.analysis.sweep.timing import Fields

COUNT = 400
SPEC = {"evaluators": ["setup"], "space": [{"point": {"latency": list(range(1, COUNT + 1))}}]}


def stub(seconds: float) -> Evaluator:
    """An evaluator of that time a point."""

    def slow(point: DesignPoint, known: Known) -> Fields:
        time.sleep(seconds)
        return {"cycles_setup": 3 * point.latency}

    return Evaluator("setup", slow, ("analysis/sweep/point.py",))


def fill(path: Path, chunk: int, tell: Tell) -> Progress:
    """Answer COUNT points into a store."""
    with closing(SweepStore(path)) as store:
        return Sweep(SweepSpec.model_validate(SPEC), store, Inline(), tell, chunk).run()


def say(progress: Progress) -> None:
    """Acknowledge what is stored."""
    sys.stdout.write(f"{progress.done}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    EVALUATORS["setup"] = stub(float(sys.argv[3]))
    fill(Path(sys.argv[1]), int(sys.argv[2]), say)
