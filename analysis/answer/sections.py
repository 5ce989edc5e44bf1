"""The parts of the page, each from the table of the sweep."""

from collections.abc import Iterator

import pandas as pd

from ..cost.dram import dram_energy
from .card import CARD
from .designs import Row, at_beams, idle_leakage_uj, ranked, records
from .instead import HEAD as INSTEAD_HEAD
from .instead import instead_rows, shipped_baselines
from .latency import PUBLISHED, TokenLatency
from .measured import Measured
from .sensitivity import neighbors, variants
from .targets import Target
from .text import band, command, design, number, table

LANES_ALONE = "lanes alone"
"""What `fpga_kind` says where the engine's logic is missing (docs/COST.md)."""
PARTS = {
    "energy_background_uj": "its standby",
    "energy_refresh_uj": "its refresh",
    "energy_sram_uj": "memories on chip",
    "energy_arithmetic_uj": "arithmetic",
    "energy_control_uj": "the engine around the lanes",
    "energy_clock_uj": "clock",
    "energy_leakage_uj": "leakage",
}
"""What `energy_uj` is the sum of, beside DRAM's path."""
RUNNERS = 5
"""Designs that are shown behind the chosen one."""


def summary_row(points: pd.DataFrame, target: Target) -> list[str]:
    """Return the target's row of the first table, at its greatest number of beams."""
    best = records(ranked(points, target).iloc[:1])[0]
    spent = TokenLatency.of(best)
    return [
        f"[{target.title}](#{target.name})",
        design(best),
        str(target.main),
        number(spent.alone),
        number(spent.beside(target.lm_ms)),
        number(best["setup_us"] / 1000),
        _energy(best, target),
        _setup_energy(best, target),
        _size(best, target),
        number(best["bytes_total"] / 1000),
        number(best["bytes_setup"] / 1e6),
    ]


SUMMARY_HEAD = (
    "target",
    "configuration",
    "beams",
    "alone, ms",
    "beside the LM, ms",
    "set-up, ms",
    "energy, µJ (band)",
    "set-up energy, mJ",
    "size, mm² (band)",
    "traffic, kB",
    "set-up traffic, MB",
)


def section(points: pd.DataFrame, target: Target, measured: Measured) -> str:
    """Return all about one target."""
    best = ranked(points, target)
    chosen = records(best.iloc[:1])[0]
    parts = [
        f'## <a id="{target.name}"></a>{target.title}',
        f"**{design(chosen)}**; chosen among {len(best)} designs that satisfy:",
        "\n".join(f"- {rule}" for rule in target.rules),
        _by_beams(points, target, chosen, measured),
        _commands(points, target, chosen),
        _setup(chosen, target),
        _kinds(chosen, target),
        f"### Instead of it, {target.main} beams",
        table(INSTEAD_HEAD, instead_rows(shipped_baselines(), chosen, target)),
        "### Behind it",
        _runners(best, target),
        "### One thing changed",
        _neighbors(points, chosen, target),
        "### Other rules",
        _variants(points, target, chosen),
    ]
    return "\n\n".join(parts)


def _by_beams(points: pd.DataFrame, target: Target, chosen: Row, measured: Measured) -> str:
    head = (
        *("beams", "cycles", "scores, ms", "update, ms", "alone, ms"),
        *(f"beside {PUBLISHED.milliseconds:g} ms", f"serial, {PUBLISHED.milliseconds:g} ms", "beside, measured LM"),
        *(_energy_head(target), "device only, µJ", "traffic, kB", "of it weights, kB", "of it vectors, kB"),
    )
    rows: list[list[str]] = []
    for row in at_beams(points, chosen, target.beams):
        spent, lm = TokenLatency.of(row), measured.lm_step(int(row["beams"]))
        rows.append(
            [
                str(row["beams"]),
                f"{int(row['cycles']):,}",
                *(number(value) for value in (spent.scores, spent.update, spent.alone)),
                f"{spent.beside(PUBLISHED.milliseconds):.2f}",
                f"{spent.serial(PUBLISHED.milliseconds):.2f}",
                "-" if lm is None else f"{spent.beside(lm.milliseconds):.2f} (LM {lm.milliseconds:.1f})",
                _energy(row, target),
                "-" if target.is_fpga else number(row["energy_device_uj"]),
                number(row["bytes_total"] / 1000),
                number(row["bytes_weights"] / 1000),
                number(row["bytes_vectors"] / 1000),
            ]
        )
    return table(head, rows)


