"""Evaluator "quality": what the quality study measured of a method and an index width, at its own size."""

from collections.abc import Mapping
from functools import cache

from ...model.footprint import weight_count
from ...model.formats import VectorCode
from ..study import published
from ..study.results import Results, Rows, scores_of
from .point import DesignPoint, ImpossiblePointError
from .timing import Fields

HIDDEN, VOCAB = 256, 4096
"""Sizes of the study's model."""
SIZE = f"H={HIDDEN} V={VOCAB} trained"
CONFIGURATIONS = {
    "norm-q": "method=norm-q bits={bits} eos=event source=default",
    "norm-q-aware-em": "method=norm-q-aware-em bits={bits} eos=event source=seed-1 interval=20",
}
"""What the study calls them; aware EM at the interval that it tells of first."""
WIDTHS = range(2, 9)
PUBLISHED = {"norm-q": published.NORM_Q, "norm-q-aware-em": published.AWARE}


def evaluate_quality(point: DesignPoint) -> Fields:
    """Return the columns of a point's method and index width, labeled by the size that they were measured at.

    Another vector format than the study's leaves them empty and says so. Raises ImpossiblePointError for a width that
    the format does not have.
    """
    if point.bits not in WIDTHS:
        raise ImpossiblePointError(f"bits must be 2..8, got {point.bits!r}")
    if VectorCode(point.exponent_bits, point.mantissa_bits) != VectorCode():
        return {"quality_size": f"not measured at E={point.exponent_bits}, M={point.mantissa_bits}"}
    texts, hmm = _results()
    name = CONFIGURATIONS[point.method].format(bits=point.bits)
    if name not in hmm:
        return {"quality_size": f"not measured at b={point.bits}"}
    measured = {**_of_texts(texts.get(name, [])), **_of_model(hmm[name])}
    return {**measured, "quality_size": SIZE, **_published(point.method, point.bits)}


def _of_texts(rows: Rows) -> Fields:
    if not rows:
        return {}
    success = sum(row["success"] for row in rows) / len(rows)
    return {"quality_success": success, "quality_rouge_l": float(scores_of(rows).percent()[0])}


def _of_model(hmm: Fields) -> Fields:
    return {
        "quality_nat_per_token": hmm["log_likelihood_nat"],
        "quality_kl": hmm["kl_nat"],
        "quality_bits_per_weight": 8 * min(hmm["sparse_bytes"], hmm["dense_bytes"]) / weight_count(HIDDEN, VOCAB),
    }


def _published(method: str, bits: int) -> Fields:
    figures = PUBLISHED[method]
    return {"published_success": figures["success"][bits] / 100, "published_rouge_l": figures["rouge"][bits]}


@cache
def _results() -> tuple[Mapping[str, Rows], Mapping[str, Fields]]:
    """Return texts and metrics of the model by configuration."""
    results = Results.read()
    return results.texts_of(), {row["configuration"]: row for row in results.hmm}
