"""Evaluator "setup": what the engine does once per constraint, the backward table of its automaton."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ...model.decoding.automaton import Automaton
from ...model.errors import NormqError
from ...model.formats import CODE_BYTES
from ...model.golden.constants import Operation
from ...rtl.constraint.layouts import MOST_TERMS
from ...sim.descriptors import Job, ModelImage
from ...sim.edge_descriptors import ConstraintImage, Edge, StoredTerm
from ...sim.memory.map import MemoryMap
from ...sim.operand import StoredVectors, vector_stride
from ...sim.timing.predict import predict
from ..simulate.scenario import GREATEST_TOKENS, LEAST_TOKENS
from .point import DesignPoint, ImpossiblePointError
from .timing import KEPT, PORT, Fields, all_counters
from .workload import cast_of, packed_of


@dataclass(frozen=True)
class Setup:
    """Descriptors of a constraint: each runs alone, as often as said."""

    jobs: tuple[tuple[Job, int], ...]
    edges: int
    levels: int
    """Lengths for which the table has a row of states."""


def evaluate_setup(point: DesignPoint) -> Fields:
    """Return the columns of a point's constraint. Raises ImpossiblePointError.

    One length of each kind is predicted and counted as often as it occurs: lengths differ in nothing but addresses, and
    by them a DRAM's rows. Neither beams nor what stays on chip matters.
    """
    return {**_setup(replace(point.engine_alone, beams=1, residency="none"))}


@lru_cache(maxsize=KEPT)
def _setup(point: DesignPoint) -> Fields:
    config, packed, behavior = point.config(), packed_of(point), point.behavior()
    automaton = cast_of(point, packed).automaton
    memory = MemoryMap(config.local_bytes)
    image = ModelImage(config, packed, memory)
    try:
        setup = place_setup(image, automaton)
    except NormqError as error:
        raise ImpossiblePointError(str(error)) from error
    counters: Counter[str] = Counter()
    for job, times in setup.jobs:
        found = predict(config, memory, job.descriptors, behavior)
        for name, value in all_counters(found.counters, found.dram, behavior).items():
            counters[name] += times * value
    size = packed.hidden_states * CODE_BYTES
    return {
        "cycles_setup": counters["engine.cycles"],
        "setup_us": counters["engine.cycles"] / point.clock_mhz,
        "bytes_setup": sum(value for name, value in counters.items() if name.startswith(PORT)),
        "table_bytes": automaton.states * setup.levels * size,
        "table_step_bytes": automaton.states * size,
        "automaton_edges": setup.edges,
        "counters": dict(counters),
    }


def place_setup(image: ModelImage, automaton: Automaton) -> Setup:
    """Lay down the weights of all edges, one length of each kind of edge sums, and the backward step of a length.

    As `backward_table`: W[g][u] is a sum over the edges of u, and of end-of-text where u accepts and g is long enough.
    Raises ImpossiblePointError for a state with more terms than a sum takes.
    """
    constraint, eos = ConstraintImage(image), image.model.eos_token_id
    edges = [automaton.edges(state) for state in range(automaton.states)]
    listed = list(dict.fromkeys(edge for own in edges for edge in own if not edge.is_default))
    weights = constraint.weights(
        [
            *(Edge(edge.tokens) for edge in listed),
            *(Edge((*own[0].tokens, eos), others=True) for own in edges),
            Edge((eos,)),
        ]
    )
    row = {edge: number for number, edge in enumerate(listed)}
    written, stride = weights.written, vector_stride(image.model.hidden_states)
    after = image.memory.reserve("table of a length", stride * automaton.states)
    successors = StoredVectors(
        tuple(after.address + state * stride for state in range(automaton.states)), (0,) * automaton.states
    )
    steps = [
        [
            StoredTerm(
                written.take([len(listed) + state if edge.is_default else row[edge]]), successors.take([edge.target])
            )
            for edge in own
        ]
        for state, own in enumerate(edges)
    ]
    end = StoredTerm(written.take([len(listed) + automaton.states]))
    ended = [[*terms, *([end] if state in automaton.accepting else [])] for state, terms in enumerate(steps)]
    kinds = (
        (constraint.sums(_checked(ended)), GREATEST_TOKENS - LEAST_TOKENS),
        (constraint.sums(_checked(steps)), LEAST_TOKENS),
        (constraint.sums([[end] for _ in automaton.accepting]), 1),
    )
    levels = GREATEST_TOKENS + 1
    backward = image.operation(Operation.BACKWARD, kinds[0][0].written)
    return Setup(((weights, 1), *kinds, (backward, levels)), len(listed) + automaton.states + 1, levels)


def _checked(sums: Sequence[Sequence[StoredTerm]]) -> Sequence[Sequence[StoredTerm]]:
    most = max(map(len, sums))
    if most > MOST_TERMS:
        raise ImpossiblePointError(f"keywords: a state has {most} terms, setup is predicted for at most {MOST_TERMS}")
    return sums
