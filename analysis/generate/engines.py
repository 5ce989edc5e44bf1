"""The engine of a request, and who counts its cycles."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...model.artifact import read_artifact
from ...model.checkpoint import read_checkpoint
from ...model.config import AcceleratorConfig
from ...model.decoding.automaton import Automaton
from ...model.decoding.bit_engine import BitEngine
from ...model.decoding.datapath import GoldenDatapath
from ...model.decoding.engine import Engine
from ...model.decoding.float_engine import FloatEngine
from ...model.decoding.guide import Guide
from ...model.decoding.mirrored import MirroredEngine
from ...model.decoding.stacked import stack
from ...model.default.load import default_hmm
from ...model.errors import OptionError
from ...model.golden.operations import GoldenModel
from ...model.hmm import HMM
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...model.quantize.dequantize import float_weights
from ...model.quantize.methods import METHODS
from ...model.quantize.tensor import QuantizedHMM
from ...model.training.distill import DEFAULT
from ...model.weights import FloatWeights
from ...sim.decoding import EngineDatapath, Execute
from ...sim.executors import Each, RtlExecutor, TimingExecutor
from .applies import check_options
from .choices import FLOAT_METHOD, EngineKind
from .request import Request


@dataclass(frozen=True, eq=False)
class Equipped:
    """An engine ready to guide."""

    engine: Engine
    datapath_engine: BitEngine | None
    """That with the accelerator's integers; None where floats guide and no cycles are counted."""
    predicted: Counter[str] | None
    """Cycles by part of the work (`sim.decoding`), of the timing model, as far as guidance has come."""
    simulated: Counter[str] | None
    """The same of the RTL."""


def model_of(request: Request) -> HMM | PackedModel:
    """Return the model of a request. Raises OptionError for options that do not apply to it, and errors of reading."""
    hmm = _read(request)
    check_options(request, hmm)
    return hmm


def equip(request: Request, hmm: HMM | PackedModel, automaton: Automaton, folder: Path) -> Equipped:
    """Return the engine of a request under one constraint; `folder` is for the simulator's files.

    Raises OptionError for a model that the engine cannot compute with, and the errors of packing.
    """
    quantized = _quantized(request, hmm) if isinstance(hmm, HMM) and request.has_levels else None
    packed = hmm if isinstance(hmm, PackedModel) else _packed(request, quantized)
    if request.engine.is_packed:
        if packed is None:
            raise OptionError(f"--engine: {request.engine.value} needs levels, method {request.method} has none")
        return _bit_engine(request, packed, automaton, folder)
    if isinstance(hmm, PackedModel):
        raise OptionError(f"--engine: {request.engine.value} needs a checkpoint, {request.model} is a packed file")
    engine = _float_engine(request, hmm, quantized, automaton)
    if not request.counts_cycles or packed is None:
        return Equipped(engine, None, None, None)
    counted = _bit_engine(replace(request, engine=EngineKind.GOLDEN), packed, automaton, folder)
    return replace(counted, engine=MirroredEngine(engine, counted.engine))


def _read(request: Request) -> HMM | PackedModel:
    if request.model == DEFAULT:
        return default_hmm()
    if request.model.is_file():
        return read_artifact(request.model, request.config.code)
    return read_checkpoint(request.model)


def _quantized(request: Request, hmm: HMM) -> QuantizedHMM:
    return METHODS[request.method].quantize(hmm, request.method_setting)


def _packed(request: Request, quantized: QuantizedHMM | None) -> PackedModel | None:
    if quantized is None or not request.has_datapath:
        return None
    return pack_model(quantized, request.layout, {}, request.config.code)


def _float_engine(request: Request, hmm: HMM, quantized: QuantizedHMM | None, automaton: Automaton) -> FloatEngine:
    activation = None
    if quantized is not None:
        weights = float_weights(quantized)
    elif request.method == FLOAT_METHOD:
        weights = FloatWeights.from_hmm(hmm)
    else:
        method = METHODS[request.method]
        setting = request.method_setting
        weights, activation = method.weights(hmm, setting), method.activation(setting)
    dtype = torch.float32 if request.engine is EngineKind.FLOAT32 else torch.float64
    return FloatEngine.of(Guide.of(weights, activation, dtype), stack([automaton]), request.lengths, request.eos)


def _bit_engine(request: Request, packed: PackedModel, automaton: Automaton, folder: Path) -> Equipped:
    config = fitting(request.config, packed)
    timing = TimingExecutor(config) if request.counts_cycles else None
    rtl = RtlExecutor(config, folder) if request.engine is EngineKind.RTL else None
    executors: list[Execute] = [one for one in (rtl, timing) if one is not None]
    if executors:
        datapath = EngineDatapath(packed, config, Each(executors))
    else:
        datapath = GoldenDatapath(GoldenModel(packed, config.code))
    engine = BitEngine.of(datapath, [automaton], request.lengths, request.eos, config.lanes)
    return Equipped(engine, engine, timing and timing.cycles, rtl and rtl.cycles)


def fitting(config: AcceleratorConfig, packed: PackedModel) -> AcceleratorConfig:
    """Return the configuration with room for the model's states and tokens, and with leaks of rows if it has them."""
    hidden = max(config.hidden_capacity, 1 << (packed.hidden_states - 1).bit_length())
    vocab, row_leaks = max(config.vocab_capacity, packed.vocab_size), config.row_leaks or packed.has_row_leaks
    return replace(config, hidden_capacity=hidden, vocab_capacity=vocab, row_leaks=row_leaks)
