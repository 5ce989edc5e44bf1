"""`normq quantize`: a Ctrl-G checkpoint to a packed model file."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ... import __version__
from ...model.artifact import write_artifact
from ...model.checkpoint import TENSOR_FILE, TORCH_FILE, read_checkpoint
from ...model.config import Layout
from ...model.errors import OptionError
from ...model.footprint import bits_per_weight
from ...model.formats import IndexFormat
from ...model.packing.model import pack_model
from ...model.quantize import normq


def quantize(
    checkpoint: Annotated[Path, typer.Argument(help="Ctrl-G checkpoint folder.", show_default=False)],
    bits: Annotated[int, typer.Option(help="Index width, 2..8.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Packed model file to write.", show_default=False)],
    layout: Annotated[Layout, typer.Option(help="Storage of the matrices.")] = Layout.SPARSE,
    eos_token_id: Annotated[
        int | None, typer.Option(help="End-of-text token, for a checkpoint without config.json.", show_default=False)
    ] = None,
) -> None:
    """Quantize a checkpoint with Norm-Q and pack it into one file."""
    _check_options(bits, output)
    # the float tensors are gone before packing starts
    quantized = normq.quantize(read_checkpoint(checkpoint, eos_token_id), bits)
    model = pack_model(quantized, layout, _provenance(checkpoint))
    write_artifact(model, output)
    size = output.stat().st_size
    weight = bits_per_weight(size, model.hidden_states, model.vocab_size)
    Console(highlight=False, soft_wrap=True).print(
        f"{output}: H={model.hidden_states} V={model.vocab_size} b={bits} {layout.value}, {size:,} bytes, "
        f"{weight:.4g} bits per weight",
        markup=False,
    )


def _check_options(bits: int, output: Path) -> None:
    """Refuse before the long work what would fail after it."""
    try:
        IndexFormat(bits)
    except ValueError as error:
        raise OptionError(f"--bits: {error}") from error
    if not output.parent.is_dir():
        raise OptionError(f"--output: {output} is in no existing folder, expected {output.parent} to exist")


def _provenance(checkpoint: Path) -> dict[str, str]:
    """Return what identifies the source and the tool, without dates or paths: equal models give equal files."""
    names = (name for name in (TENSOR_FILE, TORCH_FILE) if (checkpoint / name).exists())
    with (checkpoint / next(names)).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"checkpoint": checkpoint.resolve().name, "checkpoint_sha256": digest, "tool": f"normq {__version__}"}
