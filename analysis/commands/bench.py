"""`normq bench`: speeds of this machine, measured now."""

from rich.console import Console

from ..bench import golden, rtl


def bench() -> None:
    """Time the golden model beside torch float32 (H=4096, V=50257: a minute and 3 GB), and the simulated RTL."""
    console, progress = Console(highlight=False), Console(stderr=True, highlight=False)

    def report(step: str) -> None:
        progress.print(f"bench: {step}", markup=False)

    console.print(golden.table(golden.measure(report)))
    console.print(rtl.table(rtl.measure(report)))
