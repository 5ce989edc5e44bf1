"""Token steps that were simulated before, kept by content."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from ...model.atomic import replacing
from ...model.cache import cache_folder
from ...sim.engine import identity
from ..job.store import SOURCES as JOB_SOURCES
from ..job.store import content_digest
from .compute import Tell, compute_step
from .report import StepReport
from .spec import StepSpec

CACHE = cache_folder("simulate")
SOURCES = (*JOB_SOURCES, "model/decoding/*.py", "sim/native/*", "analysis/simulate/*.py")
"""Everything that decides what a report says."""


def step_report(spec: StepSpec, tell: Tell, trace: Path | None = None) -> StepReport:
    """Return the report of a run, from the cache when nothing has changed; one with a difference is never kept.

    With a `trace`, a log of every burst, the step always runs.
    """
    content = f"{spec!r} {identity(spec.sizes.config)} {spec.sizes.memory_bytes} {content_digest(SOURCES)}"
    key = hashlib.sha256(content.encode()).hexdigest()[:20]
    kept = CACHE / f"{key}.json"
    if kept.exists() and trace is None:
        return StepReport.of(json.loads(kept.read_text()))
    report = compute_step(spec, tell, trace)
    if report.is_equal:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as draft:
            draft.write_text(json.dumps(asdict(report), indent=1) + "\n")
    return report
