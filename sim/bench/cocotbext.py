"""cocotbext-axi on the engine's ports, with random pauses on every channel."""

import random
import warnings
from collections.abc import Generator, Iterable
from typing import Any

from cocotbext.axi import AxiLiteBus, AxiLiteMaster

# 0.1.28 calls what cocotb 2 deprecates; a bench runs with warnings as errors
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.axi\.")
warnings.filterwarnings("ignore", category=FutureWarning, module=r"cocotbext\.axi\.")

WRITE_CHANNELS = ("aw_channel", "w_channel", "b_channel")
READ_CHANNELS = ("ar_channel", "r_channel")


def control_master(dut: Any, prefix: str, pause: float, seed: int, clock: Any, **reset: Any) -> Any:
    """Return an AxiLiteMaster on the port whose signals are `prefix`_awaddr and so on; `reset` as it takes it."""
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, prefix), clock, **reset)
    pause_channels((master.write_if, master.read_if), pause, seed)
    return master


def pause_channels(interfaces: Iterable[Any], pause: float, seed: int) -> None:
    """Let every channel pause in a share `pause` of the cycles, each at times of its own."""
    for side, (interface, channels) in enumerate(zip(interfaces, (WRITE_CHANNELS, READ_CHANNELS), strict=True)):
        for number, name in enumerate(channels):
            getattr(interface, name).set_pause_generator(_pauses(pause, random.Random(f"{seed} {side} {number}")))


def _pauses(pause: float, rng: random.Random) -> Generator[bool]:
    while True:
        yield rng.random() < pause
