"""The numba decorators: every option fixed once, the cache keyed by the text of every file that may hold a kernel.

numba's own cache does not see an edit in another file whose function it inlined, and returns the old result.
"""

import hashlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
from numba.core import config

from .cache import PACKAGE, cache_folder

P = ParamSpec("P")
R = TypeVar("R")

KERNEL_FOLDERS = ("model", "sim/memory", "sim/timing")
"""Where kernels, and the constants that they take in, are written."""


def _digest() -> str:
    files = sorted(path for folder in KERNEL_FOLDERS for path in (PACKAGE / folder).rglob("*.py"))
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


# set before any kernel is decorated: numba reads it at decoration
config.CACHE_DIR = str(cache_folder("numba") / _digest())  # pyright: ignore[reportAttributeAccessIssue]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` without the interpreter, integers wrapping as in NumPy, cached on disk."""
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)  # pyright: ignore
    return compiled


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` as `kernel` does, into whatever kernel calls it: for the many small steps of a hot loop."""
    compiled: Any = numba.njit(forceinline=True, nogil=True, error_model="numpy")(function)  # pyright: ignore
    return compiled
