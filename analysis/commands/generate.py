"""`normq generate`: sentences with given concepts, guided by an HMM on any engine."""

from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from ...model.config import Layout
from ...model.decoding.engine import EosMode, Lengths
from ...model.errors import OptionError
from ...model.quantize.methods import METHODS, NORMQ_METHOD, Setting
from ..generate.choices import BITS, FLOAT_METHOD, EngineKind
from .options import (
    DEFAULTS,
    ElementsPerCycle,
    EntriesPerCycle,
    Lanes,
    PortBits,
    configuration,
)

SIZES = ("entries_per_cycle", "lanes", "elements_per_cycle", "port_bits")
"""Options of the accelerator; they change cycles, never what is written."""


def generate(
    context: typer.Context,
    concepts: Annotated[
        str,
        typer.Option(
            help="Words that must occur, with spaces between; a word stands for its inflections, run|ran not."
        ),
    ],
    model: Annotated[
        Path, typer.Argument(help="Checkpoint folder or packed file of the HMM; `default` is embedded.")
    ] = Path("default"),
    language_model: Annotated[
        Path, typer.Option(help="Local folder of transformers with tokenizer.json; `default` is embedded.")
    ] = Path("default"),
    engine: Annotated[
        EngineKind,
        typer.Option(help="Who computes the guidance; rtl is the engine in simulation, held against golden."),
    ] = EngineKind.GOLDEN,
    method: Annotated[
        str | None,
        typer.Option(
            help=f"Of quantization: {FLOAT_METHOD} for none, {', '.join(METHODS)}.",
            show_default=f"{NORMQ_METHOD}, or as packed",
        ),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="Index width; layer-wise methods have 2..24.", show_default=f"{BITS}, or as packed"),
    ] = None,
    guard: Annotated[bool, typer.Option("--guard", help="hmm_guard.")] = False,
    row_mass_leak: Annotated[bool, typer.Option("--row-mass-leak", help="row_mass_leak: a leak for each row.")] = False,
    share: Annotated[float | None, typer.Option(help="Share that pruning removes.", show_default="none")] = None,
    layout: Annotated[
        Layout | None,
        typer.Option(help="Storage of the packed weights.", show_default=f"{Layout.SPARSE.value}, or as packed"),
    ] = None,
    eos: Annotated[
        EosMode, typer.Option(help="The text must end after the concepts, or end of text is any token, as in Ctrl-G.")
    ] = EosMode.EVENT,
    beams: Annotated[int, typer.Option(help="Beams; 1 is greedy search.", min=1)] = 8,
    samples: Annotated[int, typer.Option(help="Draw so many texts instead of searching.", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    shortest: Annotated[int, typer.Option(help="Tokens of a text at least.")] = Lengths.least,
    longest: Annotated[int, typer.Option(help="Tokens of a text at most.")] = Lengths.greatest,
    whole_words: Annotated[
        bool, typer.Option("--whole-words", help="Concepts must be words; without it parts of words will do.")
    ] = False,
    prompt: Annotated[str, typer.Option(help="What the language model reads first.", show_default="nothing")] = "",
    count: Annotated[int, typer.Option(help="Sentences to print at most.", min=1)] = 3,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show success, automaton, bytes and dead beams, and count cycles.")
    ] = False,
    entries_per_cycle: EntriesPerCycle = DEFAULTS.entries_per_cycle,
    lanes: Lanes = DEFAULTS.lanes,
    elements_per_cycle: ElementsPerCycle = DEFAULTS.elements_per_cycle,
    port_bits: PortBits = DEFAULTS.port_bits,
) -> None:
    """Write sentences in which given concepts occur: a language model proposes, an HMM looks ahead.

    Prints the best beams by the language model alone, the best first, or with --samples what was drawn.
    """
    if method is not None and method != FLOAT_METHOD and method not in METHODS:
        raise OptionError(f"--method: {method!r} given, expected one of {FLOAT_METHOD}, {', '.join(METHODS)}")
    _check_given(context, engine, samples, explain)
    config = configuration(
        entries_per_cycle=entries_per_cycle, lanes=lanes, elements_per_cycle=elements_per_cycle, port_bits=port_bits
    )
    # transformers takes seconds to import: only this command waits for it
    parts = {
        name: import_module(f"...analysis.generate.{name}", __package__)
        for name in ("concepts", "request", "run", "report")
    }
    request = parts["request"].Request(
        concepts=parts["concepts"].parse_concepts(concepts),
        model=model,
        language_model=language_model,
        engine=engine,
        asked_method=method,
        setting=Setting(bits, share, guard, row_mass_leak),
        asked_layout=layout,
        eos=eos,
        lengths=Lengths(shortest, longest),
        beams=beams,
        samples=samples,
        seed=seed,
        whole_words=whole_words,
        prompt=prompt,
        counts_cycles=explain,
        config=config,
    )
    with Console(stderr=True).status("models") as status, TemporaryDirectory() as folder:
        found = parts["run"].write_sentences(request, Path(folder), status.update)
    console = Console(highlight=False, soft_wrap=True)
    if not explain:
        for line in parts["report"].sentence_lines(found, count):
            console.print(line, markup=False)
        return
    console.print(parts["report"].sentence_table(found, count))
    console.print(parts["report"].explanation(found, request))


def _check_given(context: typer.Context, engine: EngineKind, samples: int, explain: bool) -> None:
    """Refuse options that were given beside others that leave them without effect. Raises OptionError."""
    faults = {
        "seed": None if samples else "nothing is drawn without --samples",
        "beams": "--samples draws instead of searching" if samples else None,
    }
    if not explain and engine is not EngineKind.RTL:
        faults |= dict.fromkeys(SIZES, "no cycles are counted without --explain or --engine rtl")
    for name, fault in faults.items():
        if fault and _is_given(context, name):
            raise OptionError(f"--{name.replace('_', '-')}: {context.params[name]} given, {fault}")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
