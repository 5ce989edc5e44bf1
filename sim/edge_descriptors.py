"""Descriptors of edge weights and edge sums: their lists, and where their results will be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import OptionError
from ..model.golden.constants import edge_levels
from ..model.packing.matrix import BLOCK_BYTES
from ..rtl.constraint.layouts import MOST_TERMS, edge_layout, term_layout
from ..rtl.operation import Opcode, column_record_layout, descriptor_layout
from .descriptors import BETA_SLOT, LAYOUT_CODES, Job, ModelImage
from .layout_bytes import layout_bytes
from .memory.map import Region
from .operand import StoredVectors, vector_stride
from .row_leaks import EdgeLevels

RESULT_LANES = 1
"""What `read_vectors` is told of these jobs: each vector is a group of its own."""


@dataclass(frozen=True)
class Edge:
    """An edge of a constraint automaton: the tokens that take it, or all others."""

    tokens: tuple[int, ...]
    others: bool = False
    """Whether it is that of all tokens but these."""


@dataclass(frozen=True)
class StoredTerm:
    """One term of an edge sum: the product of two vectors in memory, or one alone (batches of one)."""

    first: StoredVectors
    second: StoredVectors | None = None


def term_groups(terms: Sequence[StoredTerm]) -> Iterator[Sequence[StoredTerm]]:
    """Yield consecutive groups of as many terms as one sum takes: their sums are the terms of the next descriptor."""
    for start in range(0, len(terms), MOST_TERMS):
        yield terms[start : start + MOST_TERMS]


class ConstraintImage:
    """What edge weights need of a packed model beside its image, and the jobs of a constraint."""

    def __init__(self, image: ModelImage) -> None:
        self.image, self.memory = image, image.memory
        self.hidden = image.model.hidden_states
        self._row_sums = image.memory.place(image.model.beta_rows.row_sums.astype("<u4").tobytes())
        self._leaks = edge_levels(image.model)
        self._own = EdgeLevels.of(image.model.vocab_size) if image.model.beta_rule.row_leaks else None

    def weights(self, edges: Sequence[Edge]) -> Job:
        """Return the job that writes the weight of each edge.

        Raises OptionError for a token outside the vocabulary or given twice, and for an edge without tokens.
        """
        matrix = self.image.model.beta_by_token
        fields: dict[int | str, Any] = {
            "opcode": Opcode.EDGE_WEIGHTS.value,
            "layout": LAYOUT_CODES[matrix.layout].value,
            "index_bits": matrix.bits,
            "entry_width": self.image.beta_entry_width,
            "codebook": BETA_SLOT,
            "closed_row": self.image.closed.row,
            "nonempty": self._row_sums,
        }
        if self._own is not None:
            row_leaks = {"options": {"row_leaks": True}, "row_shift": self._own.shift}
            fields |= {**row_leaks, "vector_records": self._own.inverse}
        parts = [self._edge(number, edge) for number, edge in enumerate(edges)]
        return self._job(f"weights of {len(edges)} edges", fields, parts)

    def sums(self, sums: Sequence[Sequence[StoredTerm]]) -> Job:
        """Return the job that writes the sum of each list of terms; one term of two factors is a plain product.

        Raises ValueError for a list that is empty or longer than MOST_TERMS (`term_groups`).
        """
        for number, terms in enumerate(sums):
            if not 1 <= len(terms) <= MOST_TERMS:
                raise ValueError(f"sum {number} has {len(terms)} terms, expected 1..{MOST_TERMS}")
        fields: dict[int | str, Any] = {"opcode": Opcode.EDGE_SUMS.value}
        parts = [({"count": len(terms)}, b"".join(map(_term, terms))) for terms in sums]
        return self._job(f"{len(sums)} edge sums", fields, parts)

    # --- parts ------------------------------------------------------------------------------------------------

    def _job(self, name: str, fields: dict[int | str, Any], parts: Sequence[tuple[dict[str, Any], bytes]]) -> Job:
        """Lay down the list and the descriptor, and set room aside for the results."""
        stride = vector_stride(self.hidden)
        vectors: Region = self.memory.reserve(f"{name}: vectors", stride * len(parts))
        results: Region = self.memory.reserve(f"{name}: results", BLOCK_BYTES * len(parts))
        content = b"".join(
            layout_bytes(edge_layout, {**head, "destination": vectors.address + number * stride}) + items
            for number, (head, items) in enumerate(parts)
        )
        descriptor: dict[int | str, Any] = {
            **fields,
            "inputs": self.hidden,
            "vectors": len(parts),
            "stream": self.memory.place(content),
            "stream_blocks": -(-len(content) // BLOCK_BYTES),
            "results": results.address,
            "result_stride": BLOCK_BYTES,
        }
        address = self.memory.place(layout_bytes(descriptor_layout, descriptor))
        return Job(name, address, None, len(parts), self.hidden, 0, vectors, results, BLOCK_BYTES)

    def _edge(self, number: int, edge: Edge) -> tuple[dict[str, Any], bytes]:
        model = self.image.model
        vocab = model.vocab_size
        self._check(number, edge, vocab)
        # tokens that a leak reaches
        count = len(edge.tokens) - model.beta.closed_columns * (model.eos_token_id in edge.tokens)
        if edge.others:
            count = vocab - model.beta.closed_columns - count
        columns = [column for column in map(self.image.column, edge.tokens) if column["count"]]
        ordinary, zero = self._leaks
        if self._own is not None:
            ordinary = 1
        head = {
            "count": len(columns),
            "others": int(edge.others),
            "leak": count * ordinary,
            "zero_leak": count * zero,
        }
        return head, b"".join(layout_bytes(column_record_layout, column) for column in columns)

    def _check(self, number: int, edge: Edge, vocab: int) -> None:
        outside = [token for token in edge.tokens if not 0 <= token < vocab]
        if outside:
            raise OptionError(f"edge {number}: token {outside[0]} given, expected 0..{vocab - 1}")
        if len(set(edge.tokens)) < len(edge.tokens):
            twice = next(token for token in edge.tokens if edge.tokens.count(token) > 1)
            raise OptionError(f"edge {number}: token {twice} is given twice, expected once on an edge")
        if len(edge.tokens) == (vocab if edge.others else 0):
            raise OptionError(f"edge {number}: has no tokens, expected at least one")


def _term(term: StoredTerm) -> bytes:
    fields: dict[int | str, Any] = {"first": term.first.addresses[0], "first_exponent": term.first.exponents[0]}
    if term.second is None:
        fields["is_single"] = 1
    else:
        fields |= {"second": term.second.addresses[0], "second_exponent": term.second.exponents[0]}
    return layout_bytes(term_layout, fields)