def _commands(points: pd.DataFrame, target: Target, chosen: Row) -> str:
    lines = [command(row) for row in at_beams(points, chosen, target.beams)]
    return "\n".join(f"    {line}" for line in lines)


def _setup(chosen: Row, target: Target) -> str:
    """Return what a constraint costs once, whatever the beams."""
    whose = "DRAM's energy" if target.is_fpga else "energy"
    return (
        f"Set-up of a constraint, once: {chosen['automaton_states']:.0f} states, {chosen['automaton_edges']:.0f} "
        f"edges; {number(chosen['cycles_setup'] / 1e6)} million cycles, {number(chosen['setup_us'] / 1000)} ms, "
        f"{number(chosen['bytes_setup'] / 1e6)} MB on the port, {whose} {_setup_energy(chosen, target)} mJ: as much "
        f"as {_tokens_of_setup(chosen, target)} tokens at {target.main} beams. Its backward table takes "
        f"{chosen['table_bytes'] / 1e6:.2f} MB in the memory, {chosen['table_step_bytes'] / 1000:.0f} kB a length. The "
        f"packed matrices take {chosen['model_bytes'] / 1000:,.0f} kB."
    )


def _tokens_of_setup(row: Row, target: Target) -> str:
    own, setup = ("energy_memory_uj", "energy_setup_memory_uj") if target.is_fpga else ("energy_uj", "energy_setup_uj")
    return number(row[setup] / row[own])


def _kinds(chosen: Row, target: Target) -> str:
    if target.is_fpga:
        return _card(chosen) if target.has_counts else _uncounted(chosen)
    return "\n\n".join([_areas(chosen, target), _parts(chosen, target), _idle(chosen, target)])


def _areas(chosen: Row, target: Target) -> str:
    return (
        f"Area {_size(chosen, target)} mm² at {chosen['node']}: logic {chosen['area_logic_um2'] / 1e6:.2f} mm² "
        f"({chosen['area_kind']}), memories {chosen['area_memory_um2'] / 1e6:.2f} mm² (CACTI's table, estimated). "
        f"Greatest clock {chosen['fmax_mhz']:.0f} MHz ({chosen['fmax_kind']}, before placement). "
        f"Leakage {number(chosen['leakage_mw'])} mW."
    )


def _parts(chosen: Row, target: Target) -> str:
    named = ", ".join(f"{name} {number(chosen[column])}" for column, name in PARTS.items())
    return (
        f"Of the energy at {target.main} beams DRAM's path takes {number(chosen['energy_dram_uj'])} µJ "
        f"({_dram_band(chosen)} over its own band), {named}."
    )


def _idle(chosen: Row, target: Target) -> str:
    spent = TokenLatency.of(chosen)
    whole = spent.beside(target.lm_ms)
    dram = (chosen["energy_background_uj"] + chosen["energy_refresh_uj"]) * whole / spent.alone
    return (
        f"All that is of the {number(spent.alone)} ms in which the engine works. Where it is not switched off while it "
        f"waits, {number(idle_leakage_uj(chosen, target.lm_ms))} µJ more leak in the {whole:.2f} ms of a token beside "
        f"the model; standby and refresh of a DRAM that nobody else uses are {number(dram)} µJ in them."
    )


def _dram_band(chosen: Row) -> str:
    """Return DRAM's path at the ends of its own band, everything else as it is."""
    path = dram_energy(chosen["memory"]).path_pj_per_bit
    ends = (chosen["energy_dram_uj"] * end / path.typical for end in (path.low, path.high))
    return "..".join(number(end) for end in ends)


def _card(chosen: Row) -> str:
    is_part = LANES_ALONE in chosen["fpga_kind"]
    missing = "; no row of the engine around the lanes tells its logic, which is missing" if is_part else ""
    return (
        f"Counts ({chosen['fpga_kind']}{missing}): {number(chosen['fpga_luts'])} LUTs, "
        f"{number(chosen['fpga_flip_flops'])} flip-flops, {number(chosen['fpga_dsps'])} DSP slices, "
        f"{number(chosen['fpga_block_rams'])} block RAMs of 36 kbit, {number(chosen['fpga_ultra_rams'])} "
        f"UltraRAMs; the fullest of them is {chosen['card_share']:.1%} full. Energy of the logic is not known for "
        "this family; only the DRAM's is stated."
    )


