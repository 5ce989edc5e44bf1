"""Synthetic HMMs of any size with the statistics published for distilled Ctrl-G models; never a measured model.

Published: more than 80 % of alpha and beta below 1e-5 at H = 4096, V = 50257, peaks of alpha up to 0.994, beta's logs
mostly -17 .. -28, end-of-text with emission 1.0 in one state (samples of the 4096-state model; arXiv 2406.13892,
2509.25439). The shapes below were fitted to them and to rows of trained models; everything made from them is labelled.

Measured, seed 0, all rows: non-zero levels per row at b = 3 / 4 / 8 are 2.0 / 4.6 / 42 in alpha (H = 4096) and
1.9 / 3.7 / 34 in beta (V = 50257). Share below 1e-5: alpha 44 % at H = 1024, 85 % at 4096, 97 % at 16384; beta 99 %.

Every row is drawn from (seed, row) alone, so any rows of any model can be made without the rest.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .errors import OptionError
from .hmm import HMM, Probabilities, row_chunks
from .quantize.normq import levels_at, quantize_tensor, tensor_scale
from .quantize.tensor import Levels, QuantizedHMM, QuantizedTensor

LABEL = "synthetic"
"""What provenance says under "label"."""

GREATEST = 1.0
"""Greatest entry of alpha and of beta, exactly: the last state is absorbing and emits only end-of-text."""


@dataclass(frozen=True)
class RowShape:
    """Peaks of a row, Zipf-Mandelbrot weights (rank + offset)**-slope with log-normal jitter, above a floor.

    Slope, offset and support (number of peaks) vary from row to row by the standard deviations beside them.
    """

    slope_mean: float
    slope_sd: float
    least_slope: float
    log_offset_mean: float
    log_offset_sd: float
    support: int
    support_sd: float
    support_share: float
    """Greatest support as a share of the row's length."""
    jitter_sd: float
    jitter_ramp: int
    """Rank from which on the jitter is whole; below it grows linearly from `first_jitter`."""
    first_jitter: float
    floor_mass: float
    """Share of the row's mass that the peaks leave to the floor."""


TRANSITION = RowShape(1.60, 0.35, 0.75, 0.2, 1.3, 500, 0.5, 0.5, 0.8, 8, 0.2, 0.012)
EMISSION = RowShape(1.75, 0.50, 0.8, -0.3, 1.9, 400, 0.8, 0.25, 0.9, 4, 0.1, 0.0005)

POPULARITY_SD = 1.2
"""Of the log of how readily a state is chosen as a successor."""
TRANSITION_FLOOR_SD = 1.2
INITIAL_SD = 1.6
CLUSTERS = 24
"""Groups of tokens; each state prefers one, by a factor e**CLUSTER_BONUS."""
CLUSTER_BONUS = 2.5
EMISSION_FLOOR_LOGS = (-17.7, -22.0)
"""The two levels around which the logs of an emission row's floor lie."""
EMISSION_FLOOR_SD = 2.0
EMISSION_FLOOR_LEAST = -28.5
ABSORBING_TRANSITION_FLOOR = 1e-9
ABSORBING_EMISSION_FLOOR = float(np.exp(-28.0))

# first number of each random stream; the row follows
_TRANSITION, _EMISSION, _INITIAL, _POPULARITY, _RANK, _CLUSTER = 1, 2, 3, 7, 8, 9


