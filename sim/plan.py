"""What a bench of the engine is told, and the protocol that every bench follows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Plan:
    """Descriptors to run, and on which memory.

    A bench answers with a JSON object {violations, seconds, chains: [{status, completed_at, counters, beats_read,
    beats_written, dram}]}: status of a chain's first descriptor that failed, else DONE; cycles from the first doorbell
    to each completion; counters in the order of their registers; dram in that of sim.memory.dram.COUNTERS.
    """

    chains: Sequence[Sequence[int]]
    """Addresses of descriptors. Those of a chain are rung one after another, with cleared counters before the first."""
    memory: Mapping[str, int]
    """Inputs of the simulated memory, by the name of their port."""
    limit_cycles: int
    """No chain may take longer."""

    @property
    def json(self) -> str:
        """The plan for Python."""
        return json.dumps(asdict(self))

    @property
    def words(self) -> str:
        """The plan for C++ (sim/native/main.cpp): lines of words."""
        lines = [f"limit_cycles {self.limit_cycles}"]
        lines += [f"set {name} {value}" for name, value in self.memory.items()]
        lines += [" ".join(["chain", *map(str, chain)]) for chain in self.chains]
        return "".join(f"{line}\n" for line in lines)


class EngineBench(Protocol):
    """A compiled bench of the engine; who runs a plan cannot tell which."""

    def run_plan(self, plan: Plan, folder: Path, plusargs: Sequence[str]) -> str:
        """Run `plan` in `folder` and return the outcome as JSON.

        `plusargs` name the memory's image and dump (sim/memory/memory.sv). Raises SimulationError when the bench fails.
        """
        ...
