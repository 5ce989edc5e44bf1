"""Packed model files spoiled one place at a time, and the whole message each must give."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from normq.model.artifact import read_artifact, write_artifact
from normq.model.config import Layout
from normq.model.errors import ArtifactError
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import Levels, QuantizedHMM, QuantizedTensor

Arrays = dict[str, npt.NDArray[Any]]


def fixed_levels() -> tuple[Levels, Levels]:
    """A model of three states and five tokens; beta's state 1 has no level, tokens 1 and 4 are empty."""
    alpha = np.array([[3, 0, 1], [0, 2, 0], [0, 0, 3]], np.uint8)
    beta = np.array([[3, 0, 1, 2, 0], [0, 0, 0, 0, 0], [0, 0, 3, 0, 0]], np.uint8)
    return alpha, beta


@dataclass
class Draft:
    """A file's content before it is spoiled."""

    fields: dict[str, Any]
    tensors: Arrays

    def save(self, path: Path) -> None:
        tensors = {name: np.ascontiguousarray(tensor) for name, tensor in self.tensors.items()}
        save_file(tensors, path, {"normq": json.dumps(self.fields)})


def draft(layout: Layout, folder: Path) -> Draft:
    alpha, beta = (QuantizedTensor(levels, 2) for levels in fixed_levels())
    gamma = QuantizedTensor(np.array([[3, 0, 1]], np.uint8), 2)
    write_artifact(pack_model(QuantizedHMM(alpha, beta, gamma, 4), layout, {}), folder / "sound")
    with safe_open(folder / "sound", framework="np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        return Draft(json.loads(file.metadata()["normq"]), tensors)


Spoil = Callable[[Draft], None]


def field(name: str, value: Any) -> Spoil:
    return lambda it: it.fields.update({name: value})


def entries(name: str, count: Any) -> Spoil:
    return lambda it: it.fields["entries"].update({name: count})


def tensor(name: str, value: npt.NDArray[Any]) -> Spoil:
    return lambda it: it.tensors.update({name: value})


def without(name: str) -> Spoil:
    def change(it: Draft) -> None:
        it.tensors.pop(name, None)
        it.fields.pop(name, None)

    return change


def put(name: str, place: int, value: int) -> Spoil:
    def change(it: Draft) -> None:
        it.tensors[name][place] = value

    return change


def entry(name: str, number: int, value: int) -> Spoil:
    """Set an entry of 16 bits; here index 0..2 is at bits 2..3, `last` is bit 15."""

    def change(it: Draft) -> None:
        it.tensors[name].view(np.uint16)[number] = value

    return change


def many(*spoils: Spoil) -> Spoil:
    def change(it: Draft) -> None:
        for spoil in spoils:
            spoil(it)

    return change


LAST = 1 << 15
ALL_FIELDS = "bits, entries, eos_token_id, guard, hidden_states, layout, method, provenance, rows, vocab_size"
ROW_FIELDS = "normalized, pseudocount_per_mille, zero_rows"


def rows(name: str, **fields: Any) -> Spoil:
    return lambda it: it.fields["rows"][name].update(fields)


def rows_without(name: str, field_name: str) -> Spoil:
    def change(it: Draft) -> None:
        del it.fields["rows"][name][field_name]

    return change


# beta_by_token holds token 0: state 0 level 3; token 2: state 0 level 1, state 2 level 3; token 3: state 0 level 2
SPARSE_FAULTS: dict[str, tuple[Spoil, str]] = {
    "version": (field("version", 4), "metadata 'version': is 4, expected one of 1, 2, 3"),
    "no version": (without("version"), "metadata 'version': is None, expected one of 1, 2, 3"),
    "old version with new fields": (
        field("version", 1),
        "metadata 'pseudocount_per_mille': missing, expected an integer",
    ),
    "layout": (field("layout", "ragged"), "metadata 'layout': is 'ragged', expected one of sparse, dense"),
    "field missing": (without("method"), "metadata 'method': missing, expected a string"),
    "field unknown": (field("extra", 1), f"metadata 'extra': unknown, expected only {ALL_FIELDS}"),
    "field type": (field("hidden_states", "3"), "metadata 'hidden_states': is '3', expected an integer"),
    "field no number": (field("eos_token_id", True), "metadata 'eos_token_id': is True, expected an integer"),
    "bits": (field("bits", 9), "metadata 'bits': index bits must be 2..8, got 9"),
    "no states": (field("hidden_states", 0), "metadata 'hidden_states': is 0, expected at least 1"),
    "guard without end": (
        field("guard", True),
        "beta: 0 states emit end-of-text with more than 1/2, expected one with hmm_guard",
    ),
    "guard of an open model": (
        many(field("guard", True), field("eos_token_id", 2)),
        "alpha.rho: element 2 is 43676, expected 43691 for levels that add up to 3",
    ),
    "rows of what": (
        field("rows", {"alpha": {}}),
        "metadata 'rows': has ['alpha'], expected exactly ['alpha', 'beta', 'gamma']",
    ),
    "rows type": (
        lambda it: it.fields["rows"].update(beta=1),
        "metadata 'rows.beta': is 1, expected an object",
    ),
    "rows field missing": (
        rows_without("beta", "zero_rows"),
        "metadata 'rows.beta.zero_rows': missing, expected a string",
    ),
    "rows field unknown": (
        rows("gamma", scale=1.0),
        f"metadata 'rows.gamma.scale': unknown, expected only {ROW_FIELDS}",
    ),
    "rows field type": (
        rows("gamma", normalized=1),
        "metadata 'rows.gamma.normalized': is 1, expected true or false",
    ),
    "pseudocount below 0": (
        rows("beta", pseudocount_per_mille=-1),
        "metadata 'rows.beta.pseudocount_per_mille': is -1, expected at least 0",
    ),
    "zero rows": (
        rows("beta", zero_rows="half"),
        "metadata 'rows.beta.zero_rows': is 'half', expected uniform or empty",
    ),
    "zero rows that are not normalized": (
        rows("beta", normalized=False),
        "metadata 'rows.beta.zero_rows': is 'uniform', expected empty",
    ),
    "another pseudocount": (
        rows("gamma", pseudocount_per_mille=2),
        "gamma.rho: element 0 is 65520, expected 65503 for levels that add up to 4",
    ),
    "zero row where rows are not normalized": (
        rows("beta", normalized=False, zero_rows="empty"),
        "beta.zero_rows: bit 1 is 1, the levels of the row add up to 0, expected 0 where rows are not normalized",
    ),
    "no one scale": (
        many(rows("beta", normalized=False, zero_rows="empty"), put("beta.zero_rows", 0, 0)),
        "beta.rho: element 1 is 32768, expected 43683 as element 0, in a row of levels that add up to 0",
    ),
    "scale out of range": (
        many(rows("gamma", normalized=False, zero_rows="empty"), put("gamma.sigma", 0, 64)),
        "gamma.sigma: element 0 is 64, expected 0..63",
    ),
    "end of text": (field("eos_token_id", 5), "metadata 'eos_token_id': is 5, expected 0..4"),
    "provenance": (field("provenance", {"a": 1}), "metadata 'provenance': is {'a': 1}, expected strings"),
    "entries of what": (
        field("entries", {"alpha": 1}),
        "metadata 'entries': has ['alpha'], expected exactly ['alpha_by_column', 'alpha_by_row', 'beta_by_token']",
    ),
    "too many entries": (
        entries("beta_by_token", 16),
        "metadata 'entries': beta_by_token has 16, expected 0..15",
    ),
    "too wide": (
        many(field("hidden_states", 1 << 24), field("bits", 8)),
        "metadata: an entry needs 1 + ceil(log2(16777216)) + 8 = 33 bits, at most 24 are possible: "
        "use fewer index bits or the dense layout",
    ),
    "missing tensor": (without("beta.rho"), "tensor 'beta.rho': missing, expected in the sparse layout"),
    "extra tensor": (
        tensor("delta.rho", np.zeros(1, np.uint16)),
        "tensor 'delta.rho': unknown, expected none of that name in the sparse layout",
    ),
    "type": (tensor("beta.rho", np.zeros(3, np.int16)), "tensor 'beta.rho': is I16 [3], expected U16 [3]"),
    "shape": (tensor("beta.sigma", np.zeros(4, np.int16)), "tensor 'beta.sigma': is I16 [4], expected I16 [3]"),
    "states disagree": (field("hidden_states", 4), "tensor 'gamma.levels': is U8 [3], expected U8 [4]"),
    "codebook too long": (
        tensor("beta.codebook", np.arange(8, dtype=np.uint16)),
        "tensor 'beta.codebook': is U16 [8], expected U16 [4]",
    ),
    "blocks": (
        tensor("beta_by_token.data", np.zeros(128, np.uint8)),
        "tensor 'beta_by_token.data': is U8 [128], expected U8 [64]",
    ),
    "codebook zero": (
        put("alpha.codebook", 1, 0),
        "alpha.codebook: element 1 is 0 as element 0, expected the least level at index 0 only",
    ),
    "another least level": (
        many(put("gamma.codebook", 0, 1), put("gamma.codebook", 1, 2)),
        "gamma.rho: element 0 is 65520, expected 43683 for levels that add up to 3",
    ),
    "codebook unsorted": (
        put("beta.codebook", 3, 1),
        "beta.codebook: element 3 is 1 after 2, expected no fall",
    ),
    "codebook too wide": (
        put("beta.codebook", 3, 4096),
        "beta.codebook: greatest level is 4096, expected at most 12 bits",
    ),
    "gamma": (put("gamma.levels", 1, 4), "gamma.levels: element 1 is 4, expected 0..3"),
    "map padding": (
        put("beta_by_token.nonempty", 0, 0b101101),
        "beta_by_token.nonempty: bit 5 is 1, expected zeros from bit 5 on",
    ),
    "level 0": (
        entry("beta_by_token.data", 1, 0 << 2 | 0),
        "beta_by_token.data: entry 1 has level 0, expected 1..3",
    ),
    "index out of range": (
        entry("beta_by_token.data", 2, LAST | 3 << 2 | 3),
        "beta_by_token.data: entry 2 has input index 3, expected 0..2",
    ),
    "not rising": (
        entry("beta_by_token.data", 2, LAST | 0 << 2 | 3),
        "beta_by_token.data: entry 2 has input index 0 after 0, expected rising indices within an output",
    ),
    "stray bits": (
        entry("beta_by_token.data", 0, LAST | 1 << 4 | 3),
        "beta_by_token.data: entry 0 has bits set between its index and its last flag, expected zeros",
    ),
    "final entry": (
        entry("beta_by_token.data", 3, 0 << 2 | 2),
        "beta_by_token.data: entry 3 is the final one without its last flag, expected the end of an output",
    ),
    "last flags": (
        entry("beta_by_token.data", 1, LAST | 0 << 2 | 1),
        "beta_by_token: 4 entries have the last flag, expected 3, the outputs marked in nonempty",
    ),
    "marked outputs": (
        put("beta_by_token.nonempty", 0, 0b01001),
        "beta_by_token: 3 entries have the last flag, expected 2, the outputs marked in nonempty",
    ),
    "fewer entries": (
        entries("beta_by_token", 3),
        "beta_by_token.data: slot 3 after the 3 entries is not empty, expected zeros",
    ),
    "more entries": (
        entries("beta_by_token", 5),
        "beta_by_token.data: entry 4 has level 0, expected 1..3",
    ),
    "empty slot": (
        entry("beta_by_token.data", 31, 1),
        "beta_by_token.data: slot 31 after the 4 entries is not empty, expected zeros",
    ),
    "alpha level": (
        entry("alpha_by_row.data", 0, 0 << 2 | 2),
        "alpha_by_column and alpha_by_row: disagree at row 0, column 0, expected the same matrix",
    ),
    "alpha place": (
        entry("alpha_by_row.data", 1, LAST | 1 << 2 | 1),
        "alpha_by_column and alpha_by_row: disagree at row 0, column 1, expected the same matrix",
    ),
    "alpha entry moved to another row": (
        many(entry("alpha_by_row.data", 0, LAST | 0 << 2 | 3), entry("alpha_by_row.data", 2, LAST | 2 << 2 | 2),
             entry("alpha_by_row.data", 1, 1 << 2 | 2)),
        "alpha_by_column and alpha_by_row: disagree at row 0, column 2, expected the same matrix",
    ),
    "alpha entry missing in one form": (
        many(entries("alpha_by_column", 3), entry("alpha_by_column.data", 2, LAST | 0 << 2 | 1),
             entry("alpha_by_column.data", 3, 0)),
        "alpha_by_column and alpha_by_row: disagree at row 2, column 2, expected the same matrix",
    ),
    "zero-row map padding": (
        put("beta.zero_rows", 7, 128),
        "beta.zero_rows: bit 63 is 1, expected zeros from bit 3 on",
    ),
    "row not zero": (
        put("beta.zero_rows", 0, 0b011),
        "beta.zero_rows: bit 0 is 1, the levels of the row add up to 6, expected 0",
    ),
    "row zero": (
        put("beta.zero_rows", 0, 0),
        "beta.zero_rows: bit 1 is 0, the levels of the row add up to 0, expected 1",
    ),
    "rho without top bit": (put("alpha.rho", 2, 32767), "alpha.rho: element 2 is 32767, expected its top bit set"),
    "rho": (
        put("gamma.rho", 0, 65535),
        "gamma.rho: element 0 is 65535, expected 65520 for levels that add up to 4",
    ),
    "sigma": (
        put("alpha.sigma", 1, 15),
        "alpha.sigma: element 1 is 15, expected 17 for levels that add up to 2",
    ),
}  # fmt: skip

DENSE_FAULTS: dict[str, tuple[Spoil, str]] = {
    "entries": (entries("alpha_by_row", 1), "metadata 'entries': alpha_by_row has 1, expected 0..0"),
    "map": (
        tensor("alpha_by_row.nonempty", np.zeros(8, np.uint8)),
        "tensor 'alpha_by_row.nonempty': unknown, expected none of that name in the dense layout",
    ),
    "size": (
        tensor("beta_by_token.data", np.zeros(32, np.uint8)),
        "tensor 'beta_by_token.data': is U8 [32], expected U8 [40]",
    ),
    "padding of the first byte": (
        put("beta_by_token.data", 16, 0b1110001),
        "beta_by_token.data: the list of output 2 has bits set after its 3 indices, expected zeros",
    ),
    "padding at the end": (
        put("alpha_by_row.data", 15, 128),
        "alpha_by_row.data: the list of output 1 has bits set after its 3 indices, expected zeros",
    ),
    "alpha": (
        put("alpha_by_row.data", 8, 0b001001),
        "alpha_by_column and alpha_by_row: disagree at row 1, column 0, expected the same matrix",
    ),
    "zero row": (
        put("beta_by_token.data", 0, 0b000111),
        "beta.zero_rows: bit 1 is 1, the levels of the row add up to 1, expected 0",
    ),
    "rho": (
        put("beta_by_token.data", 0, 0b000010),
        "beta.rho: element 0 is 43683, expected 52418 for levels that add up to 5",
    ),
}


def fault_of(path: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        read_artifact(path)
    return str(caught.value)


@pytest.mark.parametrize("case", SPARSE_FAULTS)
def test_sparse_faults(case: str, tmp_path: Path) -> None:
    spoil, message = SPARSE_FAULTS[case]
    spoiled = draft(Layout.SPARSE, tmp_path)
    spoil(spoiled)
    spoiled.save(tmp_path / "bad")
    assert fault_of(tmp_path / "bad") == f"{tmp_path / 'bad'}: {message}"


@pytest.mark.parametrize("case", DENSE_FAULTS)
def test_dense_faults(case: str, tmp_path: Path) -> None:
    spoil, message = DENSE_FAULTS[case]
    spoiled = draft(Layout.DENSE, tmp_path)
    spoil(spoiled)
    spoiled.save(tmp_path / "bad")
    assert fault_of(tmp_path / "bad") == f"{tmp_path / 'bad'}: {message}"


def test_an_unspoiled_draft_is_sound(tmp_path: Path) -> None:
    for layout in Layout:
        draft(layout, tmp_path).save(tmp_path / "same")
        read_artifact(tmp_path / "same")
