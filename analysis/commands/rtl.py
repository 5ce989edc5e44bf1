"""`normq rtl`: the engine's Verilog and its manifest."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...model.atomic import replacing
from ...model.errors import OptionError
from ...rtl.system import SYSTEM_MODULE, system_text
from ...sim.engine import ENGINE_MODULE, engine_design
from ...sim.manifest import manifest
from ...sim.register_page import PAGE, register_page
from .options import (
    DEFAULT_CODE,
    DEFAULTS,
    Code,
    ElementsPerCycle,
    EntriesPerCycle,
    GreatestIndexBits,
    HiddenCapacity,
    Lanes,
    Layouts,
    LeastIndexBits,
    LocalBytes,
    OutstandingReads,
    PortBits,
    RowLeaks,
    StreamBufferBytes,
    VocabCapacity,
    configuration,
    output_folder,
)

MANIFEST_FILE = "manifest.json"


def rtl(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.", show_default=False)],
    entries_per_cycle: EntriesPerCycle = DEFAULTS.entries_per_cycle,
    lanes: Lanes = DEFAULTS.lanes,
    elements_per_cycle: ElementsPerCycle = DEFAULTS.elements_per_cycle,
    port_bits: PortBits = DEFAULTS.port_bits,
    hidden_capacity: HiddenCapacity = DEFAULTS.hidden_capacity,
    vocab_capacity: VocabCapacity = DEFAULTS.vocab_capacity,
    greatest_index_bits: GreatestIndexBits = DEFAULTS.greatest_index_bits,
    least_index_bits: LeastIndexBits = DEFAULTS.least_index_bits,
    outstanding_reads: OutstandingReads = DEFAULTS.outstanding_reads,
    stream_buffer_bytes: StreamBufferBytes = DEFAULTS.stream_buffer_bytes,
    local_bytes: LocalBytes = DEFAULTS.local_bytes,
    row_leaks: RowLeaks = DEFAULTS.row_leaks,
    layout: Layouts = None,
    code: Code = DEFAULT_CODE,
) -> None:
    """Write the Verilog of the engine, its lane and its AXI wrapper, and manifest.json: registers, descriptors."""
    config = configuration(
        layouts=layout,
        code=code,
        entries_per_cycle=entries_per_cycle,
        lanes=lanes,
        elements_per_cycle=elements_per_cycle,
        port_bits=port_bits,
        hidden_capacity=hidden_capacity,
        vocab_capacity=vocab_capacity,
        greatest_index_bits=greatest_index_bits,
        least_index_bits=least_index_bits,
        outstanding_reads=outstanding_reads,
        stream_buffer_bytes=stream_buffer_bytes,
        local_bytes=local_bytes,
        row_leaks=row_leaks,
    )
    folder = output_folder(output)
    design, described = engine_design(config), manifest(config)
    files = {f"{described['lane']}.v": design.texts[0], f"{ENGINE_MODULE}.v": design.texts[-1]}
    files[f"{SYSTEM_MODULE}.v"] = system_text(ENGINE_MODULE, config.port_bits)
    files[MANIFEST_FILE] = json.dumps({**described, "files": sorted(files)}, indent=2) + "\n"
    files[PAGE] = register_page(described)
    for name, text in files.items():
        _write(folder / name, text)
    console = Console(highlight=False, soft_wrap=True)
    for name, text in files.items():
        console.print(f"{folder / name}: {text.count(chr(10)):,} lines", markup=False)


def _write(path: Path, text: str) -> None:
    try:
        with replacing(path) as temporary:
            temporary.write_text(text)
    except OSError as error:
        raise OptionError(f"--output: {path} cannot be written ({error.strerror})") from error
