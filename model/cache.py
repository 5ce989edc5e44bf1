"""Where computed things stay between runs: `build/` in a checkout, the user's cache folder in an installed wheel."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def cache_folder(name: str) -> Path:
    """Return the folder for the cache called `name`; it need not exist yet."""
    if (PACKAGE / "pyproject.toml").exists():
        return PACKAGE / "build" / name
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "normq" / name
