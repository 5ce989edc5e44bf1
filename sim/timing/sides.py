"""rtl/bus/sides.py: the arbiters of both sides, and what answers them. The routes are in the fetchers' records."""

from typing import Any

from ...model.jit import inlined
from ...rtl.bus.sides import LOCAL, PORT
from .arbiter import arbiter_grant, arbiter_step
from .fetch import fetch_settle
from .local import local_step
from .memory import memory_step


@inlined
def sides_grant(e: Any, fetchers: Any) -> None:
    """Whose requests leave, and whose beats come back; `e` holds arbiters and memories of both sides."""
    arbiter_grant(e.arbiter, fetchers, e.memory, PORT)
    if e.writer.has_local:
        arbiter_grant(e.local_arbiter, fetchers, e.local_memory, LOCAL)
    for number in range(len(fetchers)):
        fetch_settle(fetchers[number])


@inlined
def sides_step(e: Any, fetchers: Any, now: int) -> None:
    """One clock edge."""
    memory_step(e.memory, e.dram, now)
    arbiter_step(e.arbiter, fetchers)
    if e.writer.has_local:
        local_step(e.local_memory)
        arbiter_step(e.local_arbiter, fetchers)
