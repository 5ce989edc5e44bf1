"""What each counter adds in a cycle of the unit: rtl/engine_counters.py."""

from typing import Any

from ....model.jit import inlined
from ....rtl.stages import READERS
from ..count import (
    CYCLES,
    DESCRIPTORS,
    EDGE_CYCLES,
    EMISSIONS,
    IDLE,
    RECORDS,
    TABLES,
    VECTORS,
    WRITTEN_HEADERS,
    WRITTEN_VECTORS,
)
from .control import EDGES

NAMES, FIRST_READER, SECOND_READER = (READERS.index(name) for name in ("words", "emissions", "weights"))


@inlined
def count_cycle(counters: Any, d: Any, control: Any, fetchers: Any, writer: Any, is_header: int) -> None:
    """Add what this cycle counts: nothing is gathered."""
    if control.busy:
        counters[CYCLES] += 1
        counters[IDLE] += 1
    counters[EDGE_CYCLES] += 1 if control.running else 0
    if fetchers[NAMES].returned:
        counters[RECORDS if control.sequence == EDGES else DESCRIPTORS] += d.port_bytes
    if fetchers[FIRST_READER].returned:
        counters[VECTORS if d.is_sums else TABLES] += d.port_bytes
    if fetchers[SECOND_READER].returned:
        counters[VECTORS if d.is_sums else EMISSIONS] += d.port_bytes
    if writer.sent:
        counters[WRITTEN_HEADERS if is_header else WRITTEN_VECTORS] += d.port_bytes
