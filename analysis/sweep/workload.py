"""A token step of a design point, laid down in memory: what the timing model and the RTL are given."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...model.config import AcceleratorConfig, Layout
from ...model.decoding.constraint import BackwardTable
from ...model.decoding.step import Beams, work_items
from ...model.default.load import HIDDEN_STATES, default_hmm
from ...model.errors import NormqError
from ...model.formats import VectorCode
from ...model.golden.constants import Operation
from ...model.golden.vectors import Vectors
from ...model.packing.bitmap import unpack_bitmap
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.quantize.normq import quantize
from ...sim.descriptors import NOTHING, Job, ModelImage
from ...sim.memory.map import MemoryMap, Space
from ...sim.token_step import TokenStep, place_step
from ..simulate.models import synthetic_model
from ..simulate.scenario import GREATEST_TOKENS, LEAST_TOKENS, TOKENS_OUT, Cast, Scenario, common_tokens, draw_cast
from .point import DesignPoint, ImpossiblePointError

EMBEDDED_VOCAB = 4096
KEPT_MODELS = 4
"""Packed models that a worker keeps: points come grouped by model."""
RESIDENT = frozenset({Operation.FORWARD, Operation.SCORES})
"""Weights that a token step streams."""


@dataclass(frozen=True)
class Drawing:
    """What a cast is drawn from: points that differ in the engine alone share it."""

    model: str
    hidden_states: int
    vocab_size: int
    bits: int
    layout: str
    beams: int
    keywords: int
    seed: int


@dataclass(frozen=True, eq=False)
class Placed:
    """A token step in memory."""

    config: AcceleratorConfig
    packed: PackedModel
    scene: Scenario
    image: ModelImage
    memory: MemoryMap
    loads: tuple[Job, ...]
    """What brings tables, and what is resident, on chip before."""
    step: TokenStep


def packed_of(point: DesignPoint) -> PackedModel:
    """Return the packed model of a point, kept by the process. Raises ImpossiblePointError with the reason."""
    code = point.config().code
    found = _packed(point.model, point.hidden_states, point.vocab_size, point.bits, point.layout, code)
    if isinstance(found, str):
        raise ImpossiblePointError(found)
    return found


def place(point: DesignPoint, codes_seed: int | None = None) -> Placed:
    """Lay a token step down; vectors are of zeros, or of codes drawn from `codes_seed`: control sees none of them.

    Raises ImpossiblePointError with the reason.
    """
    config, packed = point.config(), packed_of(point)
    scene = scene_of(point, packed, codes_seed)
    memory = MemoryMap(config.local_bytes)
    try:
        image = ModelImage(config, packed, memory, RESIDENT if point.keeps_model else NOTHING)
        space = Space.LOCAL if point.keeps_vectors else Space.PORT
        step = place_step(image, memory, scene.table, scene.beams, scene.items, space=space)
    except NormqError as error:
        raise ImpossiblePointError(str(error)) from error
    return Placed(config, packed, scene, image, memory, (*image.loads(), *step.copies), step)


def cast_of(point: DesignPoint, packed: PackedModel) -> Cast:
    """Return the automaton and the beams of a point. Raises ImpossiblePointError."""
    for name, value, least, greatest in (("beams", point.beams, 1, 1024), ("keywords", point.keywords, 0, 8)):
        if not least <= value <= greatest:
            raise ImpossiblePointError(f"{name} must be {least}..{greatest}, got {value!r}")
    return _cast(Drawing(**{name: getattr(point, name) for name in Drawing.__dataclass_fields__}), packed)


def scene_of(point: DesignPoint, packed: PackedModel, codes_seed: int | None) -> Scenario:
    """Return beams under way as `scenario` draws them, without what their vectors hold."""
    cast = cast_of(point, packed)
    rng = None if codes_seed is None else np.random.default_rng(codes_seed)
    successors = _vectors(cast.automaton.states, point, rng)
    table = BackwardTable(cast.automaton, LEAST_TOKENS, GREATEST_TOKENS, TOKENS_OUT + 1, (successors,))
    beams = Beams(_vectors(point.beams, point, rng), cast.parents, cast.tokens, cast.states, TOKENS_OUT)
    return Scenario(cast.automaton, table, beams, work_items(cast.automaton, cast.states, point.lanes))


def _vectors(count: int, point: DesignPoint, rng: np.random.Generator | None) -> Vectors:
    if rng is None:
        return Vectors.zeros(count, point.hidden_states)
    greatest = VectorCode(point.exponent_bits, point.mantissa_bits).greatest_code
    codes = rng.integers(0, greatest, (count, point.hidden_states), np.uint16, endpoint=True)
    return Vectors(codes, np.zeros(count, np.int32))


@lru_cache(maxsize=KEPT_MODELS)
def _packed(model: str, hidden: int, vocab: int, bits: int, layout: str, code: VectorCode) -> PackedModel | str:
    """Return the model, or why there is none: a cache keeps no exceptions, and finding out takes as long."""
    storage = Layout(layout)
    try:
        if model != "embedded":
            return synthetic_model(hidden, vocab, bits, storage, code)
        if hidden not in HIDDEN_STATES or vocab != EMBEDDED_VOCAB:
            return f"the embedded model has H of {HIDDEN_STATES} and V={EMBEDDED_VOCAB}, got {hidden!r} and {vocab!r}"
        return pack_model(quantize(default_hmm(hidden), bits), storage, {}, code)
    except NormqError as error:
        return str(error)


@lru_cache(maxsize=32)
def _cast(drawing: Drawing, packed: PackedModel) -> Cast:
    bitmap = packed.beta_by_token.nonempty
    nonempty = unpack_bitmap(bitmap, packed.vocab_size) if bitmap.size else np.ones(packed.vocab_size, np.bool_)
    return draw_cast(packed, common_tokens(packed, nonempty), drawing)
