"""Options that several commands share: the build parameters of the accelerator, and where output goes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ...model.config import AcceleratorConfig, Layout
from ...model.errors import OptionError
from ...model.formats import VectorCode
from ...sim.memory.dram import PRESETS, Dram

DEFAULTS = AcceleratorConfig()

EntriesPerCycle = Annotated[int, typer.Option(help="S: weight entries taken per cycle, 1, 2, 4 or 8.")]
Lanes = Annotated[int, typer.Option(help="P: vectors that share a weight fetch, a power of two up to 64.")]
ElementsPerCycle = Annotated[int, typer.Option(help="W: vector elements per lane and cycle, 1, 2, 4 or 8.")]
PortBits = Annotated[int, typer.Option(help="Data width of the memory port, 64, 128, 256 or 512.")]
HiddenCapacity = Annotated[int, typer.Option(help="Greatest number of hidden states, a power of two.")]
VocabCapacity = Annotated[int, typer.Option(help="Greatest vocabulary.")]
GreatestIndexBits = Annotated[int, typer.Option(help="Greatest index width built in, 2..8.")]
LeastIndexBits = Annotated[int, typer.Option(help="Least index width built in, 2..8.")]
OutstandingReads = Annotated[int, typer.Option(help="Read bursts under way on the memory port at once, 1..64.")]
StreamBufferBytes = Annotated[int, typer.Option(help="Buffer of the weight stream, a power of two in 512..65536.")]
LocalBytes = Annotated[int, typer.Option(help="Memory on chip: 0 for none, or a power of two, 4096 to 8388608.")]
RowLeaks = Annotated[bool, typer.Option("--row-leaks", help="Run models with a leak for each row (row_mass_leak).")]
Layouts = Annotated[list[Layout] | None, typer.Option("--layout", help="Layout built in; repeat it for both.")]
Code = Annotated[str, typer.Option(help="Vector code: exponent bits, significand bits.")]
DEFAULT_CODE = f"{DEFAULTS.code.exponent_bits},{DEFAULTS.code.significand_bits}"


Preset = Annotated[
    str | None, typer.Option("--dram", help=f"DRAM behind the memory port: {', '.join(PRESETS)}.", show_default="none")
]
Channels = Annotated[int | None, typer.Option(help="Channels of the DRAM, a power of two to 32.", show_default="its")]
EngineMhz = Annotated[int, typer.Option(help="Clock of the engine, where a DRAM keeps time by its own.")]
TraceMemory = Annotated[
    Path | None,
    typer.Option(help="Parquet file for every burst on the memory port.", show_default="none", dir_okay=False),
]


def dram_of(preset: str | None, channels: int | None, engine_mhz: int) -> Dram | None:
    """Return the DRAM of these options, None without a preset. Raises OptionError."""
    if preset is None:
        if channels is not None:
            raise OptionError("--channels: needs --dram, the kind of memory")
        return None
    if preset not in PRESETS:
        raise OptionError(f"--dram: {preset!r} given, expected one of {', '.join(PRESETS)}")
    timings = PRESETS[preset]
    return Dram(timings, timings.channels if channels is None else channels, engine_mhz=engine_mhz)


def trace_file(path: Path) -> Path:
    """Return the file of --trace-memory. Raises OptionError where it cannot be written."""
    if not path.parent.is_dir():
        raise OptionError(f"--trace-memory: {path} cannot be written, {path.parent} is no folder")
    return path


def configuration(
    layouts: Sequence[Layout] | None = None, code: str = DEFAULT_CODE, *, row_leaks: bool = False, **sizes: int
) -> AcceleratorConfig:
    """Return the configuration of these options; `sizes` are fields of AcceleratorConfig.

    Raises OptionError naming the option, its value and what is possible.
    """
    try:
        return AcceleratorConfig(
            **sizes,
            layouts=frozenset(layouts) if layouts else DEFAULTS.layouts,
            row_leaks=row_leaks,
            code=_vector_code(code),
        )
    except ValueError as error:
        raise OptionError(_as_option(str(error))) from error


def output_folder(path: Path) -> Path:
    """Make the folder of --output and return it. Raises OptionError where that is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--output: {path} cannot be a folder ({error.strerror})") from error
    return path


def token_list(text: str) -> list[int]:
    """Return the numbers of "5,17,3". Raises OptionError."""
    return _numbers("--tokens", text, "token numbers with commas between")


def _vector_code(text: str) -> VectorCode:
    numbers = _numbers("--code", text, "exponent bits and significand bits, as in 5,12")
    if len(numbers) != 2:
        raise OptionError(f"--code: {text!r} given, expected exponent bits and significand bits, as in 5,12")
    try:
        return VectorCode(*numbers)
    except ValueError as error:
        raise OptionError(f"--code: {error}") from error


def _numbers(option: str, text: str, expected: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit()):
            raise OptionError(f"{option}: {part!r} in {text!r}, expected {expected}")
    return [int(part) for part in parts]


def _as_option(message: str) -> str:
    """Let a message that starts with a field's name start with its option's."""
    fields: tuple[Any, ...] = dataclasses.fields(AcceleratorConfig)
    first, _, rest = message.partition(" ")
    return f"--{first.replace('_', '-')}: {rest}" if first in {field.name for field in fields} else message
