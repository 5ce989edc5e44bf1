"""`normq quantize`: a Ctrl-G checkpoint to a packed model file, or to a checkpoint of the quantized weights."""

import hashlib
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from ... import __version__
from ...model.artifact import write_artifact
from ...model.checkpoint import TENSOR_FILE, TORCH_FILE, read_checkpoint, write_checkpoint
from ...model.config import Layout
from ...model.errors import ModelError, OptionError
from ...model.footprint import bits_per_weight
from ...model.formats import IndexFormat
from ...model.hmm import HMM
from ...model.packing.model import pack_model
from ...model.quantize.methods import METHODS, NORMQ_METHOD, Method, Setting
from ...model.weights import FloatWeights

_PACKED = [name for name, method in METHODS.items() if method.levels]
_FLOATS = [name for name, method in METHODS.items() if method.no_checkpoint is None]
_WRITTEN = [name for name, method in METHODS.items() if method.has_file]
METHODS_HELP = (
    f"Packed: {', '.join(_PACKED)}. With --float-output: {', '.join(_FLOATS)}; of these, prune, prune-normalized and "
    "linear-normalized while every row still sums to 1. The others of `normq generate --method` have no file."
)


def quantize(
    checkpoint: Annotated[Path, typer.Argument(help="Ctrl-G checkpoint folder.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Packed model file to write.", show_default=False)],
    bits: Annotated[int | None, typer.Option(help="Index width, 2..8; none for pruning.")] = None,
    layout: Annotated[Layout, typer.Option(help="Storage of the matrices.")] = Layout.SPARSE,
    eos_token_id: Annotated[
        int | None, typer.Option(help="End-of-text token, for a checkpoint without config.json.", show_default=False)
    ] = None,
    method: Annotated[str, typer.Option(help=METHODS_HELP)] = NORMQ_METHOD,
    guard: Annotated[
        bool, typer.Option("--guard", help="hmm_guard: no leak leaves the state of end-of-text or reaches its token.")
    ] = False,
    row_mass_leak: Annotated[
        bool, typer.Option("--row-mass-leak", help="A leak for each row, of the mass that its zero levels had.")
    ] = False,
    share: Annotated[
        float | None, typer.Option(help="Share of alpha's and beta's entries that pruning removes.", show_default=False)
    ] = None,
    float_output: Annotated[
        bool,
        typer.Option(
            "--float-output", help="Write a Ctrl-G checkpoint folder of the float weights instead of packing."
        ),
    ] = False,
) -> None:
    """Quantize a checkpoint and pack it into one file, with Norm-Q or a method it is compared with."""
    chosen = _check_options(bits, output, method, float_output)
    hmm = read_checkpoint(checkpoint, eos_token_id)
    setting = Setting(bits, share, guard, row_mass_leak)
    if float_output:
        _write_float(
            chosen.weights(hmm, setting), output, {**hmm.provenance, **_provenance(checkpoint), "method": method}
        )
        return
    quantized = chosen.quantize(hmm, setting)
    # the float tensors are gone before packing starts
    del hmm
    model = pack_model(quantized, layout, _provenance(checkpoint))
    write_artifact(model, output)
    size = output.stat().st_size
    weight = bits_per_weight(size, model.hidden_states, model.vocab_size)
    Console(highlight=False, soft_wrap=True).print(
        f"{output}: H={model.hidden_states} V={model.vocab_size} b={bits} {layout.value}, {size:,} bytes, "
        f"{weight:.4g} bits per weight",
        markup=False,
    )


def _check_options(bits: int | None, output: Path, name: str, float_output: bool) -> Method:
    """Return the method; refuse before the long work what would fail after it."""
    if name not in METHODS:
        raise OptionError(f"--method: {name!r} given, expected one of {', '.join(_WRITTEN)}")
    method = METHODS[name]
    if not method.has_file:
        raise OptionError(f"--method: {name} can be written to no file ({method.no_checkpoint}); {_elsewhere(name)}")
    if float_output and method.no_checkpoint is not None:
        raise OptionError(
            f"--float-output: no checkpoint can hold {name} ({method.no_checkpoint}), expected to pack it, without "
            f"--float-output; {_elsewhere(name)}"
        )
    if method.levels is None and not float_output:
        raise OptionError(f"--method: {name} has only float weights, expected --float-output with it")
    if method.levels is not None:
        try:
            IndexFormat(0 if bits is None else bits)
        except ValueError as error:
            given = "none given, expected 2..8" if bits is None else str(error)
            raise OptionError(f"--bits: {given}") from error
    if not output.parent.is_dir():
        raise OptionError(f"--output: {output} is in no existing folder, expected {output.parent} to exist")
    return method


def _elsewhere(name: str) -> str:
    """Say where a method can be used that has no place here."""
    return f"`normq generate --engine float64 --method {name}` runs it, `normq quality` shows what it costs"


def _write_float(weights: FloatWeights, folder: Path, provenance: dict[str, str]) -> None:
    """Write a checkpoint. Raises OptionError where rows do not sum to 1: it could not be read as a model."""
    alpha, beta, gamma = (tensor.astype(np.float32) for tensor in (weights.alpha, weights.beta, weights.gamma))
    try:
        hmm = HMM(alpha, beta, gamma, weights.eos_token_id, provenance)
    except ModelError as error:
        use = _elsewhere(provenance["method"])
        raise OptionError(f"--float-output: no checkpoint can hold the result ({error}); {use}") from error
    write_checkpoint(hmm, folder)
    Console(highlight=False, soft_wrap=True).print(
        f"{folder}: H={hmm.hidden_states} V={hmm.vocab_size} in float32; not to be quantized again", markup=False
    )


def _provenance(checkpoint: Path) -> dict[str, str]:
    """Return what identifies the source and the tool, without dates or paths: equal models give equal files."""
    names = (name for name in (TENSOR_FILE, TORCH_FILE) if (checkpoint / name).exists())
    with (checkpoint / next(names)).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"checkpoint": checkpoint.resolve().name, "checkpoint_sha256": digest, "tool": f"normq {__version__}"}
