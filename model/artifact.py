"""A packed model as one safetensors file, readable without torch; docs/FORMAT.md describes it for another reader."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from .artifact_header import MATRICES, METADATA_KEY, TENSORS, ArtifactHeader, header_text, parse_header
from .atomic import replacing
from .errors import ArtifactError, PackingError
from .formats import CODEBOOK_BITS, CONSTANT_BITS, IndexFormat, VectorCode
from .packing.bitmap import unpack_bitmap
from .packing.directory import directory_of, read_output
from .packing.guard import end_state
from .packing.limits import LevelScale, LevelSums, TensorLeaks, check_datapath
from .packing.matrix import PackedMatrix, PackedModel, RowConstants, above_least
from .packing.model import EMPTY_BITMAP, identity_codebook
from .packing.row_leaks import row_leaks_fault
from .packing.rows import SHIFT_LIMIT, RowNormalizer
from .packing.rule import TensorRule
from .packing.verify import bitmap_padding_fault, level_sums, matrix_fault, transpose_fault

Tensors = dict[str, npt.NDArray[Any]]


def artifact_tensors(model: PackedModel) -> Tensors:
    """Return the tensors of `model` under their names in the file."""
    tensors: Tensors = {
        "alpha.codebook": model.alpha_codebook,
        "beta.codebook": model.beta_codebook,
        "gamma.codebook": model.gamma_codebook,
        "gamma.levels": model.gamma_levels,
    }
    for name in TENSORS:
        rows: RowConstants = getattr(model, f"{name}_rows")
        tensors |= {f"{name}.rho": rows.rho, f"{name}.sigma": rows.sigma, f"{name}.zero_rows": rows.zero_rows}
        if rows.leaks is not None:
            tensors[f"{name}.leaks"] = rows.leaks
    for name in MATRICES:
        matrix: PackedMatrix = getattr(model, name)
        tensors[f"{name}.data"] = matrix.data
        if matrix.nonempty.size:
            tensors[f"{name}.nonempty"] = matrix.nonempty
    return tensors


def write_artifact(model: PackedModel, path: Path) -> None:
    """Write `model` to `path`, whole or not at all; equal models give equal bytes.

    Raises ArtifactError where the file cannot be written.
    """
    metadata = {METADATA_KEY: header_text(ArtifactHeader.of(model))}
    contiguous = {name: np.ascontiguousarray(tensor) for name, tensor in artifact_tensors(model).items()}
    try:
        with replacing(path) as temporary:
            save_file(contiguous, temporary, metadata)
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"{path}: cannot be written ({error})") from error


def read_artifact(path: Path, code: VectorCode | None = None) -> PackedModel:
    """Return the packed model of a file, everything in it checked against everything else.

    `code` is the vector format of the datapath it is for, the default format where None. Raises ArtifactError naming
    the file, the part, the value and what was expected.
    """
    try:
        header, tensors = _read(path)
        return _model(header, tensors, code or VectorCode())
    except (ArtifactError, PackingError) as error:
        raise ArtifactError(f"{path}: {error}") from error


def _read(path: Path) -> tuple[ArtifactHeader, Tensors]:
    if not path.is_file():
        raise ArtifactError("no such file, expected a packed model as written by normq quantize")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if METADATA_KEY not in metadata:
                raise ArtifactError(f"metadata {METADATA_KEY!r}: missing, expected a packed model")
            header = parse_header(metadata[METADATA_KEY])
            _check_tensors(file, header)
            return header, {name: file.get_tensor(name) for name in header.tensors()}
    except (OSError, SafetensorError) as error:
        raise ArtifactError(f"is not a whole safetensors file ({error})") from error


def _check_tensors(file: Any, header: ArtifactHeader) -> None:
    """Compare names, element types and shapes before any data are read."""
    expected, found = header.tensors(), set(file.keys())
    for name in sorted(expected.keys() - found):
        raise ArtifactError(f"tensor {name!r}: missing, expected in the {header.layout.value} layout")
    for name in sorted(found - expected.keys()):
        raise ArtifactError(f"tensor {name!r}: unknown, expected none of that name in the {header.layout.value} layout")
    for name, want in expected.items():
        part = file.get_slice(name)
        dtype, shape = part.get_dtype(), part.get_shape()
        if dtype != want.dtype or shape != list(want.shape):
            raise ArtifactError(f"tensor {name!r}: is {dtype} {shape}, expected {want.dtype} {list(want.shape)}")


def _model(header: ArtifactHeader, tensors: Tensors, code: VectorCode) -> PackedModel:
    # version 1 has none for gamma, whose index was its level
    tensors.setdefault("gamma.codebook", identity_codebook(header.bits))
    for name in TENSORS:
        _check_codebook(f"{name}.codebook", tensors[f"{name}.codebook"])
    matrices = {name: _matrix(name, header, tensors) for name in MATRICES}
    if fault := transpose_fault(matrices["alpha_by_column"], matrices["alpha_by_row"]):
        raise ArtifactError(fault)
    gamma_levels = tensors["gamma.levels"]
    _check_gamma(gamma_levels, header.bits)
    above = {name: above_least(tensors[f"{name}.codebook"]) for name in TENSORS}
    alpha_rows, alpha_columns = level_sums(matrices["alpha_by_column"], above["alpha"])
    beta_rows, beta_tokens = level_sums(matrices["beta_by_token"], above["beta"])
    gamma_sum = above["gamma"][gamma_levels].sum(dtype=np.int64, keepdims=True)
    sums = LevelSums(alpha_rows, alpha_columns, beta_rows, beta_tokens)
    rules = {name: _rule(name, header, tensors) for name in TENSORS}
    for name, row_sums in (("alpha", alpha_rows), ("beta", beta_rows)):
        leaks = tensors.get(f"{name}.leaks")
        if leaks is not None and (fault := row_leaks_fault(leaks, row_sums, rules[name], name)):
            raise ArtifactError(fault)
    state = _end_state(header, tensors, matrices["beta_by_token"], sums, rules["beta"])
    rules["beta"] = replace(rules["beta"], closed_columns=int(state is not None))
    alpha_leaks, beta_leaks = (TensorLeaks(rules[name], tensors.get(f"{name}.leaks")) for name in ("alpha", "beta"))
    check_datapath(sums, LevelScale(int(above["alpha"][-1]), alpha_leaks, beta_leaks), code)
    return PackedModel(
        layout=header.layout,
        bits=header.bits,
        hidden_states=header.hidden_states,
        vocab_size=header.vocab_size,
        eos_token_id=header.eos_token_id,
        **matrices,
        alpha_rows=_rows("alpha", rules["alpha"], tensors, alpha_rows, state),
        beta_rows=_rows("beta", rules["beta"], tensors, beta_rows, state),
        gamma_levels=gamma_levels,
        gamma_rows=_rows("gamma", rules["gamma"], tensors, gamma_sum),
        alpha_codebook=tensors["alpha.codebook"],
        beta_codebook=tensors["beta.codebook"],
        gamma_codebook=tensors["gamma.codebook"],
        alpha_rule=header.rows["alpha"],
        beta_rule=header.rows["beta"],
        gamma_rule=header.rows["gamma"],
        end_state=state,
        method=header.method,
        provenance=header.provenance,
    )


def _rule(name: str, header: ArtifactHeader, tensors: Tensors) -> TensorRule:
    columns = header.vocab_size if name == "beta" else header.hidden_states
    return TensorRule(header.rows[name], header.bits, columns, int(tensors[f"{name}.codebook"][0]))


def _matrix(name: str, header: ArtifactHeader, tensors: Tensors) -> PackedMatrix:
    inputs, outputs = header.matrix_shape(name)
    nonempty = tensors.get(f"{name}.nonempty", EMPTY_BITMAP)
    data = tensors[f"{name}.data"]
    matrix = PackedMatrix(header.layout, header.bits, inputs, outputs, data, nonempty, header.entries[name])
    if fault := matrix_fault(matrix, name):
        raise ArtifactError(fault)
    return matrix


def _check_codebook(name: str, codebook: npt.NDArray[np.uint16]) -> None:
    levels = codebook.astype(np.int64)
    if levels[1] == levels[0]:
        raise ArtifactError(f"{name}: element 1 is {levels[1]} as element 0, expected the least level at index 0 only")
    falls = np.flatnonzero(np.diff(levels) < 0)
    if falls.size:
        after = falls[0] + 1
        raise ArtifactError(f"{name}: element {after} is {levels[after]} after {levels[after - 1]}, expected no fall")
    if levels[-1] >= 1 << CODEBOOK_BITS:
        raise ArtifactError(f"{name}: greatest level is {levels[-1]}, expected at most {CODEBOOK_BITS} bits")


def _check_gamma(levels: npt.NDArray[np.uint8], bits: int) -> None:
    worst, greatest = int(levels.argmax()), IndexFormat(bits).greatest
    if int(levels[worst]) > greatest:
        raise ArtifactError(f"gamma.levels: element {worst} is {levels[worst]}, expected 0..{greatest}")


def _end_state(
    header: ArtifactHeader, tensors: Tensors, by_token: PackedMatrix, sums: LevelSums, rule: TensorRule
) -> int | None:
    """Return the state that hmm_guard closes, if the file says that it does."""
    if not header.guard:
        return None
    entries = read_output(by_token, directory_of(by_token), header.eos_token_id)
    levels = np.zeros(header.hidden_states, np.int64)
    levels[entries.inputs] = above_least(tensors["beta.codebook"])[entries.levels]
    scale = _scale("beta", rule, tensors["beta.rho"], tensors["beta.sigma"])
    leaks = TensorLeaks(rule, tensors.get("beta.leaks"))
    return end_state(levels, sums.alpha_rows, sums.beta_rows, leaks, scale)


def _rows(
    name: str,
    rule: TensorRule,
    tensors: Tensors,
    row_sums: npt.NDArray[np.int64],
    closed_row: int | None = None,
) -> RowConstants:
    """Return the row constants of the file, which must be those that the levels give."""
    rho, sigma, zero_rows = (tensors[f"{name}.{part}"] for part in ("rho", "sigma", "zero_rows"))
    if fault := bitmap_padding_fault(zero_rows, row_sums.size, f"{name}.zero_rows"):
        raise ArtifactError(fault)
    marked = unpack_bitmap(zero_rows, row_sums.size)
    is_normalized = rule.rule.normalized
    for row in np.flatnonzero(marked != ((row_sums == 0) & is_normalized)):
        wanted = f"expected {int(row_sums[row] == 0)}" if is_normalized else "expected 0 where rows are not normalized"
        raise ArtifactError(
            f"{name}.zero_rows: bit {row} is {int(marked[row])}, the levels of the row add up to {row_sums[row]}, "
            f"{wanted}"
        )
    for row in np.flatnonzero(rho >> (CONSTANT_BITS - 1) == 0):
        raise ArtifactError(f"{name}.rho: element {row} is {rho[row]}, expected its top bit set")
    scale = _scale(name, rule, rho, sigma)
    leaks = tensors.get(f"{name}.leaks")
    normalizer = RowNormalizer(rule.bits, rule.pseudocount, scale, closed_row, rule.kept_share, leaks)
    want = normalizer.constants(row_sums, name)
    why = "for levels that add up to" if is_normalized else "as element 0, in a row of levels that add up to"
    for part, found, expected in (("rho", rho, want.rho), ("sigma", sigma, want.sigma)):
        for row in np.flatnonzero(found != expected):
            raise ArtifactError(
                f"{name}.{part}: element {row} is {found[row]}, expected {expected[row]} {why} {row_sums[row]}"
            )
    return RowConstants(rho, sigma, zero_rows, row_sums, leaks)


def _scale(name: str, rule: TensorRule, rho: npt.NDArray[np.uint16], sigma: npt.NDArray[np.int16]) -> Fraction | None:
    """Return the one factor of rows that are not normalized, which their constants alone say."""
    if rule.rule.normalized:
        return None
    if not 0 <= sigma[0] <= SHIFT_LIMIT:
        raise ArtifactError(f"{name}.sigma: element 0 is {sigma[0]}, expected 0..{SHIFT_LIMIT}")
    return Fraction(int(rho[0]), 1 << int(sigma[0]))
