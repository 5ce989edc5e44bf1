"""Rows of the main job with made-up figures."""

from normq.analysis.job.row import Row, Timing
from normq.analysis.job.spec import RowSpec, Source
from normq.model.config import Layout

KINDS = ("descriptors", "tables", "records", "emissions", "vectors", "weights")


def timing(operation: str) -> Timing:
    moved = {f"read.{kind}": 1000.0 for kind in KINDS}
    moved |= {"write.vectors": 500.0, "write.headers": 64.0, "write.scores": 250.0}
    return Timing(operation, 4, 150.0, 480, 100.0, "entries", 320.0, moved)


def row(spec: RowSpec, *, difference: str = "") -> Row:
    return Row(
        source=spec.source.value,
        hidden=spec.hidden,
        vocab=spec.vocab,
        bits=spec.bits,
        layout=spec.layout.value,
        artifact_bytes=123_456,
        bits_per_weight=0.25 * spec.bits,
        kl_arithmetic_nat=2.5e-8,
        worst_relative_error=1.5e-3,
        kl_quantization_nat=1.25,
        is_equal=not difference,
        difference=difference,
        timings=tuple(timing(name) for name in ("forward", "backward", "scores")),
        simulated_cycles=1000,
        simulation_seconds=0.5,
    )


def specs() -> list[RowSpec]:
    return [
        RowSpec(source, hidden, 64, bits, layout)
        for source, hidden in ((Source.REAL, 16), (Source.SYNTHETIC, 32))
        for bits in (3, 8)
        for layout in (Layout.SPARSE, Layout.DENSE)
    ]
