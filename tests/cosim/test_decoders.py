"""Packed bytes to entries: every width, any first place, streams back to back, and the cycles that they take."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig
from normq.rtl.decoder.dense import DenseDecoder
from normq.rtl.decoder.entry import entries_layout
from normq.rtl.decoder.sparse import SparseDecoder
from normq.rtl.decoder.stream import EntryDecoder, command_layout
from normq.rtl.shape import Shape
from normq.sim.bench.component import Recording, Scenario, Source, packed, play, unpacked

WIDTHS = {16: 32, 20: 24, 24: 20}
BLOCK_BITS = 512
HIDDEN_CAPACITY = 4096
STALLS = ((0.0, 0.0), (0.4, 0.0), (0.0, 0.4), (0.5, 0.5))

Entry = tuple[int, int, int]
"""(index, level, last)."""


@dataclass(frozen=True)
class Stream:
    """One command: its blocks, and the entries that must come out, cut into the cycles that they take."""

    command: int
    blocks: list[int]
    cuts: list[list[Entry]]


def rng_of(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def sparse_stream(seed: int, width: int, bits: int, slots: int, count: int, first: int) -> Stream:
    """`count` entries from place `first` of the first block; what surrounds them is noise."""
    rng, per_block = rng_of(seed, width, bits), WIDTHS[width]
    index_bits = min(width - 1 - bits, HIDDEN_CAPACITY.bit_length() - 1)
    entries = [
        (int(rng.integers(1 << index_bits)), int(rng.integers(1 << bits)), int(rng.random() < 0.3))
        for _ in range(count)
    ]
    places = -(-(first + count) // per_block) * per_block if count else 0
    values = [int(rng.integers(1 << width)) for _ in range(places)]
    for number, (index, level, last) in enumerate(entries):
        values[first + number] = last << (width - 1) | index << bits | level
    blocks = [
        sum(value << place * width for place, value in enumerate(values[start : start + per_block]))
        for start in range(0, places, per_block)
    ]
    cuts: list[list[Entry]] = []
    place = first
    while entries:
        taken = min(slots, per_block - place % per_block)
        cuts.append(entries[:taken])
        entries, place = entries[taken:], place + taken
    command = packed(command_layout(), blocks=len(blocks), entries=count, inputs=0, outputs=0, first=first)
    return Stream(command, blocks, cuts)


def dense_stream(seed: int, bits: int, slots: int, inputs: int, outputs: int, first: int) -> Stream:
    """`outputs` lists of `inputs` indices, the first of them at word `first` of its block."""
    rng = rng_of(seed, bits, inputs)
    words = [int(rng.integers(1 << 63)) for _ in range(first)]
    cuts: list[list[Entry]] = []
    for _ in range(outputs):
        levels = [int(level) for level in rng.integers(0, 1 << bits, inputs)]
        joined = sum(level << number * bits for number, level in enumerate(levels))
        words += [joined >> 64 * word & (1 << 64) - 1 for word in range(-(-inputs * bits // 64))]
        entries = [(number, level, int(number == inputs - 1)) for number, level in enumerate(levels)]
        cuts += [entries[start : start + slots] for start in range(0, inputs, slots)]
    words += [int(rng.integers(1 << 63)) for _ in range(-len(words) % 8)]
    blocks = [sum(word << 64 * n for n, word in enumerate(words[k : k + 8])) for k in range(0, len(words), 8)]
    command = packed(command_layout(), blocks=len(blocks), entries=0, inputs=inputs, outputs=outputs, first=first)
    return Stream(command, blocks, cuts)


def scenario_of(
    streams: Sequence[Stream], is_dense: bool, width: int, bits: int, idle: float, stall: float
) -> Scenario:
    return Scenario(
        {"is_dense": [int(is_dense)], "width": [sorted(WIDTHS).index(width)], "bits": [bits]},
        {
            "command": Source([stream.command for stream in streams]),
            "blocks": Source([block for stream in streams for block in stream.blocks], idle),
        },
        {"entries": stall},
        record=("wrong",),
        until={"entries": sum(len(stream.cuts) for stream in streams)},
        seed=bits + width,
    )


def check(found: Recording, streams: Sequence[Stream], shape: Shape, slots: int) -> None:
    """Every entry, in the cycle's slots from the low end; `final` with the last of each stream."""
    layout = entries_layout(shape, slots)
    expected = [
        (cut, int(number == len(stream.cuts) - 1)) for stream in streams for number, cut in enumerate(stream.cuts)
    ]
    assert found.unstable == 0
    assert not any(found.record["wrong"])
    assert len(found.payloads("entries")) == len(expected)
    for bits, (cut, final) in zip(found.payloads("entries"), expected, strict=True):
        shown = unpacked(layout, bits)
        slots_shown = [shown.slots[slot] for slot in range(slots)]
        assert shown.final == final
        assert [slot.valid for slot in slots_shown] == [1] * len(cut) + [0] * (slots - len(cut))
        assert [(slot.index, slot.level, slot.last) for slot in slots_shown[: len(cut)]] == cut
        assert not any(slot.last for slot in slots_shown[len(cut) :])


