"""What a driver sees: identity, queue, overflow, interrupt, counters."""

import json
from pathlib import Path

from normq.model.config import Layout
from normq.model.formats import VectorCode
from normq.rtl.register_map import QUEUE_DEPTH
from normq.sim.session import MemoryBehavior
from normq.tests.cosim.engine_cases import Session, simulator
from normq.tests.cosim.test_engine_equality import CONFIGS
from normq.tests.model.golden_cases import random_model


def test_register_port(tmp_path: Path) -> None:
    session = Session(CONFIGS[2])
    model = random_model(100, 203, 5, VectorCode(), 0.2)
    session.load(model.golden(Layout.SPARSE))
    jobs = (session.jobs * QUEUE_DEPTH)[: QUEUE_DEPTH + 2]
    image, plan = tmp_path / "image.bin", tmp_path / "plan.json"
    session.memory.write(image, session.config.port_bytes)
    memory = MemoryBehavior(latency=300)  # so slow that the queue fills before the first descriptor is done
    plan.write_text(json.dumps({"descriptors": [job.descriptor for job in jobs], "memory": memory.ports()}))
    simulator(session.config).run(
        "normq.sim.bench.registers_bench", tmp_path, {"NORMQ_PLAN": str(plan)}, [f"+image={image}"]
    )
