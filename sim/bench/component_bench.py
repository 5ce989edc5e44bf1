"""cocotb bench of one component: plays scenarios on its ports and records, cycle by cycle, what comes out.

Scenarios come as JSON in the file named by NORMQ_PLAN, recordings go to the file named by NORMQ_OUTCOME. Ports are
driven at falling edges and sampled right after, so that what is sampled in cycle t is a function of what is driven
in t and of registers as the rising edge of t - 1 left them: a value that passed L registers shows L cycles later.
`sim.bench.component` writes scenarios and reads recordings.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

Json = dict[str, Any]


class Source:
    """Offers the payloads of one input stream; each may have to wait for transfers elsewhere (`after`)."""

    def __init__(self, dut: Any, name: str, plan: Json, rng: random.Random) -> None:
        self.valid, self.ready = getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready")
        self.payload = getattr(dut, f"{name}__payload")
        self.payloads, self.idle, self.after = plan["payloads"], plan["idle"], plan.get("after")
        self.released = len(self.payloads) if self.after is None else 0
        self.rng, self.offering, self.cycles = rng, False, list[int]()
        self.valid.value = 0

    def drive(self) -> None:
        """Offer the next payload, or keep offering."""
        sent = len(self.cycles)
        if self.offering or sent >= min(self.released, len(self.payloads)) or self.rng.random() < self.idle:
            return
        self.payload.value = self.payloads[sent]
        self.valid.value = 1
        self.offering = True

    def sample(self, cycle: int) -> None:
        """Note a transfer."""
        if self.offering and int(self.ready.value):
            self.cycles.append(cycle)

    def settle(self, cycle: int) -> None:
        """At the next falling edge: take the offer back once it was taken."""
        if self.offering and self.cycles and self.cycles[-1] == cycle:
            self.offering = False
            self.valid.value = 0


class Sink:
    """Takes the payloads of one output stream, now and then not ready; sees that offers stay as they are."""

    def __init__(self, dut: Any, name: str, plan: Json, rng: random.Random) -> None:
        self.valid, self.ready = getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready")
        self.payload = getattr(dut, f"{name}__payload")
        self.stall, self.rng = plan["stall"], rng
        self.taken: list[tuple[int, int]] = []
        self.unstable, self.is_ready = 0, False
        self.held: int | None = None
        self.ready.value = 0

    def drive(self) -> None:
        """Be ready, or not."""
        self.is_ready = self.rng.random() >= self.stall
        self.ready.value = int(self.is_ready)

    def sample(self, cycle: int) -> None:
        """Note a transfer, or an offer that was taken back or changed."""
        valid = int(self.valid.value)
        payload = int(self.payload.value) if valid else None
        self.unstable += self.held is not None and payload != self.held
        self.held = payload if valid and not self.is_ready else None
        if payload is not None and self.is_ready:
            self.taken.append((cycle, payload))


class Memory:
    """Answers read bursts from `content`: a source whose payloads follow from the requests."""

    def __init__(self, source: Source, request: Sink, plan: Json) -> None:
        self.source, self.request, self.plan = source, request, plan
        self.content = Path(plan["content"]).read_bytes()
        self.seen = 0

    def answer(self) -> None:
        """Queue the beats of new requests: {data, last, error}."""
        size = self.plan["bytes"]
        for _, payload in self.request.taken[self.seen :]:
            address, length = payload & ((1 << 40) - 1), payload >> 40 & 255
            for beat in range(length + 1):
                start = address + beat * size
                data = int.from_bytes(self.content[start : start + size], "little")
                self.source.payloads.append(data | int(beat == length) << 8 * size)
                self.source.released += 1
        self.seen = len(self.request.taken)


async def play(dut: Any, scenario: Json) -> Json:
    """Play one scenario from reset."""
    rng = random.Random(scenario["seed"])
    inputs, record = scenario["inputs"], scenario["record"]
    sources = {name: Source(dut, name, plan, rng) for name, plan in scenario["sources"].items()}
    sinks = {name: Sink(dut, name, plan, rng) for name, plan in scenario["sinks"].items()}
    memories = [Memory(sources[plan["response"]], sinks[plan["request"]], plan) for plan in scenario["memories"]]
    handles = {name: getattr(dut, name) for name in (*inputs, *record)}
    for name, values in inputs.items():
        handles[name].value = values[0]
    dut.rst.value = 1
    for _ in range(2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    recorded: dict[str, list[int]] = {name: [] for name in record}
    cycle = 0
    while cycle < scenario["cycles"] and not _is_over(scenario["until"], sinks):
        for name, values in inputs.items():
            if 0 < cycle < len(values) and values[cycle] != values[cycle - 1]:
                handles[name].value = values[cycle]
        for end in (*sources.values(), *sinks.values()):
            end.drive()
        await ReadOnly()
        for end in (*sources.values(), *sinks.values()):
            end.sample(cycle)
        for name, values in recorded.items():
            values.append(int(handles[name].value))
        await FallingEdge(dut.clk)
        for source in sources.values():
            source.settle(cycle)
            if source.after is not None:
                _release(source, source.after["bit"], sinks[source.after["sink"]])
        for memory in memories:
            memory.answer()
        cycle += 1
    return {
        "cycles": cycle,
        "unstable": sum(sink.unstable for sink in sinks.values()),
        "sources": {name: source.cycles for name, source in sources.items()},
        "sinks": {name: sink.taken for name, sink in sinks.items()},
        "record": recorded,
    }


def _release(source: Source, bit: int, sink: Sink) -> None:
    """As many payloads as transfers of `sink` had that bit set."""
    source.released = sum(payload >> bit & 1 for _, payload in sink.taken)


def _is_over(until: dict[str, int], sinks: dict[str, Sink]) -> bool:
    return bool(until) and all(len(sinks[name].taken) >= count for name, count in until.items())


@cocotb.test()
async def play_scenarios(dut: Any) -> None:
    """Play every scenario in order."""
    plan = json.loads(Path(os.environ["NORMQ_PLAN"]).read_text())
    Clock(dut.clk, 10, unit="ns").start()
    await FallingEdge(dut.clk)
    recordings = [await play(dut, scenario) for scenario in plan]
    Path(os.environ["NORMQ_OUTCOME"]).write_text(json.dumps(recordings))
