"""Packed synthetic models, kept on disk by content: quantizing and packing one of full size takes its time."""

import hashlib
from pathlib import Path

from ...model.artifact import read_artifact, write_artifact
from ...model.cache import PACKAGE, cache_folder
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.synthetic import synthetic_levels
from ..job.store import content_digest
from .spec import StepSpec

CACHE = cache_folder("models")
SOURCES = ("model/*.py", "model/packing/*.py", "model/quantize/*.py")
"""Everything that decides the bytes of a packed model."""


def packed_model(spec: StepSpec) -> PackedModel:
    """Return the synthetic model of a run: seed 0 whatever the seed of the run, which is that of beams and keywords."""
    sizes = spec.sizes
    name = f"{sizes.hidden} {sizes.vocab} {spec.bits} {spec.layout.value} {content_digest(SOURCES, PACKAGE)}"
    kept = CACHE / f"{hashlib.sha256(name.encode()).hexdigest()[:20]}.safetensors"
    if not kept.exists():
        packed = pack_model(synthetic_levels(sizes.hidden, sizes.vocab, spec.bits), spec.layout, {})
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_artifact(packed, kept)
    return read_artifact(Path(kept))