def sparse_cases(slots: int) -> list[tuple[list[Stream], int, int]]:
    cases: list[tuple[list[Stream], int, int]] = []
    for number, width in enumerate(WIDTHS):
        for bits in (2, 5, 8):
            counts = [(1, 0), (WIDTHS[width], 0), (70, 0), (3, 0), (WIDTHS[width] + 1, 0), (slots, 0)]
            if slots == 1:  # emission columns begin anywhere; a stream of weights begins with its block
                counts += [(5, place) for place in range(WIDTHS[width])]
            streams = [
                sparse_stream(100 * number + k, width, bits, slots, count, first)
                for k, (count, first) in enumerate(counts)
            ]
            cases.append((streams, width, bits))
    return cases


def dense_cases(slots: int) -> list[tuple[list[Stream], int]]:
    cases: list[tuple[list[Stream], int]] = []
    for bits in range(2, 9):
        shapes = [(1, 1, 0), (7, 9, 0), (64, 3, 0), (33, 4, 0), (100, 2, 0), (13, 11, 0)]
        if slots == 1:
            shapes += [(20, 1, first) for first in range(8)]
        cases.append(([dense_stream(k, bits, slots, *shape) for k, shape in enumerate(shapes)], bits))
    return cases


@pytest.mark.parametrize("slots", [1, *(pytest.param(slots, marks=pytest.mark.full) for slots in (2, 4)), 8])
def test_entries_and_their_cycles(slots: int, tmp_path: Path) -> None:
    """Both layouts in one build, each scenario under every mixture of idle cycles and back-pressure."""
    shape = Shape(AcceleratorConfig(slots, hidden_capacity=HIDDEN_CAPACITY))
    runs: list[tuple[list[Stream], Scenario, bool, int]] = []
    for streams, width, bits in sparse_cases(slots):
        for stalls in STALLS:
            runs.append((streams, scenario_of(streams, False, width, bits, *stalls), False, bits))
    for streams, bits in dense_cases(slots):
        for stalls in STALLS:
            runs.append((streams, scenario_of(streams, True, 16, bits, *stalls), True, bits))
    recordings = play(EntryDecoder(shape, slots), f"entry_decoder_{slots}", [run[1] for run in runs], tmp_path)
    for found, (streams, scenario, is_dense, _) in zip(recordings, runs, strict=True):
        check(found, streams, shape, slots)
        if scenario.sources["blocks"].idle or scenario.sinks["entries"]:
            continue
        # the command in cycle 0, then a cut in every cycle, but one for each word that a command drops
        latency = DenseDecoder.latency if is_dense else SparseDecoder.latency
        expected, cycle = list[int](), 1 + latency
        for stream in streams:
            cycle += unpacked(command_layout(), stream.command).first if is_dense else 0
            expected += range(cycle, cycle + len(stream.cuts))
            cycle += len(stream.cuts)
        assert found.cycles_of("entries") == expected


def test_blocks_that_are_not_those_of_the_entries(tmp_path: Path) -> None:
    """Too few: zeros to the end. Too many: dropped. Both are told, and the next stream is whole."""
    slots = 8
    shape = Shape(AcceleratorConfig(slots, hidden_capacity=HIDDEN_CAPACITY))
    good = sparse_stream(1, 16, 4, slots, 40, 0)
    fields = unpacked(command_layout(), good.command)

    def with_blocks(blocks: list[int], entries: int) -> Stream:
        command = packed(command_layout(), blocks=len(blocks), entries=entries, inputs=0, outputs=0, first=0)
        return Stream(command, blocks, good.cuts)

    assert (fields.blocks, fields.entries) == (2, 40)
    short, long = with_blocks(good.blocks[:1], 40), with_blocks([*good.blocks, 1, 2, 3], 40)
    none = Stream(packed(command_layout(), blocks=2, entries=0, inputs=0, outputs=0, first=0), good.blocks, [])
    scenarios = [
        scenario_of([bad, good], False, 16, 4, idle, 0.2) for bad in (short, long, none) for idle in (0.0, 0.5)
    ]
    for number, found in enumerate(play(EntryDecoder(shape, slots), "entry_decoder_8", scenarios, tmp_path)):
        payloads = found.payloads("entries")
        assert sum(found.record["wrong"]) >= 1
        tail = [unpacked(entries_layout(shape, slots), bits) for bits in payloads[-len(good.cuts) :]]
        shown = [[(slot.index, slot.level, slot.last) for slot in part.slots if slot.valid] for part in tail]
        assert shown == good.cuts, number
        if number < 2:
            padded = [unpacked(entries_layout(shape, slots), bits) for bits in payloads[4:5]]
            assert all((slot.level, slot.last) == (0, 0) for part in padded for slot in part.slots)
