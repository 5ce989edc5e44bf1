"""The header of a packed model file: what its metadata say, and which tensors they ask for."""

import json
from dataclasses import dataclass
from typing import Any

from .config import Layout
from .errors import ArtifactError
from .formats import IndexFormat
from .packing.bitmap import bitmap_bytes
from .packing.matrix import EntryFormat, PackedModel, dense_output_bytes
from .packing.rule import RowRule
from .packing.sparse import sparse_bytes
from .quantize.tensor import ZeroRows

OLD_VERSION = 1
"""What is read but not written: Norm-Q alone, one eps, gamma without a codebook."""
PLAIN_VERSION = 2
"""What is written of a model whose tensors have one leak each."""
ROW_LEAK_VERSION = 3
"""What is written of a model in which some tensor has a leak for each row."""
VERSIONS = (OLD_VERSION, PLAIN_VERSION, ROW_LEAK_VERSION)

METADATA_KEY = "normq"
"""The one metadata key: safetensors writes several in no fixed order, and equal models are to give equal bytes."""

MATRICES = ("alpha_by_column", "alpha_by_row", "beta_by_token")
TENSORS = ("alpha", "beta", "gamma")

_FIELDS: dict[str, type] = {
    "bits": int,
    "entries": dict,
    "eos_token_id": int,
    "guard": bool,
    "hidden_states": int,
    "layout": str,
    "method": str,
    "provenance": dict,
    "rows": dict,
    "vocab_size": int,
}
_OLD_EPS, _NEW = "pseudocount_per_mille", ("guard", "rows")
_ROW_FIELDS: dict[str, type] = {"normalized": bool, "pseudocount_per_mille": int, "zero_rows": str}
_ROW_LEAK_FIELDS: dict[str, type] = {**_ROW_FIELDS, "row_leaks": bool}

_TYPE_NAMES: dict[type, str] = {bool: "true or false", int: "an integer", str: "a string", dict: "an object"}


