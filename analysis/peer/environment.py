"""A Python environment for SCALE-Sim: it breaks with the NumPy that everything else here uses."""

import subprocess
import sys
from pathlib import Path

from ...model.cache import cache_folder
from ...model.errors import NormqError

REQUIREMENTS = ("scalesim==3.0.0", "numpy==2.2.6")
"""scalesim 3.0.0 (PyPI) stops with an error under NumPy 2.3 and later."""


class PeerError(NormqError):
    """SCALE-Sim could not be installed, or did not run."""


def peer_python(folder: Path | None = None) -> Path:
    """Return the Python of the environment, made at the first call: half a minute, and a network.

    Raises PeerError with the last line of what pip said.
    """
    place = folder or cache_folder("peer")
    python, done = place / "bin" / "python", place / "installed"
    if done.exists() and done.read_text() == repr(REQUIREMENTS):
        return python
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
    ):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            last = (result.stderr.strip().splitlines() or ["no message"])[-1]
            raise PeerError(f"{place}: {' '.join(REQUIREMENTS)} cannot be installed (is there a network?): {last}")
    done.write_text(repr(REQUIREMENTS))
    return python
