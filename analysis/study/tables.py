"""The tables of docs/FINDINGS.md, as Markdown, from the results alone."""

from collections.abc import Callable
from dataclasses import replace

from ...model.decoding.engine import EosMode
from . import published
from .bit_tables import engine, golden
from .markdown import NONE, markdown
from .results import Results
from .spec import (
    AWARE_METHOD,
    FEW_WIDTHS,
    FLOAT_METHOD,
    INTERVALS,
    LANGUAGE_MODEL,
    SEEDS,
    WIDTHS,
    Configuration,
    configurations,
    trained_configurations,
)
from .summary import Outcome, Summary, differences, p_value, share

NORMQ = "norm-q"
EVENT, CTRLG = EosMode.EVENT, EosMode.CTRLG


def summary_of(results: Results) -> Summary:
    """Return the outcomes of everything the study computes."""
    return Summary(results, [*configurations(), *trained_configurations()])


def references(found: Summary) -> str:
    """The language model alone and the float HMM."""
    wanted = {
        "language model alone": Configuration(FLOAT_METHOD, source=LANGUAGE_MODEL),
        "float HMM, eos = event": Configuration(FLOAT_METHOD),
        "float HMM, eos = ctrlg": Configuration(FLOAT_METHOD, eos=CTRLG),
    }
    heading = ("guidance", "success %", "whole words %", "ROUGE-L", "BLEU-4", "CIDEr", "nat/token")
    rows = [
        [name, share(one.success), share(one.whole_words), *_texts(one), _figure(one, "log_likelihood_nat", ".3f")]
        for name, key in wanted.items()
        if (one := found.get(key))
    ]
    return markdown(heading, rows)


def modes(found: Summary) -> str:
    """Success of Norm-Q by bits: both eos modes, hmm_guard, row_mass_leak."""
    columns = {
        "event": {},
        "ctrlg": {"eos": CTRLG},
        "event, guard": {"guard": True},
        "ctrlg, guard": {"guard": True, "eos": CTRLG},
        "event, row mass": {"row_mass_leak": True},
        "ctrlg, row mass": {"row_mass_leak": True, "eos": CTRLG},
        "event, both": {"guard": True, "row_mass_leak": True},
        "ctrlg, both": {"guard": True, "row_mass_leak": True, "eos": CTRLG},
    }
    rows = [
        [
            str(bits),
            *(_cell(found, replace(Configuration(NORMQ, bits), **change), _success) for change in columns.values()),
        ]
        for bits in WIDTHS
    ]
    return markdown(("b", *columns), rows)


def leaks(found: Summary) -> str:
    """KL of Norm-Q by bits without and with the options."""
    columns = {
        "Norm-Q": {},
        "guard": {"guard": True},
        "row_mass_leak": {"row_mass_leak": True},
        "both": {"guard": True, "row_mass_leak": True},
    }
    rows = [
        [str(bits), *(_cell(found, replace(Configuration(NORMQ, bits), **c), _kl) for c in columns.values())]
        for bits in FEW_WIDTHS
    ]
    return markdown(("b", *columns), rows)


def beside_published(found: Summary) -> str:
    """Norm-Q and aware EM beside the published figures; ours with the published eos mode and with the event."""
    heading = ("b", "success published", "ours, ctrlg", "ours, event", "p", "ROUGE-L published", "ours", "minus float")
    heading = (*heading, "BLEU-4 published", "ours", "minus float", "CIDEr published", "ours", "minus float")
    rows: list[list[str]] = []
    for bits in reversed(WIDTHS):
        event, ctrlg = found.get(Configuration(NORMQ, bits)), found.get(Configuration(NORMQ, bits, eos=CTRLG))
        if event is None or ctrlg is None or not event.sets or not ctrlg.sets:
            continue
        changes, texts = differences(event, found.base), _texts(event)
        scores = [
            part
            for name, text, change in zip(("rouge", "bleu", "cider"), texts, changes, strict=True)
            for part in (f"{published.NORM_Q[name][bits]}", text, change)
        ]
        first = (str(bits), f"{published.NORM_Q['success'][bits]}", _success(ctrlg), _success(event))
        rows.append([*first, p_value(event, found.base), *scores])
    return markdown(heading, rows)


def methods(found: Summary) -> str:
    """Every method at every width, eos = event."""
    heading = ("method", "b", "success %", "whole words %", "p", "ROUGE-L", "BLEU-4", "CIDEr", "nat/token")
    heading = (*heading, "impossible %", "KL nat", "KL infinite %", "below 1e-5 %", "bits/weight")
    chosen = [
        one
        for one in found
        if one.configuration.bits is not None
        and one.configuration.source == "default"
        and one.configuration.eos is EVENT
        and not one.configuration.guard
        and not one.configuration.row_mass_leak
        and not one.configuration.method.startswith("layerwise")
    ]
    chosen.sort(key=lambda one: (_order(one.configuration.method), one.configuration.bits))
    return markdown(heading, [_whole_row(found, one, str(one.configuration.bits)) for one in chosen])


def pruning(found: Summary) -> str:
    """Magnitude pruning."""
    heading = ("method", "pruned %", "success %", "whole words %", "p", "ROUGE-L", "BLEU-4", "CIDEr", "nat/token")
    heading = (*heading, "impossible %", "KL nat", "KL infinite %", "below 1e-5 %", "bits/weight")
    chosen = [one for one in found if one.configuration.share is not None]
    return markdown(heading, [_whole_row(found, one, f"{100 * (one.configuration.share or 0):g}") for one in chosen])


