"""The simulated memory keeps the contract at the head of memory.sv, and its images and dumps are what was written."""

import random
from pathlib import Path

import pytest

from normq.sim.build import build
from normq.sim.memory.image import MEMORY_SOURCE, MEMORY_SOURCES, POISON, poison, read_dump, write_image
from normq.sim.verilog import Design, module_ports

MEMORY = "normq_memory"
DEPTH = 1024


def _memory(data_bits: int) -> tuple[Design, list[str]]:
    ports = module_ports(MEMORY_SOURCE.read_text(), MEMORY)
    return Design(MEMORY, ports, (), MEMORY_SOURCES), [f"-GDATA_BITS={data_bits}", f"-GDEPTH={DEPTH}"]


@pytest.mark.parametrize("data_bits", [64, 512])
def test_memory_keeps_its_contract(data_bits: int, tmp_path: Path) -> None:
    image, dump = tmp_path / "image.bin", tmp_path / "dump.bin"
    image.write_bytes(random.Random(data_bits).randbytes(70 * data_bits // 8))
    design, flags = _memory(data_bits)
    environment = {"DATA_BITS": str(data_bits), "DEPTH": str(DEPTH), "IMAGE": str(image), "DUMP": str(dump)}
    plusargs = [f"+image={image}", f"+dump={dump}"]
    build(design, flags=flags).run("normq.sim.bench.memory_bench", tmp_path, environment, plusargs)


def test_image_has_poison_between_its_segments(tmp_path: Path) -> None:
    path = tmp_path / "image.bin"
    write_image(path, {20: b"later", 3: b"first"}, 16)
    expected = bytearray(POISON * 4)
    expected[3:8], expected[20:25] = b"first", b"later"
    assert path.read_bytes() == expected
    assert read_dump(path, 19, 3) == POISON[3:4] + b"la"


def test_poison_follows_the_address() -> None:
    assert poison(11, 6) == (POISON * 3)[6:17]


def test_overlapping_segments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^the segment at 0x2 starts before the one before it ends, at 0x3$"):
        write_image(tmp_path / "image.bin", {0: b"abc", 2: b"d"}, 8)


def test_short_dump_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dump.bin"
    path.write_bytes(bytes(8))
    with pytest.raises(ValueError, match=r": 4 bytes at 0x6 were asked for, the dump ends after 2$"):
        read_dump(path, 6, 4)
