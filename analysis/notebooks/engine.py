"""The engine that notebooks simulate: a small one, compiled once with waves for all of them."""

from dataclasses import replace

from ...model.config import AcceleratorConfig, Layout
from ...sim.build import VCD, Simulator
from ...sim.session import build_engine

BITS = 4
CONFIG = AcceleratorConfig(
    entries_per_cycle=2,
    lanes=4,
    elements_per_cycle=2,
    port_bits=128,
    greatest_index_bits=BITS,
    least_index_bits=BITS,
    layouts=frozenset({Layout.SPARSE}),
    hidden_capacity=256,
    vocab_capacity=4096,
)
"""S=2, P=4, W=2: half a minute to compile, where the default build takes some."""
MEMORY_BYTES = 1 << 20


def traced() -> Simulator:
    """Return the engine whose runs leave dump.vcd: text, so that no Debian package is needed."""
    return build_engine(CONFIG, MEMORY_BYTES, waves=True, trace=VCD)


def untraced() -> Simulator:
    """Return the same compiled engine, whose runs leave no waves."""
    return replace(traced(), waves=False)