def layerwise(found: Summary) -> str:
    """Layer-wise integers beside the published successes."""
    heading = ("b", "published", "one greatest a vector", "one greatest an operand", "empty results", "nat/token")
    rows: list[list[str]] = []
    for bits in sorted({one.configuration.bits or 0 for one in found if one.configuration.method.startswith("layer")}):
        vector = found.get(Configuration("layerwise-vector", bits))
        operand = found.get(Configuration("layerwise-operand", bits))
        both = [one for one in (vector, operand) if one]
        empty = " / ".join(str(one.empty) for one in both)
        likelihoods = " / ".join(_figure(one, "log_likelihood_nat", ".2f") for one in both)
        cells = [share(one.success) if one else NONE for one in (vector, operand)]
        rows.append([str(bits), str(published.LAYERWISE.get(bits, NONE)), *cells, empty, likelihoods])
    return markdown(heading, rows)


def aware(found: Summary, results: Results) -> str:
    """Norm-Q aware EM by interval: success, likelihood on held-out sentences, ROUGE-L."""
    dev = {row["run"]: row["dev"] for row in results.curves}  # the last chunk of each run stays
    heading = ("b", "interval", "success %", "published, best", "ROUGE-L", "nat/token, test text", "nat/token, samples")
    rows: list[list[str]] = []
    for bits in FEW_WIDTHS:
        after = found.get(Configuration(NORMQ, bits, source="seed-1"))
        if after:
            texts = _texts(after)[0]
            rows.append([str(bits), "after training", _success(after), NONE, texts, _likelihood(after), NONE])
        for interval in sorted(INTERVALS):
            one = found.get(Configuration(AWARE_METHOD, bits, interval=interval, source="seed-1"))
            if one and one.sets:
                last = dev.get(f"aware-{bits}-{interval}")
                tail = [_likelihood(one), f"{last:.3f}" if last else NONE]
                best = f"{published.AWARE['success'][bits]}"
                rows.append([str(bits), str(interval), share(one.success), best, _texts(one)[0], *tail])
    return markdown(heading, rows)


def seeds(found: Summary) -> str:
    """Three EM seeds, with and without hmm_guard."""
    heading = ("b", "guard", *(f"seed {seed}: success %, nat/token" for seed in SEEDS))
    rows: list[list[str]] = []
    for bits in FEW_WIDTHS:
        for guard in (False, True):
            ones = [found.get(Configuration(NORMQ, bits, guard=guard, source=f"seed-{seed}")) for seed in SEEDS]
            cells = [f"{share(one.success)}, {_likelihood(one)}" if one else NONE for one in ones]
            rows.append([str(bits), "yes" if guard else "no", *cells])
    return markdown(heading, rows)


def latencies(results: Results) -> str:
    """Shares of a step."""
    checks = sorted({row["check"] for row in results.checks if row["check"].startswith("latency-")}, key=_hidden)
    heading = ("H", "language model ms", "forward ms", "scores ms", "HMM share %", "one after the other ms")
    heading = (*heading, "scores beside the language model ms", "table, ms a length")
    rows: list[list[str]] = []
    for check in checks:
        ms = {row["name"]: 1000 * row["seconds"] for row in results.checks if row["check"] == check}
        scores, forward = ms["hmm denominators"] + ms["hmm numerators"], ms["hmm forward"]
        model = ms["language model"]
        part = 100 * (scores + forward) / (scores + forward + model)
        # scores depend on the prefix alone, only the forward step waits for the chosen token
        serial, beside = model + scores + forward, max(model, scores) + forward
        values = (model, forward, scores, part, serial, beside, ms["table, one length"])
        figures = [f"{value:.1f}" for value in values]
        rows.append([str(_hidden(check)), *figures])
    return markdown(heading, rows)


def all_tables(results: Results) -> dict[str, str]:
    """Return every table by the name of its place on the page."""
    found = summary_of(results)
    return {
        "references": references(found),
        "published": beside_published(found),
        "modes": modes(found),
        "leaks": leaks(found),
        "methods": methods(found),
        "pruning": pruning(found),
        "layerwise": layerwise(found),
        "aware": aware(found, results),
        "seeds": seeds(found),
        "golden": golden(found, results),
        "engine": engine(results),
        "latency": latencies(results),
    }


def _whole_row(found: Summary, one: Outcome, size: str) -> list[str]:
    texts = (
        [share(one.success), share(one.whole_words), p_value(one, found.base), *_texts(one)] if one.sets else [NONE] * 6
    )
    shares = [_figure(one, name, ".2f", 100) for name in ("impossible_share",)]
    kl = [_figure(one, "kl_nat", ".3f"), _figure(one, "kl_infinite_share", ".2f", 100)]
    size_cell = f"{one.bits_per_weight:.3g}" if one.bits_per_weight else NONE
    below = _figure(one, "below_share", ".1f", 100)
    return [one.configuration.method, size, *texts, _likelihood(one), *shares, *kl, below, size_cell]


def _order(method: str) -> tuple[bool, str]:
    return method != NORMQ, method


def _hidden(check: str) -> int:
    return int(check.removeprefix("latency-"))


def _cell(found: Summary, key: Configuration, text: Callable[[Outcome], str]) -> str:
    one = found.get(key)
    return text(one) if one else NONE


def _success(one: Outcome) -> str:
    return share(one.success)


def _kl(one: Outcome) -> str:
    return _figure(one, "kl_nat", ".3f")


def _likelihood(one: Outcome) -> str:
    return _figure(one, "log_likelihood_nat", ".3f")


def _texts(one: Outcome) -> list[str]:
    return [f"{value:.1f}" for value in one.scores.percent()] if one.sets else [NONE] * 3


def _figure(one: Outcome, name: str, form: str, factor: float = 1) -> str:
    value = one.hmm.get(name)
    return NONE if value is None else f"{factor * value:{form}}"
