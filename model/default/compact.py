"""A small file for an HMM: the weights worth keeping, as sparse half-precision logs.

Weights below LEAST_WEIGHT are dropped, and their mass is spread evenly over the dropped places of their row. Tensors,
for each of `alpha`, `beta`, `gamma` (one row): `.counts` [rows] uint16, the kept weights of each row; `.columns` [kept]
uint16, ascending within a row; `.logs` [kept] float16, natural logs; `.floors` [rows] float32, the weight of a dropped
place. Metadata: `vocab_size`, `eos_token_id`, and the rest is provenance.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from ..atomic import replacing
from ..errors import ModelError
from ..hmm import HMM, Probabilities

LEAST_WEIGHT = 1e-5
MOST_COLUMNS = 1 << 16

Tensors = dict[str, npt.NDArray]


def write_compact(hmm: HMM, file: Path) -> None:
    """Write `hmm`; raises ModelError where it has more than MOST_COLUMNS tokens or states, OSError as the system."""
    tensors: Tensors = {}
    for name, matrix in (("alpha", hmm.alpha), ("beta", hmm.beta), ("gamma", hmm.gamma[np.newaxis])):
        tensors |= {f"{name}.{part}": tensor for part, tensor in drop_small(name, matrix).items()}
    numbers = {"vocab_size": str(hmm.vocab_size), "eos_token_id": str(hmm.eos_token_id)}
    with replacing(file) as temporary:
        save_file(tensors, temporary, metadata={**hmm.provenance, **numbers})


def read_compact(file: Path) -> HMM:
    """Return the model of a file of ours, its tensors as a Ctrl-G checkpoint of it would give them back."""
    with safe_open(file, framework="numpy") as tensors:
        stored = {name: tensors.get_tensor(name) for name in tensors.keys()}  # noqa: SIM118 -- not a mapping
        provenance = dict(tensors.metadata())
    hidden, vocab = len(stored["alpha.counts"]), int(provenance.pop("vocab_size"))
    eos = int(provenance.pop("eos_token_id"))
    alpha, beta, gamma = (
        expand({part: stored[f"{name}.{part}"] for part in ("counts", "columns", "logs", "floors")}, columns)
        for name, columns in (("alpha", hidden), ("beta", vocab), ("gamma", hidden))
    )
    return HMM(alpha, _through_logs(beta), _through_logs(gamma)[0], eos, provenance)


def drop_small(name: str, matrix: Probabilities) -> Tensors:
    """Return the four parts of a row-stochastic matrix [rows, columns]; raises ModelError naming it as `name`."""
    columns = matrix.shape[1]
    if columns > MOST_COLUMNS:
        raise ModelError(name, f"has {columns} columns, expected at most {MOST_COLUMNS} in a compact file")
    kept = matrix >= LEAST_WEIGHT
    # without a dropped place its weight means nothing
    dropped_places = np.maximum(columns - np.count_nonzero(kept, axis=1), 1)
    dropped_mass = np.where(kept, 0.0, matrix.astype(np.float64)).sum(axis=1)
    return {
        "counts": np.count_nonzero(kept, axis=1).astype(np.uint16),
        "columns": np.nonzero(kept)[1].astype(np.uint16),
        "logs": np.log(matrix[kept]).astype(np.float16),
        "floors": (dropped_mass / dropped_places).astype(np.float32),
    }


def expand(parts: Tensors, columns: int) -> Probabilities:
    """Return the matrix [rows, columns] of its four parts; rows are normalized again, for the logs were rounded."""
    rows = np.repeat(np.arange(len(parts["counts"])), parts["counts"])
    matrix = np.repeat(parts["floors"].astype(np.float64)[:, np.newaxis], columns, axis=1)
    matrix[rows, parts["columns"]] = np.exp(parts["logs"].astype(np.float64))
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


def _through_logs(matrix: Probabilities) -> Probabilities:
    """Round as a checkpoint does, which holds float32 logs: the same bits from here and from an exported folder."""
    with np.errstate(divide="ignore"):
        logs = np.log(matrix.astype(np.float64)).astype(np.float32)
    return np.exp(logs.astype(np.float64)).astype(np.float32)
