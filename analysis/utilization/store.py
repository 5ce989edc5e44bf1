"""Measured points on disk, each in a file of its own: an interrupted study goes on, a finished one takes seconds."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from ...model.atomic import replacing
from ...sim.engine import identity
from ..job.store import SOURCES as JOB_SOURCES
from ..job.store import content_digest
from .row import Measurement
from .spec import PointSpec

SOURCES = (
    *(name for name in JOB_SOURCES if not name.startswith("analysis/")),
    "sim/native/*",
    "analysis/roofline.py",
    "analysis/utilization/compute.py",
    "analysis/utilization/models.py",
    "analysis/utilization/row.py",
)
"""Everything that decides what is measured."""


class PointStore:
    """The rows of measured points, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._digest = content_digest(SOURCES)

    def get(self, spec: PointSpec) -> list[Measurement] | None:
        """Return the rows of `spec`, or None when it was never measured from today's sources."""
        path = self._path(spec)
        if not path.exists():
            return None
        return [Measurement(**fields) for fields in json.loads(path.read_text())]

    def put(self, spec: PointSpec, rows: list[Measurement]) -> None:
        """Keep the rows of a point."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(spec)) as draft:
            draft.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")

    def _path(self, spec: PointSpec) -> Path:
        sizes = f"{spec.hidden} {spec.bits} {spec.layout} {spec.vocab} {spec.scored}"
        key = f"{sizes} {identity(spec.build)} {self._digest}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.json"
