"""Files that a wheel brings, without what it depends on: downloaded once, into the cache."""

import subprocess
import sys
from pathlib import Path

from ..sim.once import unfinished
from .own_environment import EnvironmentSetupError


def package_files(cache: Path, requirement: str) -> Path:
    """Return the folder that holds the files of a wheel, as `name==version`; fetched at the first call, from a network.

    Raises EnvironmentSetupError with the last line of what pip said.
    """
    kept = cache / requirement
    with unfinished(kept) as folder:
        if folder:
            result = subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
                    *("--no-deps", "--only-binary", ":all:", "--target", str(folder), requirement),
                ],
                capture_output=True,
                text=True,
            )
            if result.returncode:
                last = (result.stderr.strip().splitlines() or ["no message"])[-1]
                raise EnvironmentSetupError(f"{cache}: {requirement} cannot be fetched (is there a network?): {last}")
    return kept
