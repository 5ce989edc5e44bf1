"""Every burst on the memory port is in the trace, and says who asked for it."""

from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from normq.model.config import Layout
from normq.model.formats import VectorCode
from normq.sim.memory.dram import HBM2E, Dram
from normq.sim.memory.trace import KINDS, Trace, counted_by_kind
from normq.sim.session import MemoryBehavior, run_jobs
from normq.tests.cosim.engine_cases import Session, simulator
from normq.tests.cosim.test_engine_equality import CONFIGS
from normq.tests.model.golden_cases import random_model

SHAPE = CONFIGS[2]


def test_totals_are_those_of_the_counters(tmp_path: Path) -> None:
    session = Session(SHAPE)
    for layout in Layout:
        session.add_model(random_model(50, 90, 4, VectorCode(), 0.3), layout, [SHAPE.lanes + 1])
    log, file, dram = tmp_path / "trace.bin", tmp_path / "trace.parquet", Dram(HBM2E, 4)
    behavior = MemoryBehavior(10, 5, dram=dram)
    outcome = run_jobs(simulator(SHAPE), SHAPE, session.memory, session.jobs, tmp_path, behavior, trace=log)
    trace = Trace(log)
    counted = [counted_by_kind(job.counters) for job in outcome.jobs]
    assert trace.bytes_by_kind() == {kind: sum(job[kind] for job in counted) for kind in KINDS}
    beats = sum(job.beats_read + job.beats_written for job in outcome.jobs)
    assert trace.bytes.sum() == beats * SHAPE.port_bytes
    # a row is opened or found open for every column of 32 bytes, of which bursts are whole numbers here
    columns = sum(sum(job.dram[name] for name in ("row_hits", "row_misses", "row_conflicts")) for job in outcome.jobs)
    assert columns == trace.bytes.sum() // HBM2E.column_bytes
    assert (np.diff(trace.cycle) >= 0).all()
    trace.write(file, dram)
    table = parquet.read_table(file)
    assert table.column_names == ["cycle", "channel", "address", "bytes", "kind"]
    assert table["cycle"].to_pylist() == trace.cycle.tolist()
    assert table["channel"].to_pylist() == (trace.address // 256 % 4).tolist()
    assert table["address"].to_pylist() == trace.address.tolist()
    assert table["bytes"].to_pylist() == trace.bytes.tolist()
    assert table["kind"].to_pylist() == [KINDS[number] for number in trace.kind]


def test_torn_log_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "trace.bin"
    log.write_bytes(bytes(17))
    with pytest.raises(ValueError, match=r"trace\.bin: 17 bytes, expected a multiple of 16$"):
        Trace(log)
