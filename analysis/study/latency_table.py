"""Shares of the language model and the HMM in a token step on the CPU, by H."""

from statistics import median

from .markdown import markdown
from .results import Results

_CHECK = "latency-"
_MODEL = "language model"


def latencies(results: Results) -> str:
    """Return the parts of a step; the language model is the same beside each H: its time is the median of them all."""
    by_hidden: dict[int, dict[str, float]] = {}
    for row in results.checks:
        if row["check"].startswith(_CHECK):
            hidden = int(row["check"].removeprefix(_CHECK))
            by_hidden.setdefault(hidden, {})[row["name"]] = 1000 * row["seconds"]
    models = [ms[_MODEL] for ms in by_hidden.values()]
    heading = ("H", "language model ms", "forward ms", "scores ms", "HMM share %", "one after the other ms")
    heading = (*heading, "scores beside the language model ms", "table, ms a length")
    return markdown(heading, [_row(hidden, by_hidden[hidden], median(models)) for hidden in sorted(by_hidden)])


def _row(hidden: int, ms: dict[str, float], model: float) -> list[str]:
    scores, forward = ms["hmm denominators"] + ms["hmm numerators"], ms["hmm forward"]
    share = 100 * (scores + forward) / (scores + forward + model)
    # scores depend on the prefix alone, only the forward step waits for the chosen token
    serial, beside = model + scores + forward, max(model, scores) + forward
    values = (model, forward, scores, share, serial, beside, ms["table, one length"])
    return [str(hidden), *(f"{value:.1f}" for value in values)]
