"""What each counter adds in a cycle of the unit: rtl/engine_counters.py."""

from typing import Any

from ....model.jit import inlined
from ....rtl.stages import READERS
from ..count import (
    CYCLES,
    EDGE_CYCLES,
    EMISSIONS,
    IDLE,
    LOCAL_EMISSIONS,
    LOCAL_VECTORS,
    LOCAL_WORDS,
    LOCAL_WRITTEN,
    RECORDS,
    TABLES,
    VECTORS,
    WRITTEN_HEADERS,
    WRITTEN_VECTORS,
)

NAMES, FIRST_READER, SECOND_READER = (READERS.index(name) for name in ("words", "emissions", "weights"))


@inlined
def count_cycle(counters: Any, d: Any, control: Any, fetchers: Any, writer: Any, is_header: int) -> None:
    """Add what this cycle counts: nothing is gathered."""
    counters[CYCLES] += 1
    counters[IDLE] += 1
    counters[EDGE_CYCLES] += 1 if control.running else 0
    names, first, second = fetchers[NAMES], fetchers[FIRST_READER], fetchers[SECOND_READER]
    if names.returned:
        counters[LOCAL_WORDS if names.from_local else RECORDS] += d.port_bytes
    vectors = LOCAL_VECTORS if first.from_local else VECTORS
    tables = LOCAL_WORDS if first.from_local else TABLES
    if first.returned:
        counters[vectors if d.is_sums else tables] += d.port_bytes
    vectors = LOCAL_VECTORS if second.from_local else VECTORS
    columns = LOCAL_EMISSIONS if second.from_local else EMISSIONS
    if second.returned:
        counters[vectors if d.is_sums else columns] += d.port_bytes
    if writer.sent:
        kind = WRITTEN_HEADERS if is_header else WRITTEN_VECTORS
        counters[LOCAL_WRITTEN if writer.is_local else kind] += d.port_bytes
