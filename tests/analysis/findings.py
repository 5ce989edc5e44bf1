"""What docs/FINDINGS.md says, and the figures of the results that ship by which it is checked."""

from functools import cache
from pathlib import Path

from normq.analysis.study.intervals import paired_bootstrap
from normq.analysis.study.results import Results
from normq.analysis.study.spec import Configuration
from normq.analysis.study.summary import Outcome, Summary, summary_of
from normq.model.decoding.engine import EosMode

PAGE = Path(__file__).resolve().parents[2] / "docs" / "FINDINGS.md"
NORMQ, AWARE, CTRLG = "norm-q", "norm-q-aware-em", EosMode.CTRLG
KMEANS = ("kmeans-linear", "kmeans-linear-normalized", "kmeans-log", "kmeans-log-normalized")
NORMALIZED = ("kmeans-linear-normalized", "kmeans-log-normalized")
SCORES = ("rouge", "bleu", "cider")


@cache
def results() -> Results:
    return Results.read()


@cache
def found() -> Summary:
    return summary_of(results())


def of(one: Configuration) -> Outcome:
    outcome = found().get(one)
    assert outcome is not None, one.name
    return outcome


def normq(bits: int, **fields: bool | str | EosMode) -> Outcome:
    return of(Configuration(NORMQ, bits, **fields))  # pyright: ignore[reportArgumentType]


def trained(bits: int, seed: int = 1) -> Outcome:
    return normq(bits, source=f"seed-{seed}")


def aware(bits: int, interval: int) -> Outcome:
    return of(Configuration(AWARE, bits, interval=interval, source="seed-1"))


def nat(one: Outcome) -> float:
    return one.hmm["log_likelihood_nat"]


def kl(one: Outcome) -> float:
    return one.hmm["kl_nat"]


def impossible(one: Outcome) -> int:
    return round(100 * one.hmm["impossible_share"])


def percent(one: Outcome) -> float:
    return 100 * float(one.success.mean())


def rouge(one: Outcome) -> float:
    return one.scores.percent()[0]


@cache
def fall(one: Outcome) -> float:
    return rouge(found().base) - rouge(one)


def told_apart(one: Outcome, base: Outcome | None = None) -> set[str]:
    """The text scores whose paired interval of the difference excludes 0."""
    intervals = paired_bootstrap(one.scores, (base or found().base).scores)
    return {name for name, (low, high) in zip(SCORES, intervals, strict=True) if low > 0 or high < 0}


def cycles(one: Configuration) -> tuple[float, float]:
    """Millions of cycles of set-up and of token steps."""
    rows = {row["name"]: row["cycles"] for row in results().checks if row["check"] == f"rtl {one.name}"}
    return rows["setup cycles"] / 1e6, rows["step cycles"] / 1e6


def says(*sentences: str) -> None:
    """Check that the page has the sentences that a test holds, so that neither changes alone."""
    page = " ".join(PAGE.read_text().split())
    assert [sentence for sentence in sentences if sentence not in page] == []
