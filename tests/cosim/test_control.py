"""The control port against cocotbext-axi's AXI4-Lite manager."""

import json
from pathlib import Path

import pytest

from normq.rtl.registers import Registers
from normq.sim.build import build
from normq.sim.verilog import emit


@pytest.mark.parametrize("pause", [0.0, 0.3, 0.8])
def test_random_accesses(pause: float, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"pause": pause, "seed": int(10 * pause), "accesses": 400}))
    build(emit(Registers(), "registers")).run("normq.sim.bench.control_bench", tmp_path, {"NORMQ_PLAN": str(plan)})
