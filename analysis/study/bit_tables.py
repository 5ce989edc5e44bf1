"""Tables of the bit-accurate datapath: golden's texts beside those of float64, and what the engine did in RTL."""

from collections.abc import Iterable

from ...sim.decoding import SETUP, STEP
from .markdown import NONE, markdown
from .results import Results, Rows
from .spec import (
    DEFAULT,
    WIDTHS,
    Configuration,
    golden_check,
    golden_configurations,
    rtl_check,
    rtl_configurations,
)
from .summary import Summary

Family = tuple[str, str, str, str]
FAMILY = ("method", "HMM", "option", "eos")


def golden(found: Summary, results: Results) -> str:
    """Sets whose text is that of float64 of the same levels, of all that golden decoded, by width."""
    rows: list[list[str]] = []
    checks = _by_check(results)
    for family, ones in _families(golden_configurations()).items():
        cells = [_same(found, ones.get(bits), checks) for bits in WIDTHS]
        if set(cells) != {NONE}:
            rows.append([*family, *cells])
    return markdown((*FAMILY, *(f"b = {bits}" for bits in WIDTHS)), rows)


def engine(results: Results) -> str:
    """Sets whose text in RTL is golden's, of all decoded; thousands of cycles of the tables and of all token steps."""
    rows: list[list[str]] = []
    checks = _by_check(results)
    for family, ones in _families(rtl_configurations()).items():
        cells = [_engine_cell(ones.get(bits), checks) for bits in WIDTHS]
        if set(cells) != {NONE}:
            rows.append([*family, *cells])
    return markdown((*FAMILY, *(f"b = {bits}" for bits in WIDTHS)), rows)


def _families(configurations: Iterable[Configuration]) -> dict[Family, dict[int, Configuration]]:
    """Return configurations that differ in width only, by what they share."""
    found: dict[Family, dict[int, Configuration]] = {}
    for one in configurations:
        options = {"hmm_guard": one.guard, "row_mass_leak": one.row_mass_leak, f"interval {one.interval}": one.interval}
        given = ", ".join(name for name, value in options.items() if value)
        family = (one.method, "embedded" if one.source == DEFAULT else one.source, given, one.eos.value)
        found.setdefault(family, {})[one.bits or 0] = one
    return found


def _by_check(results: Results) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in results.checks:
        found.setdefault(row["check"], []).append(row)
    return found


def _same(found: Summary, one: Configuration | None, checks: dict[str, Rows]) -> str:
    outcome, texts = (None, []) if one is None else (found.get(one), checks.get(golden_check(one), []))
    if outcome is None or not outcome.sets or not texts:
        return NONE
    same = sum(outcome.rows[int(row["name"])]["text"] == row["text"] for row in texts)
    return f"{same} of {len(texts)}"


def _engine_cell(one: Configuration | None, checks: dict[str, Rows]) -> str:
    rows = [] if one is None else checks.get(rtl_check(one), [])
    if one is None or not rows:
        return NONE
    cycles = {row["name"]: row["cycles"] for row in rows if row.get("cycles") is not None}
    texts = {row["name"]: row["text"] for row in rows if row.get("cycles") is None}
    wanted = {row["name"]: row["text"] for row in checks.get(golden_check(one), [])}
    same = sum(wanted.get(name) == text for name, text in texts.items())
    setup, step = (cycles[f"{part} cycles"] / 1000 for part in (SETUP, STEP))
    return f"{same} of {len(texts)}, {setup:,.0f} + {step:,.0f}"
