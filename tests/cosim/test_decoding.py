"""Guidance through the simulated engine: every descriptor of a table and of token steps, bit for bit golden."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from normq.analysis.generate.choices import EngineKind
from normq.analysis.generate.concepts import parse_concepts
from normq.analysis.generate.request import Request
from normq.analysis.generate.run import write_sentences
from normq.model.checkpoint import write_checkpoint
from normq.model.config import AcceleratorConfig, Layout
from normq.model.decoding.bit_engine import BitEngine
from normq.model.decoding.builders import keyword_automaton, token_count
from normq.model.decoding.combine import intersection
from normq.model.decoding.datapath import GoldenDatapath, ListedProducts, Products
from normq.model.decoding.engine import EosMode, Lengths
from normq.model.default.load import default_hmm
from normq.model.golden.operations import GoldenModel
from normq.model.packing.matrix import PackedModel
from normq.model.packing.model import pack_model
from normq.model.quantize.methods import Setting
from normq.model.quantize.normq import quantize
from normq.model.synthetic import synthetic_hmm
from normq.sim.decoding import SETUP, STEP, EngineDatapath, PlacedWork
from normq.sim.executors import RtlExecutor, TimingExecutor
from normq.sim.results import SimulationError

CONFIG = AcceleratorConfig(4, 4, 4, 512, hidden_capacity=128)
"""That of the preset "small" of `normq simulate`: the build is shared."""
AUTOMATA = [
    intersection([keyword_automaton([[(5,), (7, 9)], [(11,)]]), token_count(range(1, 300, 3), 1, 3)]),
    keyword_automaton([[(20, 21)]]),
]
LENGTHS = Lengths(2, 4)
BEAMS = 3


def packed() -> PackedModel:
    return pack_model(quantize(synthetic_hmm(64, 300, 0), 4), Layout.SPARSE, {})


def walked(engine: BitEngine) -> list[torch.Tensor]:
    """All scores of beams on their way through both constraints."""
    a, states = engine.initial(BEAMS), engine.stacked.starts[:, None].expand(-1, BEAMS)
    found: list[torch.Tensor] = []
    for out, tokens in enumerate(([5, 7, 20], [11, 9, 21], [4, 11, 5], [4, 4, 4])):
        found += engine.scores(a, states, out)
        both = torch.tensor([tokens, tokens])
        a = engine.forward(a, both)
        states = engine.stacked.step(states.flatten(), both.flatten()).view(2, BEAMS)
    return [*found, *engine.scores(a, states, LENGTHS.greatest)]


@pytest.mark.parametrize("mode", list(EosMode))
def test_every_descriptor_of_guidance_gives_what_golden_gives(mode: EosMode, tmp_path: Path) -> None:
    """The executor ends at the first bit that differs; the timing model counts the same cycles.

    The counted tokens are too many for a list: the first constraint's beams have passes, too.
    """
    model = packed()
    rtl, timing = RtlExecutor(CONFIG, tmp_path), TimingExecutor(CONFIG)
    engines = [
        BitEngine.of(EngineDatapath(model, CONFIG, execute), AUTOMATA, LENGTHS, mode, CONFIG.lanes)
        for execute in (rtl, timing)
    ]
    (edge,) = (edge for edge in AUTOMATA[0].edges(AUTOMATA[0].start) if len(edge.tokens) > 50 and not edge.is_default)
    assert len(edge.tokens) > engines[0].longest_list
    engines.append(BitEngine.of(GoldenDatapath(GoldenModel(model, CONFIG.code)), AUTOMATA, LENGTHS, mode))
    first, *others = [walked(engine) for engine in engines]
    for scores in others:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(first, scores, strict=True))
    assert rtl.cycles == timing.cycles
    assert set(rtl.cycles) == {SETUP, STEP}


@pytest.mark.parametrize(("bits", "entries", "lanes"), [(4, 4, 16), (8, 4, 16), (4, 1, 4), (8, 8, 32)])
def test_a_list_as_long_as_may_be_takes_as_long_as_a_pass(bits: int, entries: int, lanes: int) -> None:
    """By the timing model, beside the passes of denominators and default edges; and with words counted it pays."""
    model = pack_model(quantize(default_hmm(), bits), Layout.SPARSE, {})
    timing = TimingExecutor(AcceleratorConfig(entries, lanes, hidden_capacity=256))
    datapath = EngineDatapath(model, timing.config, timing)
    a, rows = datapath.initial().take(np.zeros(lanes, np.int64)), np.arange(lanes)
    tokens = np.sort(np.random.default_rng(0).permutation(model.vocab_size)[: datapath.longest_list])

    def cycles(passes: Sequence[Products], lists: Sequence[ListedProducts]) -> int:
        before = timing.cycles[STEP]
        datapath.step(a, a, passes, lists)
        return timing.cycles[STEP] - before

    without = cycles((), ())
    passed, listed = cycles([Products(rows, a)], ()), cycles((), [ListedProducts(rows, a, tokens)])
    assert 0.7 < (listed - without) / (passed - without) < 1.5


def test_dense_columns_take_in_a_list_what_they_take_in_a_pass() -> None:
    model = pack_model(quantize(synthetic_hmm(64, 300, 0), 4), Layout.DENSE, {})
    assert EngineDatapath(model, CONFIG, TimingExecutor(CONFIG)).longest_list == 300


def test_a_bit_that_differs_ends_the_run(tmp_path: Path) -> None:
    execute = RtlExecutor(CONFIG, tmp_path)

    def spoiled(placed: PlacedWork) -> None:
        job, expected = placed.expected[0]
        expected.codes[0, 3] ^= 1
        execute(replace(placed, expected=((job, expected),)))

    datapath = EngineDatapath(packed(), CONFIG, spoiled)
    message = r"^RTL and golden differ: forward of 1: code of vector, element 0, 3 is \d+, golden has \d+ \(1 differ\)$"
    with pytest.raises(SimulationError, match=message):
        datapath.forward(datapath.initial(), np.array([7]))


@pytest.mark.parametrize("setting", [Setting(4), Setting(3, guard=True)])
def test_a_sentence_of_the_embedded_models_in_rtl(setting: Setting, tmp_path: Path) -> None:
    """`normq generate --engine rtl`: every bit golden's, the cycles of the timing model, golden's sentence."""
    write_checkpoint(default_hmm(64), tmp_path / "hmm")
    request = Request(
        concepts=parse_concepts("dog run"),
        model=tmp_path / "hmm",
        setting=setting,
        lengths=Lengths(3, 5),
        beams=3,
        counts_cycles=True,
        config=CONFIG,
    )
    golden, rtl = (
        write_sentences(replace(request, engine=kind), tmp_path, lambda _: None)
        for kind in (EngineKind.GOLDEN, EngineKind.RTL)
    )
    assert rtl.sentences == golden.sentences
    assert rtl.sentences[0].success
    assert rtl.simulated == rtl.predicted == golden.predicted
