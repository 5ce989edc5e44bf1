"""The tables of docs/FINDINGS.md, as Markdown, from the results alone."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ...model.decoding.engine import EosMode
from ...model.quantize.kmeans import KMEANS_NAMES
from . import cells
from .bit_tables import engine, golden
from .latency_table import latencies
from .markdown import markdown
from .published_tables import beside_published, layerwise, pruning_beside_published
from .results import Results
from .spec import DEFAULT, FLOAT_METHOD, LANGUAGE_MODEL, WIDTHS, Configuration
from .summary import Summary, differences, summary_of
from .trained_tables import aware, aware_beside_published, seeds

NORMQ = "norm-q"
EVENT, CTRLG = EosMode.EVENT, EosMode.CTRLG
OPTIONS = {
    "": {},
    "guard": {"guard": True},
    "row_mass_leak": {"row_mass_leak": True},
    "both": {"guard": True, "row_mass_leak": True},
}


def references(found: Summary) -> str:
    """The language model alone and the float HMM."""
    wanted = {
        "language model alone": Configuration(FLOAT_METHOD, source=LANGUAGE_MODEL),
        "float HMM, eos = event": Configuration(FLOAT_METHOD),
        "float HMM, eos = ctrlg": Configuration(FLOAT_METHOD, eos=CTRLG),
    }
    rows = [[name, *cells.whole(one, found.base)] for name, key in wanted.items() if (one := found.get(key))]
    return markdown(("guidance", *cells.WHOLE), rows)


def modes(found: Summary) -> str:
    """Success of Norm-Q by bits: both eos modes, hmm_guard, row_mass_leak."""
    columns = {
        f"{eos.value}, {option}" if option else eos.value: {**fields, "eos": eos}
        for option, fields in OPTIONS.items()
        for eos in (EVENT, CTRLG)
    }
    rows = [
        [
            str(bits),
            *(cells.success(found.get(replace(Configuration(NORMQ, bits), **change))) for change in columns.values()),
        ]
        for bits in WIDTHS
    ]
    return markdown(("b", *columns), rows)


def options(found: Summary) -> str:
    """Norm-Q with each option in each eos mode; without any and with the event it is in the table of all methods."""
    rows: list[list[str]] = []
    for option, fields in OPTIONS.items():
        for eos in (EVENT, CTRLG):
            for bits in WIDTHS:
                one = found.get(replace(Configuration(NORMQ, bits, eos=eos), **fields))
                if one and (option or eos is CTRLG):
                    rows.append([option or "none", eos.value, str(bits), *cells.whole(one, found.base)])
    return markdown(("option", "eos", "b", *cells.WHOLE), rows)


def minus_float(found: Summary) -> str:
    """Text scores minus float's with paired intervals: K-means, and Norm-Q with row_mass_leak."""
    leak = OPTIONS["row_mass_leak"]
    wanted = [
        *((name, Configuration(name, bits)) for name in KMEANS_NAMES for bits in WIDTHS),
        *(
            (f"{NORMQ}, row_mass_leak", replace(Configuration(NORMQ, bits, eos=eos), **leak))
            for eos in (EVENT, CTRLG)
            for bits in WIDTHS
        ),
    ]
    return markdown(("method", "eos", "b", *cells.TEXT_SCORES), list(_minus_float(found, wanted)))


def _minus_float(found: Summary, wanted: Iterable[tuple[str, Configuration]]) -> Iterable[list[str]]:
    for name, key in wanted:
        one = found.get(key)
        if one and one.sets:
            yield [name, key.eos.value, str(key.bits), *differences(one, found.base)]


def methods(found: Summary) -> str:
    """Every method at every width, eos = event."""
    chosen = [
        one
        for one in found
        if one.configuration.bits is not None
        and one.configuration.source == DEFAULT
        and one.configuration.eos is EVENT
        and not one.configuration.guard
        and not one.configuration.row_mass_leak
        and not one.configuration.method.startswith("layerwise")
    ]
    chosen.sort(key=lambda one: (_order(one.configuration.method), one.configuration.bits))
    rows = [[one.configuration.method, str(one.configuration.bits), *cells.whole(one, found.base)] for one in chosen]
    return markdown(("method", "b", *cells.WHOLE), rows)


def pruning(found: Summary) -> str:
    """Magnitude pruning."""
    rows = [
        [one.configuration.method, f"{100 * one.configuration.share:g}", *cells.whole(one, found.base)]
        for one in found
        if one.configuration.share is not None
    ]
    return markdown(("method", "pruned %", *cells.WHOLE), rows)


TABLES: dict[str, Callable[[Summary, Results], str]] = {
    "references": lambda found, _: references(found),
    "published": lambda found, _: beside_published(found),
    "modes": lambda found, _: modes(found),
    "options": lambda found, _: options(found),
    "methods": lambda found, _: methods(found),
    "minus-float": lambda found, _: minus_float(found),
    "pruning": lambda found, _: pruning(found),
    "pruning-published": lambda found, _: pruning_beside_published(found),
    "layerwise": lambda found, _: layerwise(found),
    "aware": aware,
    "aware-published": aware_beside_published,
    "seeds": lambda found, _: seeds(found),
    "golden": golden,
    "engine": lambda _, results: engine(results),
    "latency": lambda _, results: latencies(results),
}
"""By the name of its place on the page."""


def all_tables(results: Results) -> dict[str, str]:
    """Return every table by the name of its place on the page."""
    found = summary_of(results)
    return {name: table(found, results) for name, table in TABLES.items()}


def _order(method: str) -> tuple[bool, str]:
    return method != NORMQ, method
