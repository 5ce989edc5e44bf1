"""The machine that a measurement ran on, in words."""

import os
import platform
from pathlib import Path

import torch

BUSY = 0.25
"""Processes that wait for a core, for each core, from which on the machine counts as busy."""


def description(device: str) -> str:
    """Return cores, processor, versions, and whether others were at work when it was asked."""
    cores = os.cpu_count() or 1
    told = f"{cores} cores of {_processor()}, torch {torch.__version__}"
    if device == "cuda":
        told += f", {torch.cuda.get_device_name()}"
    return f"{told}, {load(os.getloadavg()[0], cores)}"


def load(average: float, cores: int) -> str:
    """Return how busy a machine of this many cores is with this many processes wanting one."""
    state = "busy with other work" if average > cores * BUSY else "idle otherwise"
    return f"{state} (load {average:.1f})"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
