"""The packed form of one matrix, the same bytes on disk, in the golden model and in the simulated memory."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..config import Layout
from ..formats import ceil_log2
from .rule import RowRule, TensorRule

BLOCK_BYTES = 64
"""Bytes of one sparse block."""

ENTRIES_PER_BLOCK = {16: 32, 20: 24, 24: 20}
"""Entries in a block, by the bits of an entry; the rest of a block is zero."""

ENTRY_WIDTHS = tuple(ENTRIES_PER_BLOCK)
"""Bits of a sparse entry, the narrowest that fits is used."""


@dataclass(frozen=True)
class EntryFormat:
    """A sparse entry {last, input index, level}: level in the low bits, `last` in the top bit.

    Raises ValueError when 1 + ceil(log2 inputs) + bits exceeds the widest entry.
    """

    inputs: int
    bits: int

    def __post_init__(self) -> None:
        if self.needed_bits > ENTRY_WIDTHS[-1]:
            raise ValueError(
                f"an entry needs 1 + ceil(log2({self.inputs})) + {self.bits} = {self.needed_bits} bits, "
                f"at most {ENTRY_WIDTHS[-1]} are possible: use fewer index bits or the dense layout"
            )

    @property
    def needed_bits(self) -> int:
        """Bits of `last`, index and level without padding."""
        return 1 + ceil_log2(self.inputs) + self.bits

    @property
    def width(self) -> int:
        """Bits of an entry in a block: 16, 20 or 24."""
        return next(width for width in ENTRY_WIDTHS if width >= self.needed_bits)

    @property
    def per_block(self) -> int:
        """Entries in a block of 64 bytes: 32, 24 or 20 (the rest of a block is zero)."""
        return ENTRIES_PER_BLOCK[self.width]


@dataclass(frozen=True, eq=False)
class PackedMatrix:
    """One matrix, output-major.

    dense: `data` holds bits-wide indices, little-endian without gaps, each output's list padded to 8 bytes.
    sparse: `data` holds blocks of 64 bytes of entries (`EntryFormat`), `nonempty` the bit map of outputs with entries.
    """

    layout: Layout
    bits: int
    inputs: int
    outputs: int
    data: npt.NDArray[np.uint8]
    nonempty: npt.NDArray[np.uint8]
    """Bit o % 8 of byte o // 8 is set when output o has an entry; padded to 8 bytes. Empty array when dense."""
    entries: int
    """Sparse entries in `data`; 0 when dense."""

    @property
    def entry_format(self) -> EntryFormat:
        """Format of the sparse entries."""
        return EntryFormat(self.inputs, self.bits)

    @property
    def dense_output_bytes(self) -> int:
        """Bytes of one output's padded list in the dense layout."""
        return dense_output_bytes(self.inputs, self.bits)


def dense_output_bytes(inputs: int, bits: int) -> int:
    """Return the bytes of one output's list in the dense layout, padded to 8."""
    return (inputs * bits + 63) // 64 * 8


@dataclass(frozen=True, eq=False)
class RowConstants:
    """What row normalization needs of each row i: r_i = rho_i * 2**-sigma_i, and whether the row is zero."""

    rho: npt.NDArray[np.uint16]
    """[rows] 16-bit mantissas, top bit set."""
    sigma: npt.NDArray[np.int16]
    """[rows] shifts."""
    zero_rows: npt.NDArray[np.uint8]
    """Bit map like `PackedMatrix.nonempty`: bit i % 8 of byte i // 8 is zrow_i; padded to 8 bytes.

    A normalized row without a level above that of index 0; no row of a tensor that is not normalized.
    """
    row_sums: npt.NDArray[np.int64]
    """[rows] R_i, exact sums of levels above c[0] (needed by edge weights; derived, not used by the engine)."""
    leaks: npt.NDArray[np.uint8] | None = None
    """[rows] codes of each row's leak (`formats.RowLeakCode`) with row_mass_leak, None without."""


@dataclass(frozen=True, eq=False)
class PackedModel:
    """A quantized HMM, packed: everything that golden, RTL and artefact share."""

    layout: Layout
    bits: int
    hidden_states: int
    vocab_size: int
    eos_token_id: int
    alpha_by_column: PackedMatrix
    """forward: outputs are columns j, inputs are rows i."""
    alpha_by_row: PackedMatrix
    """backward: outputs are rows i, inputs are columns j."""
    beta_by_token: PackedMatrix
    """scores and emission gather: outputs are tokens, inputs are hidden states."""
    alpha_rows: RowConstants
    beta_rows: RowConstants
    gamma_levels: npt.NDArray[np.uint8]
    """[H] indices of the initial distribution."""
    gamma_rows: RowConstants
    """Constants of the one row of gamma."""
    alpha_codebook: npt.NDArray[np.uint16]
    """[2**bits] c: levels of at most 12 bits that never fall, c[0] to index 0 alone; the identity for Norm-Q."""
    beta_codebook: npt.NDArray[np.uint16]
    gamma_codebook: npt.NDArray[np.uint16]
    alpha_rule: RowRule
    beta_rule: RowRule
    gamma_rule: RowRule
    end_state: int | None
    """With hmm_guard the state of end-of-text: its rows leak nothing, and no leak reaches the token. None without."""
    method: str
    provenance: dict[str, str]
    """Where it came from: checkpoint, tool version, labels such as 'synthetic'."""

    @property
    def alpha(self) -> TensorRule:
        """What completes the rows of alpha."""
        return TensorRule(self.alpha_rule, self.bits, self.hidden_states, int(self.alpha_codebook[0]))

    @property
    def beta(self) -> TensorRule:
        """What completes the rows of beta."""
        closed = int(self.end_state is not None)
        return TensorRule(self.beta_rule, self.bits, self.vocab_size, int(self.beta_codebook[0]), closed)

    @property
    def has_row_leaks(self) -> bool:
        """Whether rows of alpha or beta have leaks of their own (row_mass_leak)."""
        return self.alpha_rule.row_leaks or self.beta_rule.row_leaks

    @property
    def gamma(self) -> TensorRule:
        """What completes gamma's one row."""
        return TensorRule(self.gamma_rule, self.bits, self.hidden_states, int(self.gamma_codebook[0]))


def above_least(codebook: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Return c - c[0], [2**bits]: what the accumulator adds for each index, and what row sums are of."""
    return codebook - codebook[0]
