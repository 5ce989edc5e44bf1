"""The constraint unit and its parts on their own: what comes out, under idle cycles and back-pressure, and when."""

from itertools import product
from pathlib import Path

import numpy as np

from normq.model.config import AcceleratorConfig
from normq.model.formats import CODE_BYTES
from normq.rtl.bus.fetch import range_layout
from normq.rtl.bus.width import WORDS_PER_BLOCK
from normq.rtl.constraint.columns import ColumnSum
from normq.rtl.constraint.encode_control import EncodeTiming
from normq.rtl.constraint.list_words import ListWords
from normq.rtl.constraint.prepare import Prepare
from normq.rtl.decoder.sparse import SparseDecoder
from normq.rtl.decoder.stream import command_layout
from normq.rtl.operation import column_record_layout
from normq.rtl.shape import Shape
from normq.sim.bench.component import Recording, Scenario, Source, packed, play, unpacked
from normq.tests.cosim.constraint_parts import CodeWriter, SideBySide
from normq.tests.cosim.edge_cases import same
from normq.tests.cosim.test_decoders import rng_of, sparse_stream

CONFIG = AcceleratorConfig(2, 2, 4, 128, hidden_capacity=256)
SHAPE = Shape(CONFIG)
STALLS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.4))
"""Probability that a source offers nothing, and that a sink takes nothing, in a cycle."""
QUEUE_LATENCY = 2
"""Of a buffered queue."""
START = 3
"""The cycle of the strobe that starts a part."""
STROBE = [*[0] * START, 1, 0]


def play_parts(scenarios: list[Scenario], folder: Path) -> list[Recording]:
    """All parts in one module, so that it is built once."""
    parts = {
        "list": ListWords(),
        "prepare": Prepare(SHAPE),
        "columns": ColumnSum(SHAPE),
        "writer": CodeWriter(SHAPE),
    }
    return play(SideBySide(parts), "constraint_parts", scenarios, folder)


def test_words_of_a_list(tmp_path: Path) -> None:
    """Readers get the words of the list's blocks and none beyond; dropping leaves the next list where it begins."""
    scenarios: list[Scenario] = []
    runs = list(product((1, 3), (None, 15), STALLS))
    for blocks, drop, (idle, stall) in runs:
        words = list(range(100, 100 + (blocks + 1) * WORDS_PER_BLOCK))
        dropping = [0] if drop is None else [*[0] * drop, 1]
        inputs = {"list__start": STROBE, "list__blocks": [blocks], "list__drop": dropping}
        sources = {"list__source": Source(words, idle)}
        record = ("list__spent", "list__excess")
        scenarios.append(Scenario(inputs, sources, {"list__words": stall}, record=record, cycles=150, seed=blocks))
    for (blocks, drop, (idle, stall)), found in zip(runs, play_parts(scenarios, tmp_path), strict=True):
        count = blocks * WORDS_PER_BLOCK
        taken, passed = found.sources["list__source"], found.cycles_of("list__words")
        assert len(taken) == count
        assert found.payloads("list__words") == list(range(100, 100 + len(passed)))
        assert passed == [cycle for cycle in taken if drop is None or cycle < drop]
        assert found.unstable == 0 or drop is not None  # what is dropped is offered no longer
        for cycle in range(START + 1, 150):
            left = count - sum(at < cycle for at in taken)
            assert found.record["list__spent"][cycle] == (left == 0)
            assert found.record["list__excess"][cycle] == (left >= WORDS_PER_BLOCK)
        if idle == stall == 0:
            assert taken == list(range(START + 1, START + 1 + count))


