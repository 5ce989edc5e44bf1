"""Exact jumps over steady stretches: where a period repeats itself, all its repetitions are taken at once.

Control is a function of state. So when every register is as it was T cycles ago, but for a few that only count down
towards an end which is far away, and addresses that moved by whole bursts, the next T cycles are those T again, and so
on until one of the counts comes near what is compared with it. What is not named here has to be the same: a register
that is forgotten prevents jumps, it cannot make them wrong.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ...model.jit import inlined, kernel
from .engine import STATE, STATE_WORDS
from .gather_control import PIPE
from .memory import QUEUE, READ_BEATS, READ_DUE, RESPONSE_DUE, WRITE_BEATS
from .writer import BURST_BYTES

SAME, RING, COUNTDOWN, ADDRESS, COUNTUP = range(5)
"""What a field may do in a period: nothing; what `_rings_repeat` compares; fall, as long as it is above its floor; move
by a multiple of a burst, which shows nowhere but in the distance to the next multiple; rise, unseen."""

RULES = {
    ("fetchers", "address"): (ADDRESS, 0),
    ("fetchers", "blocks"): (COUNTDOWN, 8),
    ("decoders", "entry"): (COUNTUP, 0),
    ("decoders", "budget"): (COUNTDOWN, 2),
    ("decoders", "left"): (COUNTDOWN, 16),
    ("decoders", "lists"): (COUNTDOWN, 2),
    ("rows", "left"): (COUNTDOWN, 2),
    ("writer", "address"): (ADDRESS, 0),
    ("writer", "asked_bursts"): (COUNTUP, 0),
    ("writer", "answered_bursts"): (COUNTUP, 0),
    ("writer", "to_ask"): (COUNTDOWN, BURST_BYTES),
    ("writer", "to_send"): (COUNTDOWN, BURST_BYTES),
    ("arbiter", "produce"): (RING, 0),
    ("arbiter", "consume"): (RING, 0),
    ("arbiter", "owners"): (RING, 0),
    ("arbiter", "ar_address"): (RING, 0),  # these three are for a DRAM, without one nothing looks at them
    ("memory", "ar_address"): (RING, 0),
    ("memory", "aw_address"): (RING, 0),
    ("local_arbiter", "produce"): (RING, 0),
    ("local_arbiter", "consume"): (RING, 0),
    ("local_arbiter", "owners"): (RING, 0),
    ("memory", "read_head"): (RING, 0),
    ("memory", "write_head"): (RING, 0),
    ("memory", "response_head"): (RING, 0),
    ("memory", "queues"): (RING, 0),
    ("memory", "write_count"): (COUNTDOWN, 2),
    ("writer", "ahead"): (COUNTDOWN, 2),
    ("writer", "open_bursts"): (COUNTDOWN, 2),
    ("gather", "pipe"): (RING, 0),
}
"""Unit and field: what it may do, and the least value at which no comparison sees how small it is. `left` of a decoder
is compared with at most 8 slots, `blocks` of a fetcher with the 4 of a burst, `to_send` with a beat of at most 64."""

LONGEST_SEARCH = 1 << 14
AT, TRIES, PATIENCE = range(3)
"""What the search for a period knows: when the state was kept (-1: never), comparisons since, and how many it lasts."""


def rules() -> npt.NDArray[np.int64]:
    """Return [STATE_WORDS, 2]: the rule of every word."""
    table = np.zeros((STATE_WORDS, 2), np.int64)
    for (unit, field), rule in RULES.items():
        # the words of a field are those that change when ones are written to it
        whole: Any = np.zeros(1, STATE)
        whole[0][unit][field] = 1
        table[whole.view(np.int64) != 0] = rule
    return table


def new_search() -> npt.NDArray[np.int64]:
    """Return a search that has seen nothing."""
    return np.array([-1, 0, 1], np.int64)


@kernel
def skip_periods(now: int, state: Any, counters: Any, kept: Any, kept_counters: Any, table: Any, search: Any) -> int:
    """Take as many whole periods as are certain; return their cycles, 0 where none is found.

    To be called after a clock edge. The period is searched as Brent does (BIT 20,
    1980): one state is kept, ever longer, and each later one compared with it.
    """
    cycles = 0
    if search[AT] >= 0 and _repeats(now - search[AT], state, kept, table):
        periods = _periods_left(state, kept, table)
        if periods > 0:
            for word in range(state.size):
                if table[word, 0] >= COUNTDOWN:
                    state[word] += periods * (state[word] - kept[word])
            for number in range(counters.size):
                counters[number] += periods * (counters[number] - kept_counters[number])
            cycles = periods * (now - search[AT])
            search[AT] = -1
            search[PATIENCE] = 1
    search[TRIES] += 1
    if search[AT] < 0 or search[TRIES] >= search[PATIENCE]:
        search[AT] = now
        search[TRIES] = 0
        search[PATIENCE] = min(2 * search[PATIENCE], LONGEST_SEARCH)
        kept[:] = state
        kept_counters[:] = counters
    return cycles


@inlined
def _repeats(period: int, state: Any, kept: Any, table: Any) -> bool:
    for word in range(state.size):
        change = state[word] - kept[word]
        if change:
            rule = table[word, 0]
            if rule == SAME or (rule == COUNTDOWN and change > 0) or (rule == ADDRESS and change % BURST_BYTES):
                return False
    return _asks_no_more(state.view(STATE)[0], kept.view(STATE)[0]) and _rings_repeat(
        period, state.view(STATE)[0], kept.view(STATE)[0]
    )


@inlined
def _asks_no_more(e: Any, before: Any) -> bool:
    """Bursts under way count down only where no new ones come: otherwise they might have run out in between.

    And answers are not counted on while the end of a group waits for them.
    """
    m, n, w, x = e.memory, before.memory, e.writer, before.writer
    if (w.mark_out or w.mark_level) and w.answered_bursts != x.answered_bursts:
        return False
    return x.to_ask == 0 or (m.write_count == n.write_count and w.ahead == x.ahead and w.open_bursts == x.open_bursts)


@inlined
def _rings_repeat(period: int, e: Any, before: Any) -> bool:
    """What waits in the queues, from their heads on; times relative to now. Lengths are compared elsewhere."""
    m, n = e.memory, before.memory
    queues, others = m.queues, n.queues
    for place in range(m.read_count):
        mine, other = (m.read_head + place) % QUEUE, (n.read_head + place) % QUEUE
        if queues[READ_BEATS, mine] != others[READ_BEATS, other]:
            return False
        if queues[READ_DUE, mine] - period != others[READ_DUE, other]:
            return False
    for place in range(m.write_count):
        mine, other = (m.write_head + place) % QUEUE, (n.write_head + place) % QUEUE
        if queues[WRITE_BEATS, mine] != others[WRITE_BEATS, other]:
            return False
    for place in range(m.response_count):
        mine, other = (m.response_head + place) % QUEUE, (n.response_head + place) % QUEUE
        if queues[RESPONSE_DUE, mine] - period != others[RESPONSE_DUE, other]:
            return False
    if not _owners_repeat(e.arbiter, before.arbiter) or not _owners_repeat(e.local_arbiter, before.local_arbiter):
        return False
    pipe, pipe_before = e.gather.pipe, before.gather.pipe
    changed = 0
    for place in range(PIPE):
        changed += pipe[(place + period) % PIPE] != pipe_before[place]
    return changed == 0


@inlined
def _owners_repeat(u: Any, before: Any) -> bool:
    for place in range(u.level):
        mine, other = (u.consume + place) % u.outstanding, (before.consume + place) % u.outstanding
        if u.owners[mine] != before.owners[other]:
            return False
    return True


@inlined
def _periods_left(state: Any, kept: Any, table: Any) -> int:
    """How often the period can repeat itself before a count comes to its floor; 0 when nothing counts."""
    periods = 0
    is_first = True
    for word in range(state.size):
        change = kept[word] - state[word]
        if table[word, 0] == COUNTDOWN and change > 0:
            left = max(0, (state[word] - table[word, 1]) // change)
            periods = left if is_first else min(periods, left)
            is_first = False
    return periods
