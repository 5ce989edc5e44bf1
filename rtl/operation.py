"""What the engine is told: descriptors, vector records, results, status codes; and what is broadcast of them."""

from amaranth import signed
from amaranth.lib import data, enum

from ..model.formats import CONSTANT_BITS
from .shape import SHIFT_BITS, VECTOR_EXPONENT_BITS

DESCRIPTOR_BYTES = 128
RECORD_BYTES = 32
"""Bytes of one vector record."""


class Opcode(enum.Enum, shape=8):
    """What a descriptor asks for."""

    NONE = 0
    """Refused: what an empty memory holds."""
    FORWARD = 1
    BACKWARD = 2
    SCORES = 3
    LOAD_CODEBOOK = 4
    """`outputs` 16-bit levels from `stream` into slot `codebook`."""
    LOAD_ROWS = 5
    """Constants of `inputs` rows into tensor `codebook`: rho from `stream`, sigma from `nonempty`, zero map from
    `vector_records`; with `row_leaks` pairs of leak codes from `results`: row i's, and that of record i's row
    (alpha)."""
    EDGE_WEIGHTS = 6
    """Weights of `vectors` edges: list (Edge) in `stream_blocks` blocks from `stream`, row sums R_i
    of `inputs` rows, 32 bits each, from `nonempty`. With `row_leaks` the leak of a head is the number of tokens, and
    a row's share of one token is ((g * `vector_records`) + 2**(`row_shift` - 1)) >> `row_shift`."""
    EDGE_SUMS = 7
    """`vectors` sums of products of vectors: list (Edge) in `stream_blocks` blocks from `stream`."""
    COPY = 8
    """`stream_blocks` blocks of 64 bytes from `stream` to `results`, each in memory or in the local memory."""


class LayoutCode(enum.Enum, shape=8):
    """Storage of the weight stream."""

    SPARSE = 0
    DENSE = 1


class Status(enum.Enum, shape=8):
    """How the last descriptor ended."""

    IDLE = 0
    BUSY = 1
    DONE = 2
    BAD_OPCODE = 3
    """No such operation."""
    BAD_SIZE = 4
    """A size is zero, or beyond what was built; a copy that leaves the local memory, or one where none was built."""
    BAD_FORMAT = 5
    """A layout, an index width or `row_leaks` that was not built, or an entry width that does not exist."""
    BUS_ERROR = 6
    """A read or a write came back with an error."""
    MALFORMED_STREAM = 7
    """The stream's `last` flags do not add up to the records, or an index is beyond the inputs."""
    EXPONENT_RANGE = 8
    """The exponent of a result left -32767..32767."""


def option_layout() -> data.StructLayout:
    """What a descriptor asks for beside its opcode.

    `second` (scores): the vectors are the first factors of products, each record names the second factor.
    `listed` (scores): of listed outputs; `stream` is a list of columns (`column_record_layout`).
    `keeps_first` (with `second`, one group): the first factors are the vectors that the group before has loaded.
    `follows`: group g is read once group g of the descriptor before, or its last, is written and answered.
    `drops_closed` (with `second`): element `closed_row` of a product counts as 0.
    `row_leaks`: each row has a leak of its own, as LOAD_ROWS with the same option brought it on chip; `row_emissions`
    (forward): so do rows of beta, and absent emissions are of them.
    """
    names = ("second", "listed", "follows", "keeps_first", "drops_closed", "row_leaks", "row_emissions")
    return data.StructLayout({**dict.fromkeys(names, 1), "reserved": 1})


def _packed_constant() -> data.StructLayout:
    return data.StructLayout({"mantissa": 16, "shift": signed(16)})


def descriptor_layout() -> data.StructLayout:
    """128 bytes, little-endian; addresses are multiples of 64.

    `entry_width` 0, 1, 2 stands for 16, 20, 24 bits. `entries` and `stream_blocks` are those of one pass over the
    weights. `records` are the non-empty outputs (dense: all). `leak_right` is G of LEAK (docs/ENGINE.md). `results`
    receives for each group of P vectors, `result_stride` bytes apart, P pairs {leak code u16, exponent i16} and, for
    scores, the records. With `listed` the list of columns lies in `stream_blocks` blocks from `stream`, and
    `entries`, `records` and `outputs` are its columns, of which none may be empty (and there may be none).
    hmm_guard: `closed_row` is 1 more than the input that leaks nothing, in whose element an absent emission is 0 (edge
    weights: that has no leak); `closed_record` is 1 more than the record that gets no leak; 0: there is none.
    `row_leaks` (docs/ENGINE.md): `row_right` is Gr of forward and scores, `row_shift` the last shift of backward.
    """
    return data.StructLayout(
        {
            "opcode": 8,
            "layout": 8,
            "index_bits": 8,
            "entry_width": 8,
            "leak_right": 8,
            "codebook": 8,
            "emission_codebook": 8,
            "options": option_layout(),
            "inputs": 32,
            "outputs": 32,
            "vectors": 32,
            "records": 32,
            "entries": 32,
            "stream_blocks": 32,
            "stream": 64,
            "nonempty": 64,
            "vector_records": 64,
            "results": 64,
            "result_stride": 32,
            "closed_row": 32,
            "leak_k1": _packed_constant(),
            "leak_k0": _packed_constant(),
            "emission_k1": _packed_constant(),
            "emission_k0": _packed_constant(),
            "closed_record": 32,
            "row_right": 8,
            "row_shift": 8,
            "reserved": 8 * 32 + 16,
        }
    )


def record_layout() -> data.StructLayout:
    """32 bytes for each vector: where it is, its exponent, where its result goes, and its emission column.

    A forward step reads the column of the vector's token: `count` entries in `emission_blocks` blocks from
    `emission`, the first of them entry (sparse) or word (dense) `first` of its block. A count of 0 reads nothing.
    With `closed` no emission stands for an absent one: the token is that of hmm_guard. With `second` the second factor
    is the vector at `emission`, `first` its exponent in two's complement.
    """
    return data.StructLayout(
        {
            "source": 64,
            "destination": 64,
            "exponent": signed(VECTOR_EXPONENT_BITS),
            "first": 16,
            "count": 31,
            "closed": 1,
            "emission": 40,
            "emission_blocks": 24,
        }
    )


def column_record_layout() -> data.StructLayout:
    """16 bytes for each listed column, fields as in a vector record; `target` is free."""
    return data.StructLayout({"emission": 40, "emission_blocks": 24, "first": 16, "target": 16, "count": 32})


def constant_of(layout_value: data.View) -> tuple:
    """Return (mantissa, shift) of a descriptor's constant, cut to the datapath's widths."""
    return layout_value.mantissa[:CONSTANT_BITS], layout_value.shift[:SHIFT_BITS].as_signed()
