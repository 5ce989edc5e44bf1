"""Running a notebook: the script becomes cells, a kernel runs them, outputs are kept."""

import os
import tempfile
from pathlib import Path

import jupytext
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from ...model.errors import OptionError
from .show import FULL, REDUCED, SIZE

FOLDER = Path(__file__).parent
NAMES = ("tour", "exploration", "formats", "sparsity", "waveform")
"""In the order in which they are best read."""
SECONDS = 3600
WITHOUT_WIDGETS = "ignore:IProgress not found"
"""What tqdm, which optuna brings, says in a kernel without ipywidgets; no notebook shows a bar."""


class NotebookError(Exception):
    """A cell that raised: a sentence that does not hold, or code that does not run."""


def executed(name: str, is_reduced: bool) -> NotebookNode:
    """Return a notebook with its outputs. Raises NotebookError with the cell and its error; OptionError for no name."""
    if name not in NAMES:
        raise OptionError(f"--only: {name!r} given, expected one of {', '.join(NAMES)}")
    notebook: NotebookNode = jupytext.read(FOLDER / f"{name}.py")
    environment = {**os.environ, SIZE: REDUCED if is_reduced else FULL, "PYTHONWARNINGS": WITHOUT_WIDGETS}
    with tempfile.TemporaryDirectory() as place:
        # over sockets in a folder of its own, not over ports: nobody else on the machine can listen
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{place}/kernel")
        resources = {"metadata": {"path": place}}
        client = NotebookClient(notebook, km=manager, timeout=SECONDS, resources=resources)
        try:
            client.execute(env=environment, cleanup_kc=True)
        except CellExecutionError as error:
            raise NotebookError(f"{name}: {error}") from error
    return notebook


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as .ipynb."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
