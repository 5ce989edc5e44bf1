"""The timing of full sizes without a simulator: what is laid down is what is asked for, and rows say who counted."""

import csv
import io
import json
from dataclasses import asdict, replace

import pytest

from normq.analysis.commands.run import chosen_full
from normq.analysis.timing.figures import Figures
from normq.analysis.timing.rows import FullRow, full_rows
from normq.analysis.timing.spec import Source, TimingSpec, Work
from normq.analysis.timing.table import full_csv, full_text
from normq.analysis.timing.work import Workload, limit, place, workload
from normq.model.config import AcceleratorConfig, Layout

SPEC = TimingSpec("small", 4, Layout.SPARSE, beams=6, keywords=0)
COUNTERS = {"engine.cycles": 1200, "read.weights": 4000, "read.vectors": 1000, "write.vectors": 500}


@pytest.fixture(scope="module")
def load() -> Workload:
    return workload(SPEC)


def row(source: Source, cycles: int = 1200, difference: str = "") -> FullRow:
    counters = COUNTERS | {"engine.cycles": cycles}
    figures = Figures("step", source.value, counters, 1000.0, "entries", 0.5, difference)
    return FullRow(4096, 50257, 4, "sparse", 128, (figures,))


def test_engine_of_a_spec_replaces_that_of_its_preset() -> None:
    assert SPEC.sizes.config.lanes == 4
    config = AcceleratorConfig(2, 2, 2, 128, hidden_capacity=128)
    other = replace(SPEC, config=config)
    assert (other.sizes.config, other.sizes.hidden, other.groups) == (config, 64, 3)


def test_a_step_is_a_chain_and_an_operation_one_descriptor(load: Workload) -> None:
    step = place(load, Work.STEP)
    assert step.step is not None
    assert len(step.work.descriptors) >= 3
    for work in (Work.FORWARD, Work.BACKWARD, Work.SCORES):
        placed = place(load, work)
        assert (len(placed.work.descriptors), placed.step, placed.work.name) == (1, None, f"{work.value} of 6")


def test_limits_are_over_all_groups(load: Workload) -> None:
    """6 beams on 4 lanes are 2 groups; passes of H=64 elements, W=4: 3 of forward and backward, 2 of scores."""
    passes = {Work.FORWARD: 3, Work.BACKWARD: 3, Work.SCORES: 2, Work.STEP: 7}
    assert {work: limit(load, work).passes for work in Work} == {work: 2 * 16 * n for work, n in passes.items()}


def test_table_says_who_counted_and_whether_both_agree() -> None:
    lines = full_text([row(Source.RTL), row(Source.MODEL)]).splitlines()
    body = [" ".join(line.split()) for line in lines if " step " in line and "50257" in line]
    figures = "4096 50257 4 sparse 128 step 1,200 1,000 entries 1.200 4.0 1.5 0.0 0.0"
    assert body == [f"RTL {figures} yes -", f"timing model {figures} - yes"]
    assert " - NO" in " ".join(full_text([row(Source.RTL), row(Source.MODEL, 1201)]).split())


def test_model_alone_claims_no_equality() -> None:
    assert " - - " in " ".join(full_text([row(Source.MODEL)]).split())


def test_full_csv_and_stored_rows_hold_every_figure() -> None:
    rows = [row(Source.RTL, difference="code of vector 3"), row(Source.MODEL)]
    read = list(csv.DictReader(io.StringIO(full_csv(rows))))
    assert [(line["source"], line["engine.cycles"], line["over_roofline"]) for line in read] == [
        ("RTL", "1200", "1.2"),
        ("timing model", "1200", "1.2"),
    ]
    assert [FullRow.of(json.loads(json.dumps(asdict(one)))) for one in rows] == rows
    assert [one.difference for one in rows] == ["code of vector 3", ""]


def test_full_rows_are_chosen_with_the_others() -> None:
    assert chosen_full(None, None) == full_rows()
    assert chosen_full([3], None) == []
    assert [spec.name for spec in chosen_full([4], [64, 16384])] == ["ctrlg-16384 timing model"]
