"""sim/memory/dram.sv, line by line: when the data of a burst are on the data bus."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...model.jit import kernel
from ..memory.dram import COUNTERS, GREATEST_BANKS, GREATEST_CHANNELS, GREATEST_GROUPS, GREATEST_RANKS, PORTS

GROUPS = GREATEST_RANKS * GREATEST_GROUPS
BANKS = GROUPS * GREATEST_BANKS
QUEUE = 64
"""Reads that wait, as memory.sv has it."""
BEATS = 32
"""Of the engine's longest burst on its narrowest port."""
NEVER = -(1 << 40)
CLOSED = -1
ACTIVATES = 4
"""Those of tFAW."""

BANK_ROWS = OPEN_ROW, NEXT_ACT, NEXT_PRE, NEXT_COL = range(4)
GROUP_ROWS = GROUP_ACT, GROUP_COL, GROUP_WRITE = range(3)
CHANNEL_ROWS = LAST_COL, LAST_READ, LAST_RANK, DUE = range(4)

DRAM = np.dtype(
    [(name, np.int64) for name in (*PORTS, *COUNTERS, "port_bytes", "start", "idle", "last")]
    + [
        ("banks", np.int64, (GREATEST_CHANNELS, len(BANK_ROWS), BANKS)),
        ("groups", np.int64, (GREATEST_CHANNELS, len(GROUP_ROWS), GROUPS)),
        ("activates", np.int64, (GREATEST_CHANNELS, GREATEST_RANKS, ACTIVATES)),
        ("turns", np.int64, (GREATEST_CHANNELS, GREATEST_RANKS)),
        ("rank_write", np.int64, (GREATEST_CHANNELS, GREATEST_RANKS)),
        ("channels", np.int64, (GREATEST_CHANNELS, len(CHANNEL_ROWS))),
        ("beat_due", np.int64, (QUEUE, BEATS)),
    ]
)


def dram_at_rest(ports: Mapping[str, int], port_bytes: int) -> Any:
    """Return [1] a DRAM; `ports` are the memory's inputs, `dram_clock` 0 means that there is none."""
    state = np.zeros(1, DRAM)
    record: Any = state[0]
    for name in PORTS:
        record[name] = ports[name]
    record["port_bytes"] = port_bytes
    record["idle"] = 1
    record["banks"][:, OPEN_ROW] = CLOSED
    for name in ("groups", "activates", "rank_write"):
        record[name][...] = NEVER
    record["channels"][:, [LAST_COL, LAST_READ]] = NEVER
    record["channels"][:, DUE] = ports["dram_refi"]
    return state


@kernel
def dram_serve(u: Any, now: int, address: int, beats: int, is_write: int, place: int) -> int:
    """Return the cycle in which a burst's last datum has been on the bus; those of a read's beats go to beat_due."""
    if u.idle:
        u.start = now
        u.idle = 0
    clock, engine_clock = u.dram_clock, u.dram_engine_clock
    arrival = ((now - u.start) * clock + engine_clock - 1) // engine_clock
    size = 1 << u.dram_column_shift
    beat = last = 0
    at = address & -size
    while at < address + beats * u.port_bytes:
        done = u.start + (_access(u, at, is_write, arrival) * engine_clock + clock - 1) // clock
        last = max(last, done)
        at += size
        while not is_write and beat < beats and address + (beat + 1) * u.port_bytes <= at:
            u.beat_due[place, beat] = last
            beat += 1
    return last


@kernel
def _bits(address: int, shift: int, width: int) -> int:
    return (address >> shift) & ((1 << width) - 1)


@kernel
def _access(u: Any, address: int, is_write: int, arrival: int) -> int:
    """One column; return the clock at which its last datum has been on the bus."""
    c = _bits(address, u.dram_channel_shift, u.dram_channel_bits)
    above = address >> (u.dram_channel_shift + u.dram_channel_bits)
    inner = above << u.dram_channel_shift | _bits(address, 0, u.dram_channel_shift)
    rank = _bits(inner, u.dram_rank_shift, u.dram_rank_bits)
    group = rank * GREATEST_GROUPS + _bits(inner, u.dram_group_shift, u.dram_group_bits)
    bank = group * GREATEST_BANKS + _bits(inner, u.dram_bank_shift, u.dram_bank_bits)
    channel, banks, groups = u.channels[c], u.banks[c], u.groups[c]
    while channel[DUE] <= max(arrival, channel[LAST_COL]):
        _refresh(u, c)
    if banks[OPEN_ROW, bank] == inner >> u.dram_row_shift:
        u.row_hits += 1
    else:
        _open(u, c, rank, group, bank, inner >> u.dram_row_shift, arrival)
    column = max(arrival, banks[NEXT_COL, bank])
    column = max(column, channel[LAST_COL] + u.dram_ccd_s + (0 if rank == channel[LAST_RANK] else u.dram_cs))
    column = max(column, groups[GROUP_COL, group] + u.dram_ccd_l)
    if is_write:
        column = max(column, channel[LAST_READ] + u.dram_rtw)
        done = column + u.dram_cwl + u.dram_burst
        u.rank_write[c, rank] = done
        groups[GROUP_WRITE, group] = done
        banks[NEXT_PRE, bank] = max(banks[NEXT_PRE, bank], done + u.dram_wr)
    else:
        column = max(column, u.rank_write[c, rank] + u.dram_wtr_s)
        column = max(column, groups[GROUP_WRITE, group] + u.dram_wtr_l)
        done = column + u.dram_cl + u.dram_burst
        channel[LAST_READ] = column
        banks[NEXT_PRE, bank] = max(banks[NEXT_PRE, bank], column + u.dram_rtp)
    channel[LAST_COL] = column
    channel[LAST_RANK] = rank
    groups[GROUP_COL, group] = column
    return done


@kernel
def _open(u: Any, c: int, rank: int, group: int, bank: int, row: int, arrival: int) -> None:
    """Close what is open in the bank, open `row`."""
    banks, groups, activates = u.banks[c], u.groups[c], u.activates[c, rank]
    turn = u.turns[c, rank]
    at = max(arrival, banks[NEXT_ACT, bank])
    if banks[OPEN_ROW, bank] == CLOSED:
        u.row_misses += 1
    else:
        u.row_conflicts += 1
        at = max(arrival, banks[NEXT_PRE, bank]) + u.dram_rp
    at = max(at, activates[(turn + ACTIVATES - 1) % ACTIVATES] + u.dram_rrd_s)
    at = max(at, activates[turn] + u.dram_faw)
    at = max(at, groups[GROUP_ACT, group] + u.dram_rrd_l)
    activates[turn] = at
    u.turns[c, rank] = (turn + 1) % ACTIVATES
    groups[GROUP_ACT, group] = at
    banks[OPEN_ROW, bank] = row
    banks[NEXT_PRE, bank] = at + u.dram_ras
    banks[NEXT_COL, bank] = at + u.dram_rcd


@kernel
def _refresh(u: Any, c: int) -> None:
    """All banks of a channel closed, then all of them busy."""
    banks, due = u.banks[c], u.channels[c, DUE]
    at = due
    for bank in range(BANKS):
        if banks[OPEN_ROW, bank] == CLOSED:
            at = max(at, banks[NEXT_ACT, bank])
        else:
            at = max(at, max(due, banks[NEXT_PRE, bank]) + u.dram_rp)
    for bank in range(BANKS):
        banks[OPEN_ROW, bank] = CLOSED
        banks[NEXT_ACT, bank] = at + u.dram_rfc
    u.channels[c, DUE] = due + u.dram_refi
    u.refreshes += 1
