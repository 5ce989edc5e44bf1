"""`normq inspect`: what a packed model file holds, and what each part weighs."""

from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...model.artifact import artifact_tensors, read_artifact
from ...model.artifact_header import MATRICES, TENSORS
from ...model.config import Layout
from ...model.footprint import bits_per_weight, occupancy, weight_count
from ...model.packing.matrix import PackedModel
from ...model.packing.rule import TensorRule


def inspect(
    file: Annotated[Path, typer.Argument(help="Packed model file.", show_default=False)],
) -> None:
    """Check a packed model file and show what is in it and what each part weighs."""
    model = read_artifact(file)
    size = file.stat().st_size
    console = Console(highlight=False, soft_wrap=True)
    for table in (_summary(model, file, size), _matrices(model), _parts(model, size)):
        console.print(table)


def _summary(model: PackedModel, file: Path, size: int) -> Table:
    hidden, vocab = model.hidden_states, model.vocab_size
    float_bytes = 4 * weight_count(hidden, vocab)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    rows = {
        "file": str(file),
        "method": f"{model.method}, {model.bits} bits",
        **{name: _rule(getattr(model, name), getattr(model, f"{name}_codebook")) for name in TENSORS},
        **({} if model.end_state is None else {"hmm_guard": f"end of text in state {model.end_state}"}),
        "layout": model.layout.value,
        "hidden states": f"{hidden:,}",
        "vocabulary": f"{vocab:,}, end of text {model.eos_token_id}",
        "size": f"{size:,} bytes, {bits_per_weight(size, hidden, vocab):.4g} bits per weight",
        "of float32": f"{size / float_bytes:.4%} of {float_bytes:,} bytes",
    }
    for name, value in (rows | model.provenance).items():
        table.add_row(Text(name), Text(value))
    return table


def _rule(rule: TensorRule, codebook: npt.NDArray[np.uint16]) -> str:
    least = f" + {rule.columns} * c[0]" if rule.least_level else ""
    rows = f"normalized, zero rows {rule.rule.zero_rows.value}" if rule.rule.normalized else "not normalized"
    levels = f"levels {codebook[0]}..{codebook[-1]}"
    leaks = ", a leak for each row" if rule.rule.row_leaks else ""
    return f"{levels}, eps {rule.rule.pseudocount_per_mille}/1000{least}{leaks}, rows {rows}"


def _matrices(model: PackedModel) -> Table:
    table = Table(title="matrices", title_justify="left", box=SIMPLE)
    table.add_column("matrix", no_wrap=True)
    for heading in ("inputs", "outputs", "non-empty", "non-zero", "zero", "bits"):
        table.add_column(heading, justify="right")
    for name in MATRICES:
        matrix = getattr(model, name)
        full = occupancy(matrix)
        table.add_row(
            name,
            f"{matrix.inputs:,}",
            f"{matrix.outputs:,}",
            f"{full.nonempty_outputs:,}",
            f"{full.nonzero:,}",
            f"{full.zero_share:.3%}",
            str(matrix.entry_format.width if model.layout is Layout.SPARSE else matrix.bits),
        )
    return table


def _parts(model: PackedModel, size: int) -> Table:
    table = Table(title="parts", title_justify="left", box=SIMPLE)
    table.add_column("part", no_wrap=True)
    for heading in ("type", "elements", "bytes", "share"):
        table.add_column(heading, justify="right")
    tensors = artifact_tensors(model)
    for name, tensor in tensors.items():
        table.add_row(name, str(tensor.dtype), f"{tensor.size:,}", f"{tensor.nbytes:,}", f"{tensor.nbytes / size:.2%}")
    header = size - sum(tensor.nbytes for tensor in tensors.values())
    table.add_row("header", "", "", f"{header:,}", f"{header / size:.2%}")
    return table
