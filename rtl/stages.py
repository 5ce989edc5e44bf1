"""The stages that share one set of lanes, in the order in which data pass through them."""

from dataclasses import dataclass, fields

from amaranth import Module

from .bus.copy import Copier
from .bus.sides import ReadSides
from .bus.write import BurstWriter
from .constraint.unit import ConstraintUnit
from .emission_load import EmissionLoad
from .gather_control import GatherControl
from .group_input import GroupInput
from .group_load import GroupLoad
from .group_output import GroupOutput
from .leak import LeakUnit
from .output_passes import OutputPasses
from .passes import ElementPasses
from .registers import Registers
from .result_rows import RowSource, VectorSource
from .sequencer import Sequencer
from .shape import Shape
from .tables import Codebooks, RowTables
from .turn import Flight, Turn
from .vector_load import VectorLoad
from .weight_stream import WeightStream

READERS = ("words", "lists", "emissions", "vectors", "weights")
"""The readers, in the arbiters' order."""
COPY_READER = "weights"
"""Whose fetcher copies borrow: that with the largest buffer."""

ENDING_STAGES = 4
"""Stages that must have ended a descriptor before it is over: load, input, gather, output."""


@dataclass(frozen=True)
class Stages:
    """Every component of an engine but its lanes."""

    registers: Registers
    sequencer: Sequencer
    flight: Flight
    load_turn: Turn
    input_turn: Turn
    stream_turn: Turn
    gather_turn: Turn
    output_turn: Turn
    sides: ReadSides
    rows: RowTables
    codebooks: Codebooks
    load: GroupLoad
    vectors: VectorLoad
    emissions: EmissionLoad
    input: GroupInput
    passes: ElementPasses
    leak: LeakUnit
    stream: WeightStream
    gather: GatherControl
    output_passes: OutputPasses
    output: GroupOutput
    score_rows: RowSource
    vector_beats: VectorSource
    copier: Copier
    writer: BurstWriter
    constraint: ConstraintUnit

    @classmethod
    def of(cls, shape: Shape) -> "Stages":
        """Make the components of a configuration."""
        config = shape.config
        return cls(
            registers=Registers(),
            sequencer=Sequencer(shape),
            flight=Flight(ENDING_STAGES),
            load_turn=Turn(),
            input_turn=Turn(),
            stream_turn=Turn(),
            gather_turn=Turn(),
            output_turn=Turn(),
            sides=ReadSides(len(READERS), config),
            rows=RowTables(shape),
            codebooks=Codebooks(config.greatest_index_bits, config.entries_per_cycle + 1),
            load=GroupLoad(shape),
            vectors=VectorLoad(shape),
            emissions=EmissionLoad(shape),
            input=GroupInput(shape),
            passes=ElementPasses(shape),
            leak=LeakUnit(shape),
            stream=WeightStream(shape),
            gather=GatherControl(shape),
            output_passes=OutputPasses(),
            output=GroupOutput(shape),
            score_rows=RowSource(shape),
            vector_beats=VectorSource(shape),
            copier=Copier(),
            writer=BurstWriter(config.port_bits, has_local=config.local_bytes > 0),
            constraint=ConstraintUnit(shape),
        )

    def place(self, m: Module) -> None:
        """Add every component to `m` under its name."""
        for field in fields(self):
            m.submodules[field.name] = getattr(self, field.name)
