"""Folders that are filled once, whoever asks first."""

import fcntl
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

DONE = "done"


@contextmanager
def unfinished(folder: Path) -> Generator[Path | None]:
    """Give the emptied `folder` to be filled, or None when it is complete; complete once the block succeeds."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = folder / DONE
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two processes may want the same content
        if done.exists():
            yield None
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
        done.touch()
