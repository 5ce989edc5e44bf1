"""amaranth.lib.fifo.SyncFIFOBuffered without its data: a memory, and an output register behind it."""

from ...model.jit import inlined


@inlined
def fifo_step(level: int, out: int, write: int, read: int) -> tuple[int, int, int]:
    """Return (entries in the memory, whether the output register is full, whether it was filled) after a cycle.

    `write` must have been possible; `read` is the reader's enable. Written in t, readable in t + 2.
    """
    fill = 1 if level != 0 and (out == 0 or read != 0) else 0
    after = 1 if fill else (0 if read else out)
    return level + (1 if write else 0) - fill, after, fill
