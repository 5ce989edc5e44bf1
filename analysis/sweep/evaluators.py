"""Everything that a point can be asked: by name, what it takes, and what its answers depend on."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ...model.errors import NormqError
from ...sim.memory.map import CorruptedMemoryError
from ...sim.results import SimulationError
from ...sim.timing.predict import TimingError
from .cost import evaluate_point_cost
from .fpga import evaluate_point_fpga
from .point import DesignPoint, ImpossiblePointError
from .quality import evaluate_quality
from .rtl import evaluate_rtl
from .setup import evaluate_setup
from .setup_cost import evaluate_setup_cost
from .sources import sources_digest
from .timing import Fields, evaluate_timing

OK, IMPOSSIBLE, FAILED = "ok", "impossible", "failed"
Known = Mapping[str, Fields]
"""What evaluators said of a point before, by name."""


@dataclass(frozen=True)
class Evaluator:
    """One kind of figures of a design point."""

    name: str
    evaluate: Callable[[DesignPoint, Known], Fields]
    """Raises ImpossiblePointError and NormqError where a point has no such figures, and why."""
    modules: tuple[str, ...]
    """Where its figures come from."""
    needs: tuple[str, ...] = ()
    """Evaluators whose answers it takes."""
    data: tuple[str, ...] = ()
    """Patterns of files that it reads."""


@dataclass(frozen=True)
class Result:
    """What one evaluator said of one point."""

    point: str
    """Digest."""
    evaluator: str
    sources: str
    """Digest of the evaluator's sources."""
    status: str
    reason: str = ""
    fields: Fields = field(default_factory=dict[str, object])
    seconds: float = 0.0
    """Processor time."""


def _timing(point: DesignPoint, known: Known) -> Fields:
    return evaluate_timing(point)


def _rtl(point: DesignPoint, known: Known) -> Fields:
    return evaluate_rtl(point, known["timing"])


def _cost(point: DesignPoint, known: Known) -> Fields:
    return evaluate_point_cost(point, known["timing"])


def _setup_cost(point: DesignPoint, known: Known) -> Fields:
    return evaluate_setup_cost(point, known["setup"])


def _fpga(point: DesignPoint, known: Known) -> Fields:
    return evaluate_point_fpga(point)


def _quality(point: DesignPoint, known: Known) -> Fields:
    return evaluate_quality(point)


def _setup(point: DesignPoint, known: Known) -> Fields:
    return evaluate_setup(point)


EVALUATORS = {
    one.name: one
    for one in (
        Evaluator("timing", _timing, ("analysis/sweep/timing.py",), data=("model/default/*.safetensors",)),
        Evaluator("setup", _setup, ("analysis/sweep/setup.py",), data=("model/default/*.safetensors",)),
        Evaluator("cost", _cost, ("analysis/sweep/cost.py",), ("timing",), ("analysis/cost/results/*",)),
        Evaluator(
            "setup_cost", _setup_cost, ("analysis/sweep/setup_cost.py",), ("setup",), ("analysis/cost/results/*",)
        ),
        Evaluator("fpga", _fpga, ("analysis/sweep/fpga.py",), data=("analysis/cost/results/*",)),
        Evaluator("quality", _quality, ("analysis/sweep/quality.py",), data=("analysis/study/results/*.parquet",)),
        Evaluator("rtl", _rtl, ("analysis/sweep/rtl.py",), ("timing",), ("sim/memory/*.sv", "sim/native/*")),
    )
}


@cache
def digest_of(name: str) -> str:
    """Return the digest of the sources behind an evaluator, those that it needs included."""
    chain = [EVALUATORS[name], *(EVALUATORS[needed] for needed in EVALUATORS[name].needs)]
    return sources_digest([file for one in chain for file in one.modules], [file for one in chain for file in one.data])


def evaluate(point: DesignPoint, name: str, known: Known) -> Result:
    """Ask one evaluator; an impossible point and a failed run are results with their reason, whatever is raised."""
    began = time.process_time()
    status, reason, fields = OK, "", dict[str, object]()
    try:
        fields = EVALUATORS[name].evaluate(point, known)
    except (ImpossiblePointError, NormqError) as error:
        status, reason = IMPOSSIBLE, str(error)
    except (SimulationError, CorruptedMemoryError, TimingError) as error:
        status, reason = FAILED, f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001  # a bug of ours fails its point, the others go on
        status, reason = FAILED, _bug(error)
    seconds = time.process_time() - began
    return Result(point.digest, name, digest_of(name), status, reason, fields, seconds)


def _bug(error: Exception) -> str:
    """Return type, message on one line and where it was raised."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({Path(place.filename).name}:{place.lineno})"
