"""A Python environment for SCALE-Sim: it breaks with the NumPy that everything else here uses."""

from pathlib import Path

from ...model.cache import cache_folder
from ...model.errors import NormqError
from ..own_environment import own_python

REQUIREMENTS = ("scalesim==3.0.0", "numpy==2.2.6")
"""scalesim 3.0.0 (PyPI) stops with an error under NumPy 2.3 and later."""


class PeerError(NormqError):
    """SCALE-Sim did not run."""


def peer_python() -> Path:
    """Return the Python of the environment, made at the first call: half a minute, and a network.

    Raises EnvironmentSetupError with the last line of what pip said.
    """
    return own_python(cache_folder("peer"), REQUIREMENTS)
