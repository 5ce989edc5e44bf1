"""Several processes that share the sequences of a chunk, through torch.distributed.

A chunk is cut into SHARDS parts whatever the number of processes, and their counts are added as the same binary tree:
each process adds up a subtree, then pairs of processes exchange what they have. The sums have the same bits for 1, 2,
4 and 8 processes (of as many threads each: torch's products may round otherwise with another number of threads).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from ..errors import OptionError
from .counts import Counts, Parameters
from .em import Expectation, expected_counts, log_likelihood
from .sequences import Sequences

SHARDS = 8

PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: one of them may have much to prepare alone."""


Sum = TypeVar("Sum", Expectation, float)


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    rank: int = 0
    count: int = 1
    """1, 2, 4 or 8; torch.distributed is set up when it is above 1."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and reports."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until all have come here."""
        if self.count > 1:
            distributed.barrier()


ALONE = Processes()


def join(environment: Mapping[str, str], backend: str) -> Processes:
    """Return this process's place by the variables that `torchrun` sets, and join the others; ALONE without them.

    `backend` is gloo, or nccl for processes with a CUDA device each. Raises OptionError.
    """
    count = int(environment.get("WORLD_SIZE", "1"))
    if count == 1:
        return ALONE
    if count not in (2, 4, 8):
        raise OptionError(f"processes: {count} started, expected 1, 2, 4 or {SHARDS}")
    distributed.init_process_group(backend, timeout=PATIENCE)
    return Processes(distributed.get_rank(), count)


def leave(processes: Processes) -> None:
    """Undo `join`."""
    if processes.count > 1:
        distributed.destroy_process_group()


def shared_counts(model: Parameters, sequences: Sequences, processes: Processes = ALONE) -> Expectation:
    """Return the events expected in all of `sequences`, which every process has; each gets the same bits."""
    own = _subtree(lambda part: expected_counts(model, part), sequences, processes)
    counts = own.counts
    total = torch.tensor([own.log_likelihood], dtype=torch.float64, device=counts.gamma.device)
    # one vector is one exchange
    flat = _exchanged(torch.cat([t.reshape(-1) for t in (counts.gamma, counts.alpha, counts.beta, total)]), processes)
    sizes = [counts.gamma.numel(), counts.alpha.numel(), counts.beta.numel(), 1]
    gamma, alpha, beta, total = flat.split(sizes)
    return Expectation(Counts(gamma, alpha.view(counts.alpha.shape), beta.view(counts.beta.shape)), float(total))


def shared_log_likelihood(model: Parameters, sequences: Sequences, processes: Processes = ALONE) -> float:
    """Return the natural log of p(all of `sequences`), which every process has; each gets the same bits."""
    own = _subtree(lambda part: log_likelihood(model, part), sequences, processes)
    return float(_exchanged(torch.tensor([own], dtype=torch.float64, device=model.beta.device), processes))


def _subtree(measure: Callable[[Sequences], Sum], sequences: Sequences, processes: Processes) -> Sum:
    """Return the sum over the shards of this process."""
    own = SHARDS // processes.count

    def add_up(first: int, count: int) -> Sum:
        if count > 1:
            return add_up(first, count // 2) + add_up(first + count // 2, count // 2)
        ends = (len(sequences) * k // SHARDS for k in (first, first + 1))
        return measure(sequences.take(torch.arange(*ends)))

    return add_up(processes.rank * own, own)


def _exchanged(own: Tensor, processes: Processes) -> Tensor:
    """Return the sum over processes of a vector of float64: a tree, whose level k pairs those that differ in bit k."""
    step = 1
    while step < processes.count:
        partner, theirs = processes.rank ^ step, torch.empty_like(own)
        sending = distributed.P2POp(distributed.isend, own, partner)
        receiving = distributed.P2POp(distributed.irecv, theirs, partner)
        for request in distributed.batch_isend_irecv([sending, receiving]):
            request.wait()
        own, step = own + theirs, 2 * step
    return own
