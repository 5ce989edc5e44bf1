"""The study's tables on a few made-up rows, the figures that they draw, and the page beside the shipped results."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.analysis.study import published_tables, tables, trained_tables
from normq.analysis.study.cells import WHOLE, whole
from normq.analysis.study.corpus import TextScores
from normq.analysis.study.figures import draw_figures, training_curves
from normq.analysis.study.intervals import paired_bootstrap
from normq.analysis.study.latency_table import latencies
from normq.analysis.study.page import with_tables
from normq.analysis.study.results import Results
from normq.analysis.study.spec import Configuration
from normq.analysis.study.summary import differences, summary_of
from normq.model.decoding.engine import EosMode
from normq.model.errors import OptionError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "FINDINGS.md"
SETS = 4
# Wilson's intervals of 4 and 3 of 4
ALL, THREE, NO = "100.0 (51.0-100.0)", "75.0 (30.1-95.4)", "0.0 (0.0-49.0)"


def texts(one: Configuration, failures: int = 0, rouge: float = 0.5) -> list[dict[str, Any]]:
    """Sets of which the first fail with an empty text and two dead beams each, and the second lacks a whole word."""
    return [
        {
            "configuration": one.name,
            "set": number,
            "text": "",
            "dead": 2 * (number < failures),
            "tokens": 0 if number < failures else 5,
            "success": number >= failures,
            "whole_words": number >= failures and number != 1,
            "rouge": rouge,
            "cider": 1.5,
            "bleu": [4, 3, 2, 1, 5, 4, 3, 2, 5, 5],
        }
        for number in range(SETS)
    ]


def metrics(one: Configuration, nat: float = -5.0, kl: float = 0.25, impossible: float = 0.0) -> dict[str, Any]:
    return {
        "configuration": one.name,
        "log_likelihood_nat": nat,
        "impossible_share": impossible,
        "kl_nat": kl,
        "kl_infinite_share": 2 * impossible,
        "below_share": 0.5,
        # (256 * 256 + 256 * 4096 + 256) / 8 = 139296 bytes are one bit a weight
        "sparse_file_bytes": 139_296,
        "dense_file_bytes": 2 * 139_296,
    }


FLOAT = Configuration("float")
SEED = Configuration("float", source="seed-1")
AFTER, GUARDED = (Configuration("norm-q", 3, guard=guard, source="seed-1") for guard in (False, True))
AWARE = Configuration("norm-q-aware-em", 3, interval=5, source="seed-1")
WORSE = Configuration("norm-q-aware-em", 3, interval=20, source="seed-1")
VECTOR, OPERAND = (Configuration(f"layerwise-{scope}", 8) for scope in ("vector", "operand"))
PRUNED = Configuration("prune", share=0.995)
CTRLG = Configuration("norm-q", 3, eos=EosMode.CTRLG)
LEAK = Configuration("norm-q", 3, row_mass_leak=True)
KMEANS = Configuration("kmeans-log-normalized", 3)
# float's ROUGE-L is 50, BLEU-4 100 * (4/5 * 3/4 * 2/3 * 1/2) ** (1/4) = 66.9, CIDEr 15
TEXT = "50.0 | 66.9 | 15.0"


@pytest.fixture(scope="module")
def made_up() -> Results:
    curves = {"aware-3-5": (-6.0, -5.0), "aware-3-20": (-4.0, -5.5), "seed-1": (-5.5, -5.25)}
    checks = {
        64: {"language model": 0.003, "hmm forward": 0.001, "hmm denominators": 0.001, "hmm numerators": 0.001},
        256: {"language model": 0.005, "hmm forward": 0.002, "hmm denominators": 0.006, "hmm numerators": 0.002},
        1024: {"language model": 0.004, "hmm forward": 0.008, "hmm denominators": 0.006, "hmm numerators": 0.002},
    }
    plain = (FLOAT, SEED, AFTER, GUARDED, WORSE, VECTOR, CTRLG, LEAK, KMEANS)
    return Results(
        texts=[
            *(row for one in plain for row in texts(one)),
            *(row for one in (OPERAND, PRUNED) for row in texts(one, 1)),
            *texts(AWARE, rouge=0.75),
        ],
        hmm=[
            *(metrics(one) for one in (FLOAT, SEED, AFTER, GUARDED, AWARE, WORSE, CTRLG, LEAK, KMEANS)),
            *(metrics(one, impossible=0.25) for one in (VECTOR, OPERAND, PRUNED)),
        ],
        curves=[
            {"run": run, "chunk": chunk, "dev": dev} for run, devs in curves.items() for chunk, dev in enumerate(devs)
        ],
        checks=[
            {"check": f"latency-{hidden}", "name": name, "seconds": seconds}
            for hidden, parts in checks.items()
            for name, seconds in {**parts, "table, one length": 0.5}.items()
        ],
    )


def rows_of(table: str) -> list[str]:
    return [line.strip("| ") for line in table.splitlines()[2:]]


def test_a_whole_row_has_texts_and_likelihood(made_up: Results) -> None:
    found = summary_of(made_up)
    cells = dict(zip(WHOLE, whole(found.get(OPERAND), found.base), strict=True))
    # one set of four differs: p = 2 * (1/2) ** 1
    assert (cells["success %"], cells["p"], cells["dead beams"]) == (THREE, "1", "2")
    assert (cells["nat/token"], cells["impossible %"], cells["KL nat"]) == ("-5.000", "25.00", "0.250")
    assert (cells["KL infinite %"], cells["below 1e-5 %"], cells["bits/weight"]) == ("50.00", "50.0", "1")
    assert set(whole(None, found.base)) == {"-"}


def test_every_method_of_the_page_has_its_row(made_up: Results) -> None:
    found = summary_of(made_up)
    likelihood = "-5.000 | 0.00 | 0.250 | 0.00 | 50.0 | 1"
    row = f"{ALL} | {THREE} | 1 | {TEXT} | 0 | {likelihood}"
    assert rows_of(tables.references(found)) == [f"float HMM, eos = event | {row}"]
    assert rows_of(tables.methods(found)) == [f"kmeans-log-normalized | 3 | {row}"]
    assert rows_of(tables.options(found)) == [f"none | ctrlg | 3 | {row}", f"row_mass_leak | event | 3 | {row}"]
    assert rows_of(tables.modes(found))[1] == f"3 | - | {ALL} | - | - | {ALL} | - | - | -"
    same = "+0.0 (+0.0..+0.0)"
    assert rows_of(tables.minus_float(found)) == [
        f"kmeans-log-normalized | event | 3 | {same} | {same} | {same}",
        f"norm-q, row_mass_leak | event | 3 | {same} | {same} | {same}",
    ]


def test_impossible_positions_stand_beside_likelihood(made_up: Results) -> None:
    found = summary_of(made_up)
    likelihood = "-5.000 | 25.00 | 0.250 | 50.00 | 50.0 | 1"
    assert rows_of(published_tables.layerwise(found)) == [
        f"8 | a vector | 20.8 | 0 | {ALL} | {THREE} | 1 | {TEXT} | 0 | {likelihood}",
        f"8 | an operand | 20.8 | 1 | {THREE} | 50.0 (15.0-85.0) | 1 | {TEXT} | 2 | {likelihood}",
    ]
    assert rows_of(tables.pruning(found)) == [
        f"prune | 99.5 | {THREE} | 50.0 (15.0-85.0) | 1 | {TEXT} | 2 | {likelihood}"
    ]
    assert rows_of(published_tables.pruning_beside_published(found)) == [
        "85 | no loss | - | - | - | -",
        "86 | fails completely | 82.0 | - | - | -",
        f"99.5 | - | - | {THREE} | - | -",
    ]


def test_trained_models_have_their_rows(made_up: Results) -> None:
    found = summary_of(made_up)
    likelihood = "-5.000 | 0.00 | 0.250 | 0.00 | 50.0 | 1"
    row = f"{ALL} | {THREE} | 1 | {TEXT} | 0 | {likelihood}"
    assert rows_of(trained_tables.seeds(found)) == [
        f"float | no | 1 | {row}",
        f"3 | no | 1 | {row}",
        f"3 | yes | 1 | {row}",
    ]
    better = row.replace("50.0 | 66.9", "75.0 | 66.9")
    assert rows_of(trained_tables.aware(found, made_up)) == [
        f"3 | after training | {row} | - | -",
        f"3 | 5 | {better} | -5.000 | +25.0 (+25.0..+25.0)",
        f"3 | 20 | {row} | -5.500 | +0.0 (+0.0..+0.0)",
    ]
    # interval 5 ended better on samples, though 20 began better
    assert rows_of(trained_tables.aware_beside_published(found, made_up)) == [
        "3 | 5 | 96.8 | 93.1 | 100.0 | 100.0 | 35.3 | 34.5 | 50.0 | 75.0 | 30.6 | 30.7 | 66.9 | 66.9"
    ]


def test_one_language_model_stands_beside_every_size(made_up: Results) -> None:
    # its time is the median of 3, 5 and 4 ms; of the last 8 + 8 of 20 ms are the HMM's; 16 or max(4, 8) + 8 ms
    assert rows_of(latencies(made_up)) == [
        "64 | 4.0 | 1.0 | 2.0 | 42.9 | 7.0 | 5.0 | 500.0",
        "256 | 4.0 | 2.0 | 8.0 | 71.4 | 14.0 | 10.0 | 500.0",
        "1024 | 4.0 | 8.0 | 8.0 | 80.0 | 20.0 | 16.0 | 500.0",
    ]


def test_all_curves_are_drawn(made_up: Results, tmp_path: Path) -> None:
    axes = training_curves(made_up).axes
    assert [axis.get_title() for axis in axes] == [
        *(f"Norm-Q aware EM, {bits} bits" for bits in (2, 3, 4, 8)),
        "float EM",
    ]
    drawn = [{str(line.get_label()): list(np.asarray(line.get_ydata())) for line in axis.lines} for axis in axes]
    assert [len(lines) for lines in drawn] == [6, 6, 6, 6, 3]
    assert {label: dev for label, dev in drawn[1].items() if dev} == {"interval 5": [-6, -5], "interval 20": [-4, -5.5]}
    assert {label: dev for label, dev in drawn[4].items() if dev} == {"float, seed 1": [-5.5, -5.25]}
    assert all(file.stat().st_size > 10_000 for file in draw_figures(made_up, tmp_path))


def scored(rouge: list[float]) -> TextScores:
    count = len(rouge)
    return TextScores(np.array(rouge), np.array(rouge), np.tile(np.array([4, 3, 2, 1, 5, 4, 3, 2, 5, 5]), (count, 1)))


def test_the_bootstrap_draws_sets_alike_for_both() -> None:
    """Where every set differs by the same, every draw does, however much the sets differ among themselves."""
    base = [0.0, 0.25, 0.5, 0.75] * 5
    (rouge, bleu, cider) = paired_bootstrap(scored([value + 0.125 for value in base]), scored(base))
    assert rouge == pytest.approx((12.5, 12.5))
    assert cider == pytest.approx((1.25, 1.25))
    assert bleu == (0, 0)


def test_the_bootstrap_of_one_set_in_two_is_binomial() -> None:
    """Of two sets one is better by 1: a draw has it 0, 1 or 2 times in two, so that 95 % reach from 0 to 100 points."""
    assert paired_bootstrap(scored([1.0, 0.0]), scored([0.0, 0.0]))[0] == (0, 100)
    # of 100 sets half are better by 1: 50 +- 1.96 * sqrt(100 * 1/2 * 1/2) = 40.2..59.8 of 100 drawn
    low, high = paired_bootstrap(scored([1.0, 0.0] * 50), scored([0.0] * 100))[0]
    assert (low, high) == (pytest.approx(40.2, abs=1.5), pytest.approx(59.8, abs=1.5))


def test_differences_are_told_with_their_intervals(made_up: Results) -> None:
    found = summary_of(made_up)
    better, base = found.get(AWARE), found.get(AFTER)
    assert better is not None
    assert base is not None
    assert differences(better, base) == ["+25.0 (+25.0..+25.0)", "+0.0 (+0.0..+0.0)", "+0.0 (+0.0..+0.0)"]


def test_a_place_without_a_table_is_named() -> None:
    with pytest.raises(OptionError, match=r"^page: place 'b' is unknown, expected one of a$"):
        with_tables("<!-- table: b -->\n<!-- end -->", {"a": ""})


def test_the_page_is_drawn_from_the_shipped_results() -> None:
    drawn = tables.all_tables(Results.read())
    page = PAGE.read_text()
    assert [name for name in drawn if f"<!-- table: {name} -->" not in page] == []
    assert with_tables(page, drawn) == page, "normq quality --page docs/FINDINGS.md draws its tables anew"
