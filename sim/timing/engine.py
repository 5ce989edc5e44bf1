"""The state of the whole engine: the records of all units in one buffer, and their values at rest."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...model.config import AcceleratorConfig
from ...rtl.bus.fetch import BLOCK_BYTES, BURST_BLOCKS
from ...rtl.bus.sides import LOCAL_OUTSTANDING
from ...rtl.engine import OTHER_BUFFER_BYTES, STREAMED
from ...rtl.shape import Shape
from ...rtl.stages import READERS
from .arbiter import ARBITER
from .copier import COPIER
from .decoder import DECODER
from .emission_load import EMISSIONS
from .fetch import FETCH
from .gather_control import GATHER
from .group_input import INPUT
from .group_load import LOAD
from .group_output import OUTPUT
from .hand_over import BUFFERS_HELD
from .local import LOCAL_MEMORY
from .memory import MEMORY
from .output_passes import OUTPUT_PASSES
from .passes import PASSES
from .result_rows import ROWS, VECTOR_BEATS
from .sequencer import SEQUENCER
from .settings import SETTINGS, no_settings
from .turn import FLIGHT, TURN
from .vector_load import VECTORS
from .weight_stream import WEIGHTS
from .words import WORDS
from .writer import WRITER

NAMES, LIST_READER, EMISSION_READER, VECTOR_READER, WEIGHT_READER = range(len(READERS))
WEIGHT_DECODER, EMISSION_DECODER = range(2)
LOAD_WORDS, LIST_WORDS = 2, 3
"""Who cuts blocks into words: the two decoders; what reads descriptors, tables and records; what reads lists."""

STATE = np.dtype(
    [
        ("filling", SETTINGS),
        ("load_d", SETTINGS),
        ("input_d", SETTINGS),
        ("ask_d", SETTINGS),
        ("decode_d", SETTINGS),
        ("gather_d", SETTINGS),
        ("output_d", SETTINGS),
        ("passes", PASSES),
        ("decoders", DECODER, (2,)),
        ("words", WORDS, (4,)),
        ("gather", GATHER),
        ("fetchers", FETCH, (len(READERS),)),
        ("arbiter", ARBITER),
        ("memory", MEMORY),
        ("stream", WEIGHTS),
        ("sequencer", SEQUENCER),
        ("flight", FLIGHT),
        ("load_turn", TURN),
        ("input_turn", TURN),
        ("stream_turn", TURN),
        ("gather_turn", TURN),
        ("output_turn", TURN),
        ("load", LOAD),
        ("vectors", VECTORS),
        ("emissions", EMISSIONS),
        ("input", INPUT),
        ("held", BUFFERS_HELD),
        ("output_passes", OUTPUT_PASSES),
        ("output", OUTPUT),
        ("rows", ROWS),
        ("beats", VECTOR_BEATS),
        ("writer", WRITER),
        ("copier", COPIER),
        ("local_memory", LOCAL_MEMORY),
        ("local_arbiter", ARBITER),
    ]
)
"""Every unit, 64-bit integers throughout; what differs first between two cycles stands first."""


STATE_WORDS = STATE.itemsize // 8


class Engine(NamedTuple):
    """The records of all units, in the order of STATE: views of one buffer, and what lies behind the memory.

    No arrays: counting their references in every cycle would double the time.
    """

    filling: Any
    """What the sequencer took last."""
    load_d: Any
    """What a stage works on: load and emissions; input and its passes; fetching and decoding of weights; ..."""
    input_d: Any
    ask_d: Any
    decode_d: Any
    gather_d: Any
    output_d: Any
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
    flight: Any
    load_turn: Any
    input_turn: Any
    stream_turn: Any
    gather_turn: Any
    output_turn: Any
    load: Any
    vectors: Any
    emissions: Any
    input: Any
    held: Any
    output_passes: Any
    output: Any
    rows: Any
    beats: Any
    writer: Any
    copier: Any
    local_memory: Any
    local_arbiter: Any
    dram: Any
    """Behind the memory, in a buffer of its own: nothing that has one is jumped over."""


WHOSE = ("filling", "load_d", "input_d", "ask_d", "decode_d", "gather_d", "output_d")
"""The descriptors: the one taken last, and those that the stages work on."""
FILLING, LOAD_D, INPUT_D, ASK_D, DECODE_D, GATHER_D, OUTPUT_D = (
    STATE.fields[name][1] // 8  # pyright: ignore[reportOptionalSubscript]
    for name in WHOSE
)
"""Where they begin in the state."""


def engine_at_rest(config: AcceleratorConfig, memory_ports: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Return the state [STATE_WORDS] of an engine; `memory_ports` are its memory's inputs."""
    state = np.zeros(STATE_WORDS, np.int64)
    engine: Any = state.view(STATE)[0]
    for name in WHOSE:
        engine[name] = no_settings(config)
    memory, rows = engine["memory"], engine["rows"]
    for name in ("latency", "write_latency", "gap"):
        memory[name] = memory_ports[name]
    for name in ("ar_ready", "aw_ready", "w_ready"):
        memory[name] = 1
    engine["arbiter"]["outstanding"] = config.outstanding_reads
    engine["local_arbiter"]["outstanding"] = LOCAL_OUTSTANDING
    engine["local_memory"]["ar_ready"] = 1
    engine["writer"]["has_local"] = config.local_bytes > 0
    for fetcher, name in zip(engine["fetchers"], READERS, strict=True):
        size = config.stream_buffer_bytes if name in STREAMED else OTHER_BUFFER_BYTES
        beats_per_block = BLOCK_BYTES // config.port_bytes
        fetcher["room"] = max(size // config.port_bytes, 2 * BURST_BLOCKS * beats_per_block)
        fetcher["beats_per_block"] = beats_per_block
        fetcher["has_local"] = config.local_bytes > 0
        fetcher["parts"] = 1 if name == "vectors" else beats_per_block
    engine["decoders"]["slots"] = config.entries_per_cycle, 1
    # a descriptor before, whose group is written: what follows it need not wait
    engine["flight"]["total"] = engine["flight"]["written"] = 1
    engine["load"]["may_load"] = engine["load"]["may_mark"] = 1
    row_bytes = Shape(config).banks * config.record_bytes
    rows["joins"] = row_bytes < config.port_bytes
    rows["parts"] = max(row_bytes // config.port_bytes, config.port_bytes // row_bytes)
    return state