@dataclass(frozen=True, eq=False)
class SyntheticModel:
    """A synthetic HMM made row by row on demand; end-of-text is token V - 1, carried by state H - 1.

    Repeats itself to the bit for one version of NumPy on one kind of processor. Raises OptionError for sizes too small.
    """

    hidden_states: int
    """H >= 1."""
    vocab_size: int
    """V >= 2."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, least in (
            ("hidden", self.hidden_states, 1),
            ("vocab", self.vocab_size, 2),
            ("seed", self.seed, 0),
        ):
            if value < least:
                raise OptionError(f"{name}: {value!r} given, expected an integer of at least {least}")

    @property
    def eos_token_id(self) -> int:
        """The end-of-text token."""
        return self.vocab_size - 1

    @property
    def provenance(self) -> dict[str, str]:
        """Label and recipe, to travel with everything made from the model."""
        recipe = f"normq.model.synthetic H={self.hidden_states} V={self.vocab_size} seed={self.seed}"
        return {"label": LABEL, "source": recipe}

    def transition_rows(self, rows: slice) -> Probabilities:
        """Return rows of alpha, [n, H] float32."""
        return np.stack([self._transition_row(i) for i in range(*rows.indices(self.hidden_states))])

    def emission_rows(self, rows: slice) -> Probabilities:
        """Return rows of beta, [n, V] float32."""
        return np.stack([self._emission_row(i) for i in range(*rows.indices(self.hidden_states))])

    def initial(self) -> Probabilities:
        """Return gamma, [H] float32; end-of-text is a thousand times less likely than it would be."""
        row = np.exp(INITIAL_SD * self._rng(_INITIAL).standard_normal(self.hidden_states))
        if self.hidden_states > 1:
            row[-1] *= 1e-3
        return _normalized(row)

    def _transition_row(self, i: int) -> Probabilities:
        if i == self.hidden_states - 1:
            return _absorbing(self.hidden_states, ABSORBING_TRANSITION_FLOOR)
        rng = self._rng(_TRANSITION, i)
        row = np.exp(np.float32(TRANSITION_FLOOR_SD) * rng.standard_normal(self.hidden_states, dtype=np.float32))
        row *= np.float32(TRANSITION.floor_mass / row.sum(dtype=np.float64))
        _add_peaks(rng, row, self._popularity, TRANSITION)
        return _normalized(row)

    def _emission_row(self, i: int) -> Probabilities:
        if i == self.hidden_states - 1:
            return _absorbing(self.vocab_size, ABSORBING_EMISSION_FLOOR)
        rng = self._rng(_EMISSION, i)
        level = EMISSION_FLOOR_LOGS[rng.integers(2)] + rng.normal()
        row = rng.standard_normal(self.vocab_size, dtype=np.float32)
        row *= np.float32(EMISSION_FLOOR_SD)
        row += np.float32(level)
        np.exp(np.maximum(row, np.float32(EMISSION_FLOOR_LEAST), out=row), out=row)
        _add_peaks(rng, row, self._cluster_preference[rng.integers(CLUSTERS)], EMISSION)
        row[-1] *= np.float32(0.1)
        return _normalized(row)

    @cached_property
    def _popularity(self) -> npt.NDArray[np.float32]:
        logs = POPULARITY_SD * self._rng(_POPULARITY).standard_normal(self.hidden_states)
        return np.exp(logs).astype(np.float32)

    @cached_property
    def _cluster_preference(self) -> npt.NDArray[np.float32]:
        """How readily each token is chosen by a state of each cluster, [CLUSTERS, V]."""
        rank = self._rng(_RANK).permutation(self.vocab_size)
        cluster = self._rng(_CLUSTER).integers(0, CLUSTERS, self.vocab_size)
        bonus = np.where(cluster == np.arange(CLUSTERS)[:, np.newaxis], np.exp(CLUSTER_BONUS), 1.0)
        return (bonus / (rank + 10.0)).astype(np.float32)

    def _rng(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *stream])


def synthetic_hmm(hidden: int, vocab: int, seed: int = 0) -> HMM:
    """Return a whole synthetic model, labelled in its provenance. Raises OptionError for sizes too small."""
    model = SyntheticModel(hidden, vocab, seed)
    alpha = np.empty((hidden, hidden), np.float32)
    for rows in row_chunks(hidden, hidden):
        alpha[rows] = model.transition_rows(rows)
    beta = np.empty((hidden, vocab), np.float32)
    for rows in row_chunks(hidden, vocab):
        beta[rows] = model.emission_rows(rows)
    return HMM(alpha, beta, model.initial(), model.eos_token_id, model.provenance)


def synthetic_levels(hidden: int, vocab: int, bits: int, seed: int = 0) -> QuantizedHMM:
    """Return `quantize(synthetic_hmm(hidden, vocab, seed), bits)`, without its float tensors ever being whole.

    Holds one byte an element. Raises OptionError for sizes too small, QuantizationError for the index width.
    """
    model = SyntheticModel(hidden, vocab, seed)
    scale = tensor_scale(GREATEST, bits)  # known by construction, so one pass over the rows is enough
    alpha: Levels = np.empty((hidden, hidden), np.uint8)
    for rows in row_chunks(hidden, hidden):
        alpha[rows] = levels_at(model.transition_rows(rows), scale, bits)
    beta: Levels = np.empty((hidden, vocab), np.uint8)
    for rows in row_chunks(hidden, vocab):
        beta[rows] = levels_at(model.emission_rows(rows), scale, bits)
    return QuantizedHMM(
        alpha=QuantizedTensor(alpha, bits),
        beta=QuantizedTensor(beta, bits),
        gamma=quantize_tensor(model.initial()[np.newaxis], bits),
        eos_token_id=model.eos_token_id,
        provenance=model.provenance,
    )


def _absorbing(length: int, floor: float) -> Probabilities:
    row = np.full(length, floor, np.float32)
    row[-1] = GREATEST
    return row


def _normalized(row: npt.NDArray[np.floating]) -> Probabilities:
    return (row / row.dtype.type(row.sum(dtype=np.float64))).astype(np.float32, copy=False)


def _add_peaks(
    rng: np.random.Generator, row: npt.NDArray[np.float32], preference: npt.NDArray[np.float32], shape: RowShape
) -> None:
    """Add to `row` its peaks, at places drawn without replacement in proportion to `preference`."""
    slope = max(shape.least_slope, rng.normal(shape.slope_mean, shape.slope_sd))
    offset = np.exp(rng.normal(shape.log_offset_mean, shape.log_offset_sd))
    wanted = int(shape.support * np.exp(shape.support_sd * rng.standard_normal()))
    support = max(1, min(int(len(row) * shape.support_share), wanted))
    rank = np.arange(support)
    weight = (rank + offset) ** -slope
    ramp = np.minimum(1.0, rank / shape.jitter_ramp + shape.first_jitter)
    weight *= np.exp(shape.jitter_sd * rng.standard_normal(support) * ramp)
    weight *= (1 - shape.floor_mass) / weight.sum()
    # exponential race: arrival times with these rates come in the order of draws without replacement
    arrival = rng.standard_exponential(len(row), dtype=np.float32) / preference
    first = np.argpartition(arrival, support - 1)[:support]
    row[first[np.argsort(arrival[first], kind="stable")]] += weight.astype(np.float32)
