"""`normq bench`: speeds of this machine, measured now."""

from rich.console import Console

from ..bench.golden import measure, table


def bench() -> None:
    """Time the golden model beside torch float32 at H=4096, V=50257 (about a minute and 3 GB)."""
    console, progress = Console(highlight=False), Console(stderr=True, highlight=False)
    rows = measure(lambda step: progress.print(f"bench: {step}", markup=False))
    console.print(table(rows))
