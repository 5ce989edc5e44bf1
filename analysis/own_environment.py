"""Python environments for tools that cannot live in ours: made once, in the cache."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..model.errors import NormqError


class EnvironmentSetupError(NormqError):
    """A tool's environment could not be made."""


def own_python(place: Path, requirements: Sequence[str]) -> Path:
    """Return the Python of the environment in `place` with these packages, made at the first call, from a network.

    Raises EnvironmentSetupError with the last line of what pip said.
    """
    python, done = place / "bin" / "python", place / "installed"
    content = repr(tuple(requirements))
    if done.exists() and done.read_text() == content:
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
    ):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            last = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise EnvironmentSetupError(
                f"{place}: {' '.join(requirements)} cannot be installed (is there a network?): {last}"
            )
    done.write_text(content)
    return python
