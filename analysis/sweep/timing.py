"""Evaluator "timing": every counter of a token step, by the timing model."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...model.formats import CODE_BYTES
from ...model.golden.constants import Operation
from ...sim.session import MemoryBehavior
from ...sim.timing.predict import predict
from ...sim.token_step import PHASES, TokenStep
from ..cycle_sources import PREDICTED
from ..roofline import Roofline, operand
from ..simulate.limits import phase_rooflines, total
from .point import DesignPoint
from .workload import RESIDENT, Placed, place

Fields = dict[str, Any]
TRAFFIC = {
    "weights": ("read.weights",),
    "vectors": ("read.vectors", "write.vectors"),
    "scores": ("write.scores",),
}
"""Kinds of bytes on the port by counter; the rest is "other"."""
PORT = ("read.", "write.")
KEPT = 256
"""Answers that a worker keeps: neighbors in a chunk differ in the node alone, or in beams."""


def evaluate_timing(point: DesignPoint) -> Fields:
    """Return the columns of a point's token step. Raises ImpossiblePointError."""
    return {**_timing(point.engine_alone)}


@lru_cache(maxsize=KEPT)
def _timing(point: DesignPoint) -> Fields:
    placed, behavior = place(point), point.behavior()
    found = predict(placed.config, placed.memory, placed.step.chain.descriptors, behavior)
    fields = step_fields(placed.step, found.counters, found.completed_at)
    line = step_roofline(point, placed)
    return {
        **fields,
        "roofline_cycles": line.bound,
        "roofline_limit": line.limit,
        "over_roofline": fields["cycles"] / line.bound,
        "latency_us": fields["cycles"] / point.clock_mhz,
        "model_bytes": sum(operand(placed.packed, one).data.size for one in Operation),
        "automaton_states": placed.scene.automaton.states,
        "listed_lanes": sum(int(item.has_edge.sum()) for item in placed.scene.items),
        "source": PREDICTED,
        "counters": all_counters(found.counters, found.dram, behavior),
    }


def all_counters(counters: Mapping[str, int], dram: Mapping[str, int], behavior: MemoryBehavior) -> dict[str, int]:
    """Return the engine's counters and, where there is a DRAM, its own as "dram.<name>"."""
    return {**counters, **({f"dram.{name}": value for name, value in dram.items()} if behavior.dram else {})}


def step_fields(step: TokenStep, counters: Mapping[str, int], completed_at: tuple[int, ...]) -> Fields:
    """Return the columns that counters and ends of descriptors say.

    A phase has the cycles of its descriptors, each from the end of the one before to its own: they add up to `cycles`.
    """
    # the last end is seen a cycle after the engine has counted its last
    ends = np.minimum(completed_at, counters["engine.cycles"])
    spent, phases = np.diff(ends, prepend=0), np.array(step.phases)
    by_phase = {name: int(spent[phases == name].sum()) for name in PHASES}
    kinds = {kind: sum(counters[name] for name in names) for kind, names in TRAFFIC.items()}
    port = sum(value for name, value in counters.items() if name.startswith(PORT))
    return {
        "cycles_forward": by_phase["forward"],
        "cycles_denominators": by_phase["denominators"],
        "cycles_numerators": by_phase["numerators"],
        "cycles_listed": by_phase["listed scores"],
        "cycles": counters["engine.cycles"],
        **{f"bytes_{kind}": value for kind, value in kinds.items()},
        "bytes_other": port - sum(kinds.values()),
        "bytes_total": port,
        "bytes_local": sum(value for name, value in counters.items() if name.startswith("local.")),
        "entries": counters["gather.entries"],
        "multiply_accumulates": counters["gather.multiply_accumulates"],
        "pass_words": counters["passes.words"],
        "busy_cycles": counters["gather.busy"],
        "stall_input": counters["gather.stall_input"],
        "stall_output": counters["gather.stall_output"],
        "stall_memory": counters["gather.stall_memory"],
        "stall_idle": counters["gather.idle"],
    }


def step_roofline(point: DesignPoint, placed: Placed) -> Roofline:
    """Return the terms of a token step over all its groups; what is kept on chip does not cross the port."""
    config, packed = placed.config, placed.packed
    line = total(phase_rooflines(config, packed, placed.scene, None).values())
    if point.keeps_model:
        passes = {Operation.FORWARD: 1, Operation.SCORES: 2}
        kept = sum(passes[one] * operand(packed, one).data.size for one in RESIDENT) * point.groups
        line = replace(line, read=line.read - kept / config.port_bytes)
    if point.keeps_vectors:
        vectors = point.groups * config.lanes
        size = CODE_BYTES * point.hidden_states / config.port_bytes
        line = replace(line, read=line.read - 2 * vectors * size, write=line.write - vectors * size)
    return line
