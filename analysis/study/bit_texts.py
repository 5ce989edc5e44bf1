"""The study's sets on the bit-accurate datapath: golden on many of them, the engine in RTL on a few.

The engine is compared with golden at every descriptor and ends at the first bit that differs, so that its texts and its
scores are golden's; its cycles are counted beside them.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ...model.config import AcceleratorConfig, Layout
from ...model.decoding.bit_engine import BitEngine
from ...model.decoding.builders import keyword_automaton
from ...model.decoding.datapath import Datapath, GoldenDatapath
from ...model.decoding.search import Text, search
from ...model.default.language_model import default_language_model
from ...model.default.load import default_tokenizer
from ...model.golden.operations import GoldenModel
from ...model.packing.matrix import PackedModel
from ...model.packing.model import pack_model
from ...sim.decoding import SETUP, STEP, EngineDatapath
from ...sim.executors import Each, RtlExecutor, TimingExecutor
from ...sim.results import SimulationError
from .concepts import read_sets
from .levels import levels_of
from .spec import BEAMS, CHUNK, LENGTHS, RTL_SETS, Configuration

Rows = list[dict[str, Any]]


def golden_texts(configuration: Configuration, chunk: int, folder: Path) -> Rows:
    """Return the texts of a chunk's sets from golden; `folder` has the trained models."""
    numbers = range(chunk * CHUNK, (chunk + 1) * CHUNK)
    golden = GoldenDatapath(GoldenModel(_packed(configuration, folder)))
    return _rows(numbers, _texts(golden, configuration, numbers, None))


def rtl_texts(configuration: Configuration, folder: Path) -> Rows:
    """Return the texts of the first RTL_SETS sets from the engine, and its cycles.

    The build is the default one, with leaks of rows where the levels have them.

    Raises SimulationError at the first bit that differs from golden, and where the timing model counts other cycles.
    """
    numbers, packed = range(RTL_SETS), _packed(configuration, folder)
    config = AcceleratorConfig(row_leaks=packed.has_row_leaks)
    with TemporaryDirectory() as images:
        rtl, timing = RtlExecutor(config, Path(images)), TimingExecutor(config)
        engine = EngineDatapath(packed, config, Each((rtl, timing)))
        texts = _texts(engine, configuration, numbers, config.lanes)
    if rtl.cycles != timing.cycles:
        raise SimulationError(f"cycles: RTL counted {dict(rtl.cycles)}, the timing model {dict(timing.cycles)}")
    cycles = [{"name": f"{part} cycles", "cycles": rtl.cycles[part]} for part in (SETUP, STEP)]
    return [*_rows(numbers, texts), *cycles]


def _packed(configuration: Configuration, folder: Path) -> PackedModel:
    return pack_model(levels_of(configuration, folder), Layout.SPARSE, {})


def _texts(datapath: Datapath, configuration: Configuration, numbers: range, lanes: int | None) -> list[Text]:
    torch.set_num_threads(1)
    sets, tokenizer = read_sets(), default_tokenizer()
    automata = [
        keyword_automaton([[tuple(tokenizer.encode(form).ids) for form in forms] for forms in sets[number].concepts])
        for number in numbers
    ]
    engine = BitEngine.of(datapath, automata, LENGTHS, configuration.eos, lanes)
    return search(default_language_model(), engine, len(automata), BEAMS, LENGTHS)


def _rows(numbers: range, texts: list[Text]) -> Rows:
    tokenizer = default_tokenizer()
    return [
        {"name": str(number), "text": tokenizer.decode(list(text.tokens)).strip()}
        for number, text in zip(numbers, texts, strict=True)
    ]
