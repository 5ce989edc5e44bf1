"""Packed synthetic models, kept on disk by content: quantizing and packing one of full size takes its time."""

import hashlib

from ...model.artifact import read_artifact, write_artifact
from ...model.cache import PACKAGE, cache_folder
from ...model.config import Layout
from ...model.errors import ArtifactError, PackingError
from ...model.formats import VectorCode
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.synthetic import synthetic_levels
from ...sim.once import unfinished
from ..job.store import content_digest
from .spec import StepSpec

CACHE = cache_folder("models")
FILE = "model.safetensors"
SOURCES = ("model/*.py", "model/packing/*.py", "model/quantize/*.py")
"""Everything that decides the bytes of a packed model."""


def packed_model(spec: StepSpec) -> PackedModel:
    """Return the synthetic model of a run: seed 0 whatever the seed of the run, which is that of beams and keywords."""
    return synthetic_model(spec.sizes.hidden, spec.sizes.vocab, spec.bits, spec.layout)


def synthetic_model(hidden: int, vocab: int, bits: int, layout: Layout, code: VectorCode | None = None) -> PackedModel:
    """Return the synthetic model of seed 0, made once: processes that want one at the same time wait for the first.

    `code` is the vector format of the datapath, the default format where None. Raises OptionError for sizes too small,
    QuantizationError for the index width, PackingError for what format or datapath cannot hold.
    """
    name = f"{hidden} {vocab} {bits} {layout.value} {content_digest(SOURCES, PACKAGE)}"
    kept = CACHE / hashlib.sha256(name.encode()).hexdigest()[:20]
    with unfinished(kept) as folder:
        if folder:
            write_artifact(pack_model(synthetic_levels(hidden, vocab, bits), layout, {}), folder / FILE)
    try:
        return read_artifact(kept / FILE, code)
    except ArtifactError as error:  # whole as it is, so only this code can be what it does not suit
        raise PackingError(str(error).removeprefix(f"{kept / FILE}: ")) from error