def _uncounted(chosen: Row) -> str:
    gates, bits = number(chosen["gate_equivalents"] / 1000), number(chosen["bits_on_chip"] / 1e6)
    return (
        f"Its logic is {gates} thousand gate equivalents ({chosen['area_kind']}) and its memories hold {bits} Mbit; "
        f"the card has {CARD.memory_bits / 1e6:.0f} Mbit of block RAM and UltraRAM. How many LUTs and DSP slices that "
        "takes is not known here. Energy of the logic is not known for this family; only the DRAM's is stated."
    )


def _runners(best: pd.DataFrame, target: Target) -> str:
    shown = best.iloc[: RUNNERS + 1]
    least = best["objective"].min()
    rows = [
        [
            design(row),
            number(row["latency_us"] / 1000),
            _energy(row, target),
            _size(row, target),
            f"{row['objective'] / least:.2f}",
        ]
        for row in records(shown)
    ]
    head = ("configuration", f"alone, ms, {target.main} beams", _energy_head(target), _size_head(target))
    return table((*head, f"{target.least} over the least"), rows)


def _neighbors(points: pd.DataFrame, chosen: Row, target: Target) -> str:
    rows = [["(as chosen)", *_figures(chosen, target)]]
    rows += [[change, *_figures(row, target)] for change, row in neighbors(points, chosen)]
    head = ("change", f"alone, ms, {target.main} beams", "set-up, ms", _energy_head(target), _size_head(target))
    return table((*head, "traffic, kB"), rows)


def _figures(row: Row, target: Target) -> list[str]:
    return [
        number(row["latency_us"] / 1000),
        number(row["setup_us"] / 1000),
        _energy(row, target),
        _size(row, target),
        number(row["bytes_total"] / 1000),
    ]


def _variants(points: pd.DataFrame, target: Target, chosen: Row) -> str:
    rows: list[list[str]] = []
    for variant in variants(points, target):
        if variant.chosen is None:
            rows.append([variant.change, "none satisfies the rules", "-", "-", "-", "0"])
            continue
        name = design(variant.chosen)
        own = "the same" if name == design(chosen) and variant.chosen["node"] == chosen["node"] else name
        spent = number(variant.chosen["latency_us"] / 1000)
        figures = [spent, _energy(variant.chosen, target), _size(variant.chosen, target)]
        rows.append([variant.change, own, *figures, str(variant.designs)])
    head = ("rule", "choice", f"alone, ms, {target.main} beams", _energy_head(target), _size_head(target), "designs")
    return table(head, rows)


def _energy_head(target: Target) -> str:
    return "DRAM's energy, µJ" if target.is_fpga else "energy, µJ (band)"


def _energy(row: Row, target: Target) -> str:
    if target.is_fpga:
        return number(row["energy_memory_uj"])
    return band(row, "energy_low_uj", "energy_uj", "energy_high_uj")


def _setup_energy(row: Row, target: Target) -> str:
    """Return millijoules of a constraint's table: of an FPGA the DRAM's."""
    if target.is_fpga:
        return number(row["energy_setup_memory_uj"] / 1000)
    names = ("energy_setup_uj", "energy_setup_low_uj", "energy_setup_high_uj")
    typical, low, high = (number(row[name] / 1000) for name in names)
    return f"{typical} ({low}..{high})"


def _size_head(target: Target) -> str:
    if target.has_counts:
        return "LUTs; DSPs; RAMs 36 k; UltraRAMs"
    return "k gate equivalents; Mbit on chip" if target.is_fpga else "area, mm² (band)"


def _size(row: Row, target: Target) -> str:
    if not target.is_fpga:
        return band(row, "area_low_mm2", "area_mm2", "area_high_mm2")
    if not target.has_counts:
        return f"{number(row['gate_equivalents'] / 1000)} k; {number(row['bits_on_chip'] / 1e6)} Mbit"
    names = ("fpga_luts", "fpga_dsps", "fpga_block_rams", "fpga_ultra_rams")
    return "; ".join(number(row.get(name)) for name in names)


def quality_rows(points: pd.DataFrame, measured: Measured) -> Iterator[list[str]]:
    """Yield a row of quality for each index width in the sweep."""
    known = points[points["quality_kl"].notna()].drop_duplicates("bits").sort_values("bits")
    for row in records(known):
        bits = int(row["bits"])
        yield [
            str(bits),
            f"{row['published_success']:.1%}",
            number(row["published_rouge_l"]),
            f"{row['quality_success']:.0%}",
            number(row["quality_rouge_l"]),
            f"{row['quality_nat_per_token']:.2f}",
            f"{row['quality_kl']:.2f}",
            f"{measured.synthetic_kl_nat[str(bits)]:.2f}" if str(bits) in measured.synthetic_kl_nat else "-",
        ]
