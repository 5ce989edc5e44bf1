"""What a user is shown: sentences, and with them what they took."""

from collections.abc import Iterator

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from ...sim.decoding import SETUP, STEP
from .request import Request
from .run import Sentence, Sentences

YES, NO = "yes", "no"


def sentence_lines(found: Sentences, count: int) -> Iterator[str]:
    """Yield the first `count` sentences."""
    yield from (one.text for one in found.sentences[:count])


def sentence_table(found: Sentences, count: int) -> Table:
    """Return the first `count` sentences with what is known of each."""
    table = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for heading in ("concepts", "whole words", "nat/token", "states"):
        table.add_column(heading, no_wrap=True)
    table.add_column("sentence", overflow="fold")
    for one in found.sentences[:count]:
        flags = (YES if flag else NO for flag in (one.success, one.whole_words))
        table.add_row(*flags, f"{one.lm_mean:.3f}", _path(found, one), Text(one.text))
    return table


def _path(found: Sentences, one: Sentence) -> str:
    """Return the automaton's states in the order in which the text entered them, repeats left out."""
    state, path = found.automaton.start, [found.automaton.start]
    for token in one.tokens:
        state = found.automaton.step(state, token)
        if state != path[-1]:
            path.append(state)
    return " ".join(map(str, path))


def explanation(found: Sentences, request: Request) -> Table:
    """Return what the constraint and the search took."""
    automaton, greatest = found.automaton, request.lengths.greatest
    edges = sum(len(automaton.edges(state)) for state in range(automaton.states))
    ways = f"{request.samples} drawn" if request.samples else f"{request.beams} beams"
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for concept in request.concepts:
        table.add_row(Text(concept[0]), Text(", ".join(concept)))
    table.add_row(
        "automaton", f"{automaton.states:,} states, {edges:,} edges, accepting {_listed(automaton.accepting)}"
    )
    table.add_row("table W", f"{_bytes(found)}: {automaton.states} states, {greatest} lengths")
    table.add_row("search", f"{ways}, {found.dead} dead, {found.steps} token steps")
    for name, cycles in (("timing model", found.predicted), ("RTL", found.simulated)):
        if cycles is not None:
            table.add_row(f"cycles, {name}", _cycles(cycles, found.steps))
    if found.predicted is None and request.counts_cycles:
        table.add_row("cycles", f"not counted: --method {request.method} has no levels")
    if found.simulated is not None:
        table.add_row("RTL == golden", "every bit of every result")
    return table


def _cycles(cycles: dict[str, int], steps: int) -> str:
    """The last tokens are given out without a forward step, so that a mean is one of steps with scores."""
    setup, step = cycles.get(SETUP, 0), cycles.get(STEP, 0)
    return f"set-up {setup:,}; token steps {step:,}, {step / max(steps, 1):,.0f} each"


def _bytes(found: Sentences) -> str:
    if found.packed_table_bytes is None or found.packed_table_bytes == found.table_bytes:
        return f"{found.table_bytes:,} bytes"
    return f"{found.packed_table_bytes:,} bytes packed, {found.table_bytes:,} in floats"


def _listed(states: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(states)))