def test_prepared_sums(tmp_path: Path) -> None:
    """Zeros, W a cycle; or row sums as their blocks come, one cycle later."""
    runs = list(product((1, 37, 200), (0, 1), STALLS))
    sums = {hidden: rng_of(hidden).integers(0, 1 << 23, -(-hidden // 16) * 16).tolist() for hidden, _, _ in runs}
    blocks = {
        hidden: [
            sum(value << 32 * place for place, value in enumerate(values[start : start + 16]))
            for start in range(0, len(values), 16)
        ]
        for hidden, values in sums.items()
    }
    scenarios = [
        Scenario(
            {
                "prepare__begin": STROBE,
                "prepare__others": [others],
                "prepare__address": [0x1240],
                "prepare__inputs": [hidden],
            },
            {"prepare__blocks": Source(blocks[hidden] if others else [], idle)},
            {"prepare__ranges": stall},
            record=("prepare__write", "prepare__word", "prepare__sums", "prepare__done"),
            cycles=250,
            seed=hidden,
        )
        for hidden, others, (idle, stall) in runs
    ]
    elements = CONFIG.elements_per_cycle
    for (hidden, others, (idle, stall)), found in zip(runs, play_parts(scenarios, tmp_path), strict=True):
        words, row_sums, asks = -(-hidden // elements), sums[hidden], len(blocks[hidden])
        writes = [cycle for cycle, bit in enumerate(found.record["prepare__write"]) if bit]
        assert [found.record["prepare__word"][cycle] for cycle in writes] == list(range(words))
        shown = [found.record["prepare__sums"][cycle] for cycle in writes]
        expected = [row_sums[n * elements : (n + 1) * elements] if others else [0] * elements for n in range(words)]
        assert [[bits >> 24 * slot & 0xFFFFFF for slot in range(elements)] for bits in shown] == expected
        asked = [unpacked(range_layout(), bits) for bits in found.payloads("prepare__ranges")]
        assert [(ask.address, ask.blocks) for ask in asked] == ([(0x1240, asks)] if others else [])
        assert len(found.sources["prepare__blocks"]) == (asks if others else 0)
        assert found.record["prepare__done"][-1] == 1
        assert found.unstable == 0
        if idle == stall == 0:
            assert writes == list(range(START + 1 + others, START + 1 + others + words))


def test_columns_are_added_entry_by_entry(tmp_path: Path) -> None:
    """More columns than the queue holds, from any place of a block: every entry once, one a cycle once it is there."""
    width, bits, hidden, old, level = 16, 4, 200, 5000, 9
    rng = rng_of(1)
    counts = [1, 5, 40, 2, 1, 33, 7, 1, 1, 12, 3, 20, 1]
    streams = [sparse_stream(k, width, bits, 1, count, int(rng.integers(32))) for k, count in enumerate(counts)]
    addresses = [0x4000 * (k + 1) for k in range(len(counts))]
    words: list[int] = []
    for address, stream, count in zip(addresses, streams, counts, strict=True):
        first = unpacked(command_layout(), stream.command).first
        record = packed(
            column_record_layout(), emission=address, emission_blocks=len(stream.blocks), first=first, count=count
        )
        words += [record & (1 << 64) - 1, record >> 64]
    entries = [entry for stream in streams for cut in stream.cuts for entry in cut]
    # an index has as many bits as the build's capacity needs
    cut = [(index % CONFIG.hidden_capacity, entry_level) for index, entry_level, _ in entries]
    inside = [(index, entry_level) for index, entry_level in cut if index < hidden]
    runs = list(product((0, 1), STALLS))
    scenarios = [
        Scenario(
            {
                "columns__begin": STROBE,
                "columns__count": [len(counts)],
                "columns__others": [others],
                "columns__may_decode": [0] * 40 + [1],
                "columns__inputs": [hidden],
                "columns__width": [0],
                "columns__bits": [bits],
                "columns__level": [level],
                "columns__old": [old],
            },
            {
                "columns__words": Source(words, idle),
                "columns__blocks": Source([block for stream in streams for block in stream.blocks], idle),
            },
            {"columns__ranges": stall},
            record=("columns__write", "columns__write_index", "columns__new", "columns__done"),
            cycles=700,
            seed=others,
        )
        for others, (idle, stall) in runs
    ]
    for (others, (idle, stall)), found in zip(runs, play_parts(scenarios, tmp_path), strict=True):
        writes = [cycle for cycle, bit in enumerate(found.record["columns__write"]) if bit]
        assert [found.record["columns__write_index"][cycle] for cycle in writes] == [index for index, _ in inside]
        signed = -level if others else level
        expected = [old + (signed if entry_level else 0) for _, entry_level in inside]
        assert [found.record["columns__new"][cycle] for cycle in writes] == expected
        asked = [unpacked(range_layout(), bits) for bits in found.payloads("columns__ranges")]
        assert [(ask.address, ask.blocks) for ask in asked] == [
            (address, len(stream.blocks)) for address, stream in zip(addresses, streams, strict=True)
        ]
        done = found.record["columns__done"]
        assert done[-1] == 1
        assert found.unstable == 0
        if idle == stall == 0:
            span = done.index(1, START + 1) - 40
            assert len(entries) < span <= len(entries) + 3 * len(counts) + SparseDecoder.latency


def test_codes_of_a_vector(tmp_path: Path) -> None:
    """Words join to beats in order however slowly they are taken; no word is issued without room behind it."""
    runs = list(product((1, 7, 8, 63, 200), STALLS))
    scenarios = [
        Scenario(
            {"writer__start": STROBE, "writer__inputs": [hidden]},
            {},
            {"writer__beats": stall + idle / 2},
            record=("writer__issue", "writer__done"),
            cycles=400,
            seed=hidden,
        )
        for hidden, (idle, stall) in runs
    ]
    size = CONFIG.port_bytes
    for (hidden, (idle, stall)), found in zip(runs, play_parts(scenarios, tmp_path), strict=True):
        *beats, header = found.payloads("writer__beats")
        content = b"".join(beat.to_bytes(size, "little") for beat in beats)
        codes = np.frombuffer(content, "<u2")[:hidden]
        same(codes, np.arange(hidden))
        assert len(beats) == -(-hidden * CODE_BYTES // size)
        assert header == (-3 & 0xFFFF) << 16
        assert found.record["writer__done"][-1] == 1
        issued = [cycle for cycle, bit in enumerate(found.record["writer__issue"]) if bit]
        assert len(issued) == -(-hidden // CONFIG.elements_per_cycle)
        if idle == stall == 0:
            assert issued == list(range(issued[0], issued[0] + len(issued)))
            first_words = min(len(issued), size // (CODE_BYTES * CONFIG.elements_per_cycle))
            filled = issued[0] + EncodeTiming(CONFIG.row_leaks).codes + first_words - 1
            assert found.cycles_of("writer__beats")[0] == filled + QUEUE_LATENCY
