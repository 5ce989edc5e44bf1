"""Encoder, gather sum, finisher and leak unit against plain integers, at the latencies that the components state."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig
from normq.model.formats import CODEBOOK_BITS, CONSTANT_BITS, TOP_BITS, VectorCode
from normq.rtl import lane_ports as ports
from normq.rtl.encoder import LEAST, Encoder
from normq.rtl.finish import Finisher
from normq.rtl.gather import GatherSum
from normq.rtl.leak import LeakUnit
from normq.rtl.shape import ACCUMULATOR_BITS, SUM_BITS, Shape
from normq.sim.bench.component import Recording, Scenario, packed, play, unpacked

Rng = np.random.Generator
CODES = (VectorCode(5, 12), VectorCode(4, 8), pytest.param(VectorCode(3, 2), marks=pytest.mark.full))


def later(values: list[int], cycles: int) -> list[int]:
    """The same values, a number of cycles later."""
    return [0] * cycles + values


def draw_bits(rng: Rng, most: int) -> int:
    """An integer of 0..`most` bits, every length equally likely, often all ones or a single one."""
    length = int(rng.integers(0, most + 1))
    kind = rng.integers(3)
    if length == 0 or kind == 0:
        return (1 << length) - 1
    return 1 << (length - 1) if kind == 1 else 1 << (length - 1) | int(rng.integers(1 << (length - 1)))


def signed(value: int, bits: int) -> int:
    return value - (value >> (bits - 1) << bits)


# --- encoder ------------------------------------------------------------------------------------------------------


def encode(code: VectorCode, mantissa: int, exponent: int, scale: int) -> int:
    """ENC of one element under the scale s, as ARITHMETIC states it."""
    if mantissa == 0:
        return 0
    place = max(scale, mantissa.bit_length() + exponent - code.significand_bits)
    drop = place - exponent
    if drop <= 0:
        rounded = mantissa << -drop
    elif drop > 63:
        rounded = 0
    else:
        rounded = ((mantissa >> (drop - 1)) + 1) >> 1
    return min(((place - scale) << code.fraction_bits) + rounded, code.greatest_code)


@pytest.mark.parametrize("code", CODES, ids=str)
def test_encoder(code: VectorCode, tmp_path: Path) -> None:
    shape = Shape(AcceleratorConfig(hidden_capacity=64, code=code))
    rng = np.random.default_rng(code.significand_bits)
    inputs: dict[str, list[int]] = {name: [] for name in ("a", "b", "exponent", "valid")}
    second: dict[str, list[int]] = {name: [] for name in ("kappa", "kappa_shift", "use_kappa")}
    scales: list[int] = []
    lengths: list[int] = []
    codes: list[int] = []
    for _ in range(6000):
        use_kappa, valid = int(rng.integers(2)), int(rng.random() < 0.95)
        a = draw_bits(rng, code.significand_bits if use_kappa else TOP_BITS)
        b = draw_bits(rng, CONSTANT_BITS)
        kappa, kappa_shift = draw_bits(rng, CONSTANT_BITS), int(rng.integers(-20, 128))
        exponent = int(rng.integers(-190, 40))
        mantissa = a * b * (kappa if use_kappa else 1) * valid
        true_exponent = exponent - kappa_shift * use_kappa
        length = mantissa.bit_length() + true_exponent if mantissa else LEAST
        # the vector's scale is at least that of this element, often exactly, often far more
        reach = int(rng.choice([0, 1, code.fix_bits - 1, code.fix_bits, code.fix_bits + 1, int(rng.integers(90))]))
        scale = length - code.fix_bits + reach if mantissa else int(rng.integers(-300, 100))
        for name, value in (("a", a), ("b", b), ("exponent", exponent), ("valid", valid)):
            inputs[name].append(value)
        for name, value in (("kappa", kappa), ("kappa_shift", kappa_shift), ("use_kappa", use_kappa)):
            second[name].append(value)
        scales.append(scale)
        lengths.append(length)
        codes.append(encode(code, mantissa, true_exponent, scale))
    stimuli = {
        **inputs,
        **{name: later(values, Encoder.kappa_latency) for name, values in second.items()},
        "scale": later(scales, Encoder.length_latency),
    }
    # resting cycles in between change nothing, whatever stands at the inputs
    enable = [int(bit) for bit in rng.random(2 * len(codes)) < 0.75]
    enable += [1] * max(0, len(codes) + Encoder.latency - sum(enable))
    played: dict[str, list[int]] = {name: [] for name in stimuli}
    step = 0
    for bit in enable:
        for name, values in stimuli.items():
            played[name].append(values[step] if bit and step < len(values) else 1)
        step += bit
    scenario = Scenario({**played, "enable": enable}, record=("length", "code"), cycles=len(enable))
    (found,) = play(Encoder(shape), "encoder", [scenario], tmp_path)
    seen = {
        name: [value for value, bit in zip(values, enable, strict=True) if bit] for name, values in found.record.items()
    }
    assert seen["code"][Encoder.latency :][: len(codes)] == codes
    assert [signed(value, 11) for value in seen["length"][Encoder.length_latency :][: len(lengths)]] == lengths
    assert codes.count(code.greatest_code) > 10  # saturation was met


# --- finisher -----------------------------------------------------------------------------------------------------


def finished(value: int) -> tuple[int, int, int, int]:
    """(TOP_24 mantissa, shift, SCORE16, length) of an accumulator."""
    length = value.bit_length()
    shift = max(0, length - TOP_BITS)
    fraction = (value << 10 >> (length - 1)) & 1023 if length else 0
    return value >> shift, shift, (length << 10) + fraction, length


def test_finisher(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    edges = [0, (1 << ACCUMULATOR_BITS) - 1]
    edges += [(1 << k) + offset for k in range(ACCUMULATOR_BITS) for offset in (-1, 0, 1)]
    values = [*edges, *(draw_bits(rng, ACCUMULATOR_BITS) for _ in range(3000))]
    leaks = [int(value * share) for value, share in zip(values, rng.choice([0, 0.25, 1], len(values)), strict=True)]
    leaks = [min(leak, value) for leak, value in zip(leaks, values, strict=True)]
    totals = [value - leak for value, leak in zip(values, leaks, strict=True)]
    names = ("mantissa", "shift", "score", "length")
    scenario = Scenario({"total": totals, "leak": leaks}, record=names, cycles=len(values) + Finisher.latency)
    (found,) = play(Finisher(), "finisher", [scenario], tmp_path)
    seen = zip(*(found.record[name][Finisher.latency :] for name in names), strict=True)
    assert list(seen) == [finished(value) for value in values]


# --- gather sum ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slots", [pytest.param(1, marks=pytest.mark.full), 4, 8])
def test_gather_sum(slots: int, tmp_path: Path) -> None:
    """Outputs end anywhere in a cycle: none, several, or all slots; sums run on over cycles."""
    code = VectorCode()
    component = GatherSum(Shape(AcceleratorConfig(slots, hidden_capacity=64)))
    rng = np.random.default_rng(slots)
    cycles = 2500
    ending = rng.choice([0.02, 0.5, 1.0], cycles)[:, np.newaxis]
    last = rng.random((cycles, slots)) < ending
    codes = rng.integers(0, 1 << code.code_bits, (cycles, slots))
    factors = rng.integers(0, 1 << CODEBOOK_BITS, (cycles, slots)) * (rng.random((cycles, slots)) < 0.9)
    factors[rng.random(cycles) < 0.1] = 0  # cycles without an entry
    lasts = [sum(int(bit) << slot for slot, bit in enumerate(row)) for row in last]
    scenario = Scenario(
        {
            "codes": [join(row, code.code_bits) for row in codes.tolist()],
            "factors": [join(row, CODEBOOK_BITS) for row in factors.tolist()],
            "last_segment": later(lasts, GatherSum.segment_latency),
            "last_carry": later(lasts, GatherSum.segment_latency + 1),
        },
        record=("totals",),
        cycles=cycles + GatherSum.latency,
    )
    (found,) = play(component, "gather_sum", [scenario], tmp_path)
    running = 0
    for cycle, totals in enumerate(found.record["totals"][GatherSum.latency :]):
        for slot in range(slots):
            running += code.fix(int(codes[cycle, slot])) * int(factors[cycle, slot])
            if last[cycle, slot]:
                mask = (1 << ACCUMULATOR_BITS) - 1
                assert totals >> slot * ACCUMULATOR_BITS & mask == running & mask, (cycle, slot)
                running = 0


def join(values: list[int], bits: int) -> int:
    return sum(value << number * bits for number, value in enumerate(values))


# --- leak ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [pytest.param(1, marks=pytest.mark.full), 4])
def test_leak_unit(lanes: int, tmp_path: Path) -> None:
    """LEAK of every lane, one a cycle, `latency` cycles after its turn; apart for backward."""
    shape = Shape(AcceleratorConfig(lanes=lanes, hidden_capacity=64))
    rng = np.random.default_rng(lanes)
    scenarios: list[Scenario] = []
    expected: list[list[tuple[int, int]]] = []
    for number in range(60):
        right, split = int(rng.integers(0, 11)), number % 2
        constants = [(int(rng.integers(1 << 15, 1 << 16)), int(rng.integers(right - 3, 40))) for _ in range(2)]
        sums = [[draw_bits(rng, min(SUM_BITS - 1, 46)) for _ in range(2)] for _ in range(lanes)]
        expected.append([leaks(pair, constants, right, bool(split)) for pair in sums])
        scenarios.append(
            Scenario(
                {
                    "start": [0, 1, 0],
                    "buffer": [number % 3 // 2],
                    "split": [split],
                    "right": [right],
                    **{name: [constant_bits(*k)] for name, k in zip(("k1", "k0"), constants, strict=True)},
                    "sums": [join([join(pair, SUM_BITS) for pair in sums], 2 * SUM_BITS)],
                },
                record=("leak_write", "leak", "done"),
                cycles=lanes + LeakUnit.latency + 5,
            )
        )
    for number, found in enumerate(play(LeakUnit(shape), "leak_unit", scenarios, tmp_path)):
        check_leaks(found, expected[number], number % 3 // 2)


def constant_bits(mantissa: int, shift: int) -> int:
    return packed(ports.constant_layout(), mantissa=mantissa, shift=shift)


def leaks(sums: list[int], constants: list[tuple[int, int]], right: int, split: bool) -> tuple[int, int]:
    """(leak of ordinary outputs, leak of empty ones)."""
    pairs = [(sums[0], constants[0]), (sums[0] if split else sums[1], constants[1])]
    terms = [_term(total, mantissa, shift, right) for total, (mantissa, shift) in pairs]
    return (terms[0], terms[1]) if split else (sum(terms), sum(terms))


def _term(total: int, mantissa: int, shift: int, right: int) -> int:
    product = (total >> right) * mantissa
    return product >> (shift - right) if shift >= right else product << (right - shift)


def check_leaks(found: Recording, expected: list[tuple[int, int]], buffer: int) -> None:
    """Lane p is written `latency` cycles after the start plus p, done comes one cycle after the last."""
    start = 1
    mask = (1 << ACCUMULATOR_BITS) - 1
    written = {cycle: bits for cycle, bits in enumerate(found.record["leak_write"]) if bits}
    assert written == {start + LeakUnit.latency + lane: 1 << lane for lane in range(len(expected))}
    for lane, pair in enumerate(expected):
        shown: Any = unpacked(ports.leak_layout(), found.record["leak"][start + LeakUnit.latency + lane])
        assert (shown.buffer, shown.leak, shown.empty_leak) == (buffer, pair[0] & mask, pair[1] & mask)
    done = [cycle for cycle, bit in enumerate(found.record["done"]) if bit]
    assert done == [start + len(expected) + LeakUnit.latency]
