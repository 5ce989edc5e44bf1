"""What a notebook shows, and at which size it runs."""

import os
from io import BytesIO

import pandas as pd
from IPython.display import Image, display
from matplotlib.figure import Figure

SIZE = "NORMQ_NOTEBOOKS"
"""Environment variable: FULL or REDUCED."""
FULL, REDUCED = "full", "reduced"


def is_reduced() -> bool:
    """Whether the notebook runs at the size of a test; statements hold at both sizes."""
    return os.environ.get(SIZE, FULL) == REDUCED


def show(what: Figure | pd.DataFrame) -> None:
    """Show a figure as PNG, a table as a table."""
    if isinstance(what, Figure):
        sink = BytesIO()
        what.savefig(sink, format="png")
        display(Image(sink.getvalue(), width=int(what.get_figwidth() * 150)))
    else:
        display(what)