@dataclass(frozen=True)
class TensorShape:
    """Element type as safetensors spells it, and shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ArtifactHeader:
    """What the metadata hold: the fields of `PackedModel` that are not arrays."""

    layout: Layout
    bits: int
    hidden_states: int
    vocab_size: int
    eos_token_id: int
    entries: dict[str, int]
    """Sparse entries of each matrix, 0 in the dense layout."""
    rows: dict[str, RowRule]
    """Of each of TENSORS."""
    method: str
    provenance: dict[str, str]
    guard: bool = False
    """hmm_guard; the state of end-of-text follows from the levels."""
    version: int = PLAIN_VERSION

    @classmethod
    def of(cls, model: PackedModel) -> "ArtifactHeader":
        """Return the header of a packed model, of the least version that holds it."""
        rows: dict[str, RowRule] = {name: getattr(model, f"{name}_rule") for name in TENSORS}
        return cls(
            layout=model.layout,
            bits=model.bits,
            hidden_states=model.hidden_states,
            vocab_size=model.vocab_size,
            eos_token_id=model.eos_token_id,
            entries={name: getattr(model, name).entries for name in MATRICES},
            guard=model.end_state is not None,
            rows=rows,
            method=model.method,
            provenance=model.provenance,
            version=ROW_LEAK_VERSION if any(rule.row_leaks for rule in rows.values()) else PLAIN_VERSION,
        )

    def matrix_shape(self, name: str) -> tuple[int, int]:
        """Return (inputs, outputs) of a matrix."""
        return self.hidden_states, self.vocab_size if name == "beta_by_token" else self.hidden_states

    def tensors(self) -> dict[str, TensorShape]:
        """Return the tensors that the file holds, exactly.

        Raises ArtifactError where an entry of the sparse layout would be too wide.
        """
        hidden, levels = self.hidden_states, 1 << self.bits
        tensors = {
            "alpha.codebook": TensorShape("U16", (levels,)),
            "beta.codebook": TensorShape("U16", (levels,)),
            "gamma.levels": TensorShape("U8", (hidden,)),
        }
        if self.version != OLD_VERSION:
            tensors["gamma.codebook"] = TensorShape("U16", (levels,))
        for name, rows in (("alpha", hidden), ("beta", hidden), ("gamma", 1)):
            tensors[f"{name}.rho"] = TensorShape("U16", (rows,))
            tensors[f"{name}.sigma"] = TensorShape("I16", (rows,))
            tensors[f"{name}.zero_rows"] = TensorShape("U8", (bitmap_bytes(rows),))
            if self.rows[name].row_leaks:
                tensors[f"{name}.leaks"] = TensorShape("U8", (rows,))
        for name in MATRICES:
            tensors |= self._matrix_tensors(name)
        return tensors

    def _matrix_tensors(self, name: str) -> dict[str, TensorShape]:
        inputs, outputs = self.matrix_shape(name)
        if self.layout is Layout.DENSE:
            return {f"{name}.data": TensorShape("U8", (outputs * dense_output_bytes(inputs, self.bits),))}
        try:
            form = EntryFormat(inputs, self.bits)
        except ValueError as error:
            raise ArtifactError(f"metadata: {error}") from error
        return {
            f"{name}.data": TensorShape("U8", (sparse_bytes(self.entries[name], form),)),
            f"{name}.nonempty": TensorShape("U8", (bitmap_bytes(outputs),)),
        }


def header_text(header: ArtifactHeader) -> str:
    """Return the metadata value of a header; equal headers give equal text."""
    fields = {name: getattr(header, name) for name in _FIELDS}
    fields["layout"] = header.layout.value
    kinds = _row_fields(header.version)
    fields["rows"] = {
        name: {kind: getattr(rule, kind) for kind in kinds} | {"zero_rows": rule.zero_rows.value}
        for name, rule in header.rows.items()
    }
    return json.dumps({"version": header.version, **fields}, sort_keys=True, separators=(",", ":"))


def parse_header(text: str) -> ArtifactHeader:
    """Return the header that a metadata value holds.

    Raises ArtifactError naming the field, its value and what was expected.
    """
    fields = _fields(text)
    _check_types(fields, _FIELDS, "")
    layouts = [layout.value for layout in Layout]
    if fields["layout"] not in layouts:
        raise ArtifactError(f"metadata 'layout': is {fields['layout']!r}, expected one of {', '.join(layouts)}")
    _check_ranges(fields)
    _check_entries(fields)
    if not all(type(value) is str for value in fields["provenance"].values()):
        raise ArtifactError(f"metadata 'provenance': is {fields['provenance']!r}, expected strings")
    layout = Layout(fields.pop("layout"))
    version = fields["version"]
    fields["rows"] = {name: _row_rule(f"rows.{name}.", fields["rows"][name], version) for name in TENSORS}
    if version == ROW_LEAK_VERSION and not any(rule.row_leaks for rule in fields["rows"].values()):
        raise ArtifactError(f"metadata 'rows': has no row_leaks, expected some in version {ROW_LEAK_VERSION}")
    return ArtifactHeader(layout=layout, **fields)


def _fields(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ArtifactError(f"metadata {METADATA_KEY!r}: is not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise ArtifactError(f"metadata {METADATA_KEY!r}: is {fields!r}, expected an object")
    # the version comes first: another version may have other fields
    version = fields.pop("version", None)
    if type(version) is not int or version not in VERSIONS:
        raise ArtifactError(f"metadata 'version': is {version!r}, expected one of {', '.join(map(str, VERSIONS))}")
    if version == OLD_VERSION:
        _check_names(fields, {**{k: v for k, v in _FIELDS.items() if k not in _NEW}, _OLD_EPS: int}, "")
        per_mille = fields.pop(_OLD_EPS)
        fields["guard"] = False
        fields["rows"] = {
            name: {"normalized": True, "pseudocount_per_mille": per_mille, "zero_rows": ZeroRows.UNIFORM.value}
            for name in TENSORS
        }
    else:
        _check_names(fields, _FIELDS, "")
    return {**fields, "version": version}


def _check_names(fields: dict[str, Any], kinds: dict[str, type], path: str) -> None:
    for name in sorted(kinds.keys() - fields.keys()):
        raise ArtifactError(f"metadata {path + name!r}: missing, expected {_TYPE_NAMES[kinds[name]]}")
    for name in sorted(fields.keys() - kinds.keys()):
        raise ArtifactError(f"metadata {path + name!r}: unknown, expected only {', '.join(sorted(kinds))}")


def _check_types(fields: dict[str, Any], kinds: dict[str, type], path: str) -> None:
    for name, kind in kinds.items():
        if type(fields[name]) is not kind:  # not isinstance: True is no integer here
            raise ArtifactError(f"metadata {path + name!r}: is {fields[name]!r}, expected {_TYPE_NAMES[kind]}")


def _row_fields(version: int) -> dict[str, type]:
    return _ROW_LEAK_FIELDS if version == ROW_LEAK_VERSION else _ROW_FIELDS


def _row_rule(path: str, fields: Any, version: int) -> RowRule:
    """Return what one of `rows` says."""
    if type(fields) is not dict:
        raise ArtifactError(f"metadata {path[:-1]!r}: is {fields!r}, expected an object")
    _check_names(fields, _row_fields(version), path)
    _check_types(fields, _row_fields(version), path)
    if fields["pseudocount_per_mille"] < 0:
        given = fields["pseudocount_per_mille"]
        raise ArtifactError(f"metadata {path + 'pseudocount_per_mille'!r}: is {given!r}, expected at least 0")
    policies = [policy.value for policy in ZeroRows] if fields["normalized"] else [ZeroRows.EMPTY.value]
    if fields["zero_rows"] not in policies:
        given = fields["zero_rows"]
        raise ArtifactError(f"metadata {path + 'zero_rows'!r}: is {given!r}, expected {' or '.join(policies)}")
    row_leaks = fields.get("row_leaks", False)
    if row_leaks and (path == "rows.gamma." or not fields["normalized"]):
        raise ArtifactError(
            f"metadata {path + 'row_leaks'!r}: is True, expected only in normalized rows of alpha and beta"
        )
    return RowRule(fields["pseudocount_per_mille"], fields["normalized"], ZeroRows(fields["zero_rows"]), row_leaks)


def _check_ranges(fields: dict[str, Any]) -> None:
    try:
        IndexFormat(fields["bits"])
    except ValueError as error:
        raise ArtifactError(f"metadata 'bits': {error}") from error
    if sorted(fields["rows"]) != sorted(TENSORS):
        raise ArtifactError(f"metadata 'rows': has {sorted(fields['rows'])!r}, expected exactly {list(TENSORS)!r}")
    for name in ("hidden_states", "vocab_size"):
        if fields[name] < 1:
            raise ArtifactError(f"metadata {name!r}: is {fields[name]!r}, expected at least 1")
    greatest = fields["vocab_size"] - 1
    if not 0 <= fields["eos_token_id"] <= greatest:
        raise ArtifactError(f"metadata 'eos_token_id': is {fields['eos_token_id']!r}, expected 0..{greatest}")


def _check_entries(fields: dict[str, Any]) -> None:
    entries, hidden = fields["entries"], fields["hidden_states"]
    if sorted(entries) != sorted(MATRICES):
        raise ArtifactError(f"metadata 'entries': has {sorted(entries)!r}, expected exactly {sorted(MATRICES)!r}")
    for name, count in entries.items():
        outputs = fields["vocab_size"] if name == "beta_by_token" else hidden
        greatest = hidden * outputs if fields["layout"] == Layout.SPARSE.value else 0
        if type(count) is not int or not 0 <= count <= greatest:
            raise ArtifactError(f"metadata 'entries': {name} has {count!r}, expected 0..{greatest}")
