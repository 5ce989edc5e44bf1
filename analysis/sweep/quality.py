"""Evaluator "quality": what the quality study measured of a method and an index width, at its own size."""

from functools import cache

from ...model.formats import VectorCode
from ..study import published
from ..study.results import Results
from ..study.spec import AWARE_METHOD, Configuration
from ..study.summary import HIDDEN, VOCAB, Outcome, Summary
from .point import DesignPoint, ImpossiblePointError
from .timing import Fields

SIZE = f"H={HIDDEN} V={VOCAB} trained"
AWARE_INTERVAL, AWARE_SOURCE = 20, "seed-1"
"""Of Norm-Q aware EM: the interval that the study tells of first."""
WIDTHS = range(2, 9)
PUBLISHED = {"norm-q": published.NORM_Q, AWARE_METHOD: published.AWARE}


def evaluate_quality(point: DesignPoint) -> Fields:
    """Return the columns of a point's method and index width, labeled by the size that they were measured at.

    Another vector format than the study's leaves them empty and says so. Raises ImpossiblePointError for a width that
    the format does not have.
    """
    if point.bits not in WIDTHS:
        raise ImpossiblePointError(f"bits must be 2..8, got {point.bits!r}")
    if VectorCode(point.exponent_bits, point.mantissa_bits) != VectorCode():
        return {"quality_size": f"not measured at E={point.exponent_bits}, M={point.mantissa_bits}"}
    found = _outcomes().get(_configuration(point.method, point.bits))
    if found is None:
        return {"quality_size": f"not measured at b={point.bits}"}
    return {**_measured(found), "quality_size": SIZE, **_published(point.method, point.bits)}


def _configuration(method: str, bits: int) -> Configuration:
    if method == AWARE_METHOD:
        return Configuration(method, bits, interval=AWARE_INTERVAL, source=AWARE_SOURCE)
    return Configuration(method, bits)


def _measured(found: Outcome) -> Fields:
    texts = bool(found.rows)
    return {
        "quality_success": float(found.success.mean()) if texts else None,
        "quality_rouge_l": float(found.scores.percent()[0]) if texts else None,
        "quality_nat_per_token": found.hmm.get("log_likelihood_nat"),
        "quality_kl": found.hmm.get("kl_nat"),
        "quality_bits_per_weight": found.bits_per_weight,
    }


def _published(method: str, bits: int) -> Fields:
    figures = PUBLISHED[method]
    return {"published_success": figures["success"][bits] / 100, "published_rouge_l": figures["rouge"][bits]}


@cache
def _outcomes() -> Summary:
    wanted = [_configuration(method, bits) for method in PUBLISHED for bits in WIDTHS]
    return Summary(Results.read(), wanted)
