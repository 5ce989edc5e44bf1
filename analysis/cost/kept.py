"""Results of a tool, kept by the content that they came from."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ...model.atomic import replacing
from ...model.cache import cache_folder

Fields = dict[str, Any]
CACHE = cache_folder("cost") / "runs"


def digest(parts: Mapping[str, Any]) -> str:
    """Return the digest of what a run depends on: texts, versions, flags."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]


def kept(parts: Mapping[str, Any], run: Callable[[], Fields], folder: Path = CACHE) -> Fields:
    """Return the fields that `run` gives, from disk where the same parts were run before.

    A run whose "error" is not empty is returned but not kept: the next call tries again.
    """
    path = folder / f"{digest(parts)}.json"
    if path.is_file():
        return json.loads(path.read_text())
    fields = run()
    if not fields.get("error"):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            draft.write_text(json.dumps(fields))
    return fields
