"""What an evaluator's figures depend on: its own module and every module of this package that it imports."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from ...model.cache import PACKAGE


def sources_digest(modules: Iterable[str], data: Iterable[str] = (), root: Path = PACKAGE) -> str:
    """Return a digest of `modules`, files below `root`, of all they import from it, and of the files `data` match.

    Nothing else counts: a changed README keeps every row, a changed module that an evaluator reaches none.
    """
    files = {file for module in modules for file in import_closure(root / module, root)}
    files |= {path for pattern in data for path in root.glob(pattern) if path.is_file()}
    content = hashlib.sha256()
    for path in sorted(files):
        content.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


@lru_cache(maxsize=64)
def import_closure(file: Path, root: Path = PACKAGE) -> frozenset[Path]:
    """Return `file` and every file below `root` that it imports by relative imports, directly or not."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [*_imported(path, root)]
    return frozenset(found)


def _imported(path: Path, root: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = path.parents[node.level - 1]
        parts = node.module.split(".") if node.module else []
        names = [(*parts, alias.name) for alias in node.names]
        for name in (tuple(parts), *names):
            target = base.joinpath(*name)
            for candidate in (target.with_suffix(".py"), target / "__init__.py"):
                if candidate.is_file() and root in candidate.parents:
                    yield candidate
