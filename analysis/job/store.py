"""Finished rows on disk, so that an interrupted job goes on and a second one takes seconds."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import Field, asdict
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ...model.cache import PACKAGE
from ...sim.engine import identity
from .row import Fields
from .spec import CONFIG, MEMORY_BYTES

SOURCES = (
    "model/*.py",
    "model/default/*",
    "model/golden/*.py",
    "model/packing/*.py",
    "model/quantize/*.py",
    "rtl/**/*.py",
    "sim/*.py",
    "sim/bench/*.py",
    "sim/memory/*",
    "analysis/job/compute.py",
    "analysis/job/row.py",
    "analysis/job/spec.py",
    "analysis/quality.py",
    "analysis/roofline.py",
    "analysis/stimuli.py",
)
"""Everything that decides what a row holds."""


def content_digest(patterns: Iterable[str] = SOURCES, root: Path = PACKAGE) -> str:
    """Return a digest of the files that `patterns` name, and of the build's configuration."""
    content = hashlib.sha256(f"{identity(CONFIG)} {MEMORY_BYTES}".encode())
    for path in sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()}):
        content.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:16]


class Record(Protocol):
    """A dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


R = TypeVar("R", bound=Record)


class RowStore(Generic[R]):
    """Rows in a file of JSON lines, each under what it was computed from; the last of a key counts.

    `read` makes a row of the fields that `asdict` made of it. A line that a killed process left unfinished is passed
    over.
    """

    def __init__(self, path: Path, digest: str, read: Callable[[Fields], R]) -> None:
        self.path, self.digest = path, digest
        self._rows: dict[str, R] = {}
        for line in path.read_text().splitlines() if path.exists() else []:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            if entry["digest"] == digest:
                self._rows[entry["spec"]] = read(entry["row"])

    def get(self, spec: object) -> R | None:
        """Return the row of `spec`, by its repr, or None when it was never finished from today's sources."""
        return self._rows.get(repr(spec))

    def put(self, spec: object, row: R) -> None:
        """Keep a finished row."""
        self._rows[repr(spec)] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entry = json.dumps({"digest": self.digest, "spec": repr(spec), "row": asdict(row)})
        whole = not self.path.exists() or self.path.read_bytes().endswith(b"\n") or not self.path.stat().st_size
        with self.path.open("a") as file:
            file.write(("" if whole else "\n") + entry + "\n")
