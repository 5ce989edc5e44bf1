"""What jobs wrote, read back from a dump of the memory."""

import numpy as np

from ..model.formats import CODE_BYTES
from ..model.golden.vectors import Codes, Scores, Vectors
from .descriptors import Job


def read_vectors(job: Job, dump: bytes, lanes: int) -> Vectors:
    """Return what a forward or backward job wrote; raises ValueError for another job."""
    if job.vectors is None or job.results is None:
        raise ValueError(f"{job.name}: this job writes no vectors")
    stride = job.vectors.size // job.batch
    rows = [np.frombuffer(dump, "<u2", job.outputs, job.vectors.address + lane * stride) for lane in range(job.batch)]
    return Vectors(np.array(rows, np.uint16), _headers(job, dump, lanes)[1])


def read_scores(job: Job, dump: bytes, lanes: int) -> Scores:
    """Return what a scores job wrote; raises ValueError for another job."""
    if job.results is None or job.vectors is not None:
        raise ValueError(f"{job.name}: this job writes no scores")
    leak, exponents = _headers(job, dump, lanes)
    header = 2 * CODE_BYTES * lanes
    groups = [
        np.frombuffer(dump, "<u2", job.records * lanes, job.results.address + group * job.result_stride + header)
        for group in range(-(-job.batch // lanes))
    ]
    codes = np.concatenate([group.reshape(job.records, lanes) for group in groups], axis=1)
    return Scores(leak, np.ascontiguousarray(codes[:, : job.batch]), exponents)


def unused_lanes(job: Job, dump: bytes, lanes: int) -> list[tuple[int, int]]:
    """Return {leak code, exponent} of the lanes of the last group that carry no vector."""
    leak, exponents = _all_headers(job, dump, lanes)
    return list(zip(leak[job.batch :].tolist(), exponents[job.batch :].tolist(), strict=True))


def _headers(job: Job, dump: bytes, lanes: int) -> tuple[Codes, np.ndarray]:
    leak, exponents = _all_headers(job, dump, lanes)
    return leak[: job.batch].copy(), exponents[: job.batch].copy()


def _all_headers(job: Job, dump: bytes, lanes: int) -> tuple[Codes, np.ndarray]:
    results = job.results
    if results is None:
        raise ValueError(f"{job.name}: this job writes no results")
    pairs = np.concatenate(
        [
            np.frombuffer(dump, "<u2", 2 * lanes, results.address + group * job.result_stride)
            for group in range(-(-job.batch // lanes))
        ]
    ).reshape(-1, 2)
    return pairs[:, 0].astype(np.uint16), pairs[:, 1].astype(np.uint16).view(np.int16).astype(np.int32)
