"""The same products on both: SCALE-Sim's array of equal units, and the engine's timing model on a dense layout."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from ...model.config import AcceleratorConfig, Layout
from ...model.golden.constants import Operation
from ...model.golden.vectors import Vectors
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.synthetic import synthetic_levels
from ...sim.descriptors import ModelImage
from ...sim.memory.map import MemoryMap
from ...sim.session import MemoryBehavior
from ...sim.timing.predict import predict
from .scalesim import PeerResult, Product, run_peer

BITS = 4
ARRAYS = ((4, 16), (8, 32))
"""S and P."""
SIZES = ((64, 256, 16), (128, 512, 16), (256, 512, 16), (256, 512, 32))
"""Inputs, outputs, vectors: what SCALE-Sim does in seconds."""
REPEATS = 5

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """One design point on both."""

    product: Product
    peer: PeerResult
    cycles: int
    seconds: float
    """Processor time of the timing model, descriptors and records included, the model in memory not."""


def compare(python: Path, progress: Progress) -> list[Comparison]:
    """Run every size on every array; `python` is that of SCALE-Sim's environment. Raises PeerError."""
    models = {(inputs, outputs): _dense_model(inputs, outputs) for inputs, outputs, _ in SIZES}
    found: list[Comparison] = []
    for (inputs, outputs, vectors), (slots, lanes) in _points():
        product = Product(vectors, inputs, outputs, lanes, slots)
        progress(f"{inputs} x {outputs}, {vectors} vectors, S={slots}, P={lanes}")
        cycles, seconds = _ours(models[inputs, outputs], product)
        found.append(Comparison(product, run_peer(python, product), cycles, seconds))
    return found


def table(rows: Iterable[Comparison]) -> Table:
    """Return both side by side."""
    shown = Table(title=f"dense scores, b={BITS}: SCALE-Sim v3 and the timing model", title_justify="left")
    for heading in ("inputs", "outputs", "vectors", "S x P", "SCALE-Sim cycles", "ours", "ratio"):
        shown.add_column(heading, justify="right")
    for heading in ("SCALE-Sim ms", "ours ms"):
        shown.add_column(heading, justify="right")
    for row in rows:
        product = row.product
        shown.add_row(
            *(str(number) for number in (product.inputs, product.outputs, product.vectors)),
            f"{product.columns} x {product.rows}",
            f"{row.peer.cycles:,}",
            f"{row.cycles:,}",
            f"{row.cycles / row.peer.cycles:.3f}",
            f"{1000 * row.peer.seconds:,.0f}",
            f"{1000 * row.seconds:,.1f}",
        )
    return shown


def _points() -> Iterable[tuple[tuple[int, int, int], tuple[int, int]]]:
    return ((size, array) for size in SIZES for array in ARRAYS)


def _dense_model(inputs: int, outputs: int) -> PackedModel:
    return pack_model(synthetic_levels(inputs, outputs, BITS), Layout.DENSE, {})


def _ours(model: PackedModel, product: Product) -> tuple[int, float]:
    config = AcceleratorConfig(
        entries_per_cycle=product.columns, lanes=product.rows, hidden_capacity=max(64, product.inputs)
    )
    image = ModelImage(config, model, MemoryMap())
    vectors = Vectors.zeros(product.vectors, product.inputs)
    cycles, times = 0, list[float]()
    for _ in range(REPEATS):
        began = time.process_time()
        job = image.operation(Operation.SCORES, vectors)
        cycles = predict(config, image.memory, job.descriptors, MemoryBehavior()).counters["engine.cycles"]
        times.append(time.process_time() - began)
    return cycles, float(np.min(times))
