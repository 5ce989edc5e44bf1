"""Components on their own: scenarios for `component_bench`, and what they recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amaranth.lib import data, wiring

from ..build import build
from ..verilog import emit

BENCH_MODULE = "normq.sim.bench.component_bench"


@dataclass(frozen=True)
class Source:
    """Payloads of an input stream."""

    payloads: Sequence[int]
    idle: float = 0.0
    """Probability of a cycle without an offer."""
    after: tuple[str, int] | None = None
    """(sink, bit): payload k is offered once k + 1 transfers of that sink had that bit set."""


@dataclass(frozen=True)
class ReadMemory:
    """Answers the bursts of stream `request` on stream `response` with the bytes of file `content`."""

    request: str
    response: str
    bytes: int
    content: Path
    idle: float = 0.0


@dataclass(frozen=True)
class Scenario:
    """What to do from reset on. Inputs keep their last value; the first one stands during reset."""

    inputs: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])
    """Values of plain input ports, one a cycle."""
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    sinks: Mapping[str, float] = field(default_factory=dict[str, float])
    """Probability that an output stream is not taken in a cycle."""
    memories: Sequence[ReadMemory] = ()
    record: Sequence[str] = ()
    """Ports to sample in every cycle."""
    cycles: int = 10_000
    """The scenario ends after these, at the latest."""
    until: Mapping[str, int] = field(default_factory=dict[str, int])
    """It ends when each of these sinks has seen so many transfers."""
    seed: int = 1


@dataclass(frozen=True)
class Recording:
    """What one scenario showed."""

    cycles: int
    unstable: int
    """Offers that were taken back or changed before they were taken."""
    sources: dict[str, list[int]]
    """Cycles of the transfers of each input stream."""
    sinks: dict[str, list[tuple[int, int]]]
    """(cycle, payload) of the transfers of each output stream."""
    record: dict[str, list[int]]

    def payloads(self, sink: str) -> list[int]:
        """What came out of a stream."""
        return [payload for _, payload in self.sinks[sink]]

    def cycles_of(self, sink: str) -> list[int]:
        """When it came."""
        return [cycle for cycle, _ in self.sinks[sink]]


def play(component: wiring.Component, name: str, scenarios: Sequence[Scenario], folder: Path) -> list[Recording]:
    """Build `component` as module `name` and play `scenarios`; raises SimulationError when the bench fails."""
    folder.mkdir(parents=True, exist_ok=True)
    plan, outcome = folder / "plan.json", folder / "outcome.json"
    plan.write_text(json.dumps([_scenario(scenario) for scenario in scenarios]))
    build(emit(component, name)).run(
        BENCH_MODULE, folder, {"NORMQ_PLAN": str(plan.resolve()), "NORMQ_OUTCOME": str(outcome.resolve())}
    )
    return [
        Recording(
            entry["cycles"],
            entry["unstable"],
            entry["sources"],
            {name: [(cycle, payload) for cycle, payload in taken] for name, taken in entry["sinks"].items()},
            entry["record"],
        )
        for entry in json.loads(outcome.read_text())
    ]


def packed(layout: data.StructLayout, **fields: Any) -> int:
    """Return the bits of a payload."""
    constant: Any = layout.const
    return int(constant(fields).as_bits())


def unpacked(layout: data.StructLayout, bits: int) -> Any:
    """Return the fields of a payload as attributes."""
    return layout.from_bits(bits)


def _scenario(scenario: Scenario) -> dict[str, Any]:
    sources: dict[str, dict[str, Any]] = {
        name: {
            "payloads": list(source.payloads),
            "idle": source.idle,
            **({} if source.after is None else {"after": {"sink": source.after[0], "bit": source.after[1]}}),
        }
        for name, source in scenario.sources.items()
    }
    for memory in scenario.memories:
        sources[memory.response] = {"payloads": [], "idle": memory.idle}
    return {
        "inputs": {name: list(values) for name, values in scenario.inputs.items()},
        "sources": sources,
        "sinks": {name: {"stall": stall} for name, stall in scenario.sinks.items()},
        "memories": [
            {"request": m.request, "response": m.response, "bytes": m.bytes, "content": str(m.content.resolve())}
            for m in scenario.memories
        ],
        "record": list(scenario.record),
        "cycles": scenario.cycles,
        "until": dict(scenario.until),
        "seed": scenario.seed,
    }
