"""The state of the whole engine: the records of all units in one buffer, and their values at rest."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...model.config import AcceleratorConfig
from ...rtl.bus.fetch import BLOCK_BYTES, BURST_BLOCKS
from ...rtl.engine import OTHER_BUFFER_BYTES
from ...rtl.stages import READERS
from .arbiter import ARBITER
from .decoder import DECODER
from .emission_load import EMISSIONS
from .fetch import FETCH
from .gather_control import GATHER
from .group_input import INPUT
from .group_load import LOAD
from .group_output import OUTPUT
from .hand_over import BUFFERS_HELD
from .memory import MEMORY
from .passes import PASSES
from .result_rows import ROWS, VECTOR_BEATS
from .sequencer import SEQUENCER
from .settings import SETTINGS
from .vector_load import VECTORS
from .weight_stream import STREAM
from .words import WORDS
from .writer import WRITER

NAMES, EMISSION_READER, VECTOR_READER, WEIGHT_READER = range(len(READERS))
WEIGHT_DECODER, EMISSION_DECODER = range(2)
LOAD_WORDS = 2
"""Who cuts blocks into words: the two decoders, and what reads descriptors, tables and records."""

STATE = np.dtype(
    [
        ("settings", SETTINGS),
        ("passes", PASSES),
        ("decoders", DECODER, (2,)),
        ("words", WORDS, (3,)),
        ("gather", GATHER),
        ("fetchers", FETCH, (len(READERS),)),
        ("arbiter", ARBITER),
        ("memory", MEMORY),
        ("stream", STREAM),
        ("sequencer", SEQUENCER),
        ("load", LOAD),
        ("vectors", VECTORS),
        ("emissions", EMISSIONS),
        ("input", INPUT),
        ("held", BUFFERS_HELD),
        ("output", OUTPUT),
        ("rows", ROWS),
        ("beats", VECTOR_BEATS),
        ("writer", WRITER),
    ]
)
"""Every unit, 64-bit integers throughout; what differs first between two cycles stands first."""


STATE_WORDS = STATE.itemsize // 8


class Engine(NamedTuple):
    """The records of all units, in the order of STATE: views of one buffer, and what lies behind the memory.

    No arrays: counting their references in every cycle would double the time.
    """

    settings: Any
    passes: Any
    decoders: Any
    words: Any
    gather: Any
    fetchers: Any
    """In the order of rtl.stages.READERS."""
    arbiter: Any
    memory: Any
    stream: Any
    sequencer: Any
    load: Any
    vectors: Any
    emissions: Any
    input: Any
    held: Any
    output: Any
    rows: Any
    beats: Any
    writer: Any
    dram: Any
    """Behind the memory, in a buffer of its own: nothing that has one is jumped over."""


def engine_at_rest(config: AcceleratorConfig, settings: Any, memory_ports: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Return the state [STATE_WORDS] of an engine; `memory_ports` are its memory's inputs."""
    state = np.zeros(STATE_WORDS, np.int64)
    engine: Any = state.view(STATE)[0]
    engine["settings"] = settings
    memory, rows = engine["memory"], engine["rows"]
    for name in ("latency", "write_latency", "gap"):
        memory[name] = memory_ports[name]
    for name in ("ar_ready", "aw_ready", "w_ready"):
        memory[name] = 1
    engine["arbiter"]["outstanding"] = config.outstanding_reads
    for fetcher, name in zip(engine["fetchers"], READERS, strict=True):
        size = config.stream_buffer_bytes if name == "weights" else OTHER_BUFFER_BYTES
        beats_per_block = BLOCK_BYTES // config.port_bytes
        fetcher["room"] = max(size // config.port_bytes, 2 * BURST_BLOCKS * beats_per_block)
        fetcher["beats_per_block"] = beats_per_block
        fetcher["parts"] = 1 if name == "vectors" else beats_per_block
    for number, slots in ((WEIGHT_DECODER, config.entries_per_cycle), (EMISSION_DECODER, 1)):
        decoder = engine["decoders"][number]
        for name in ("is_dense", "bits", "width", "per_block"):
            decoder[name] = settings[name]
        decoder["slots"] = slots
    engine["decoders"][WEIGHT_DECODER]["counts_ends"] = settings["is_score"]
    row_bytes = int(settings["banks"]) * config.record_bytes
    rows["joins"] = row_bytes < config.port_bytes
    rows["parts"] = max(row_bytes // config.port_bytes, config.port_bytes // row_bytes)
    return state
