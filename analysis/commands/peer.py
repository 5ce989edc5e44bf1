"""`normq peer`: the timing model beside SCALE-Sim."""

from rich.console import Console

from ..peer.compare import compare, table
from ..peer.environment import peer_python


def peer() -> None:
    """Run dense products on SCALE-Sim v3 and on the timing model: cycles, and processor time per design point.

    The first run installs SCALE-Sim into an environment of its own; a run takes some minutes, nearly all of it
    SCALE-Sim's.
    """
    console, progress = Console(highlight=False), Console(stderr=True, highlight=False)
    progress.print("peer: the environment of SCALE-Sim (installed once)")
    rows = compare(peer_python(), lambda step: progress.print(f"peer: {step}", markup=False))
    console.print(table(rows))
