"""The main job: what is finished stays finished, the table shows it all, a row is what the whole line gives."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from normq.analysis.job.compute import plan_of
from normq.analysis.job.row import Row
from normq.analysis.job.run import run_rows
from normq.analysis.job.spec import RowSpec, Source, main_rows
from normq.analysis.job.store import SOURCES, RowStore, content_digest
from normq.analysis.job.table import csv_table, text_table
from normq.analysis.quality import mean_kl, quality, sample
from normq.analysis.stimuli import states
from normq.model.cache import PACKAGE
from normq.model.config import Layout
from normq.model.golden.operations import GoldenModel
from normq.model.packing.model import pack_model
from normq.model.quantize.normq import quantize
from normq.model.reference import ReferenceModel
from normq.model.synthetic import synthetic_hmm
from normq.tests.analysis.rows import row, specs


def silent(spec: RowSpec, done: Row) -> None:
    pass


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


def test_interrupted_job_goes_on_without_computing_again(tmp_path: Path) -> None:
    computed: list[RowSpec] = []

    def compute_three(spec: RowSpec) -> Row:
        if len(computed) == 3:
            raise Interrupted
        computed.append(spec)
        return row(spec)

    def compute_rest(spec: RowSpec) -> Row:
        computed.append(spec)
        return row(spec)

    path = tmp_path / "rows.jsonl"
    with pytest.raises(Interrupted):
        run_rows(specs(), compute_three, RowStore(path, "now", Row.of), ThreadPoolExecutor(1), silent)
    with path.open("a") as file:
        file.write('{"digest": "now", "spec"')  # a line that a killed process did not finish
    rows = run_rows(specs(), compute_rest, RowStore(path, "now", Row.of), ThreadPoolExecutor(1), silent)
    assert rows == [row(spec) for spec in specs()]
    assert len(computed) == len(set(computed)) == len(specs())
    again = run_rows(specs(), compute_three, RowStore(path, "now", Row.of), ThreadPoolExecutor(1), silent)
    assert again == rows


def test_rows_of_other_sources_are_computed_anew(tmp_path: Path) -> None:
    spec = specs()[0]
    RowStore(tmp_path / "rows", "then", Row.of).put(spec, row(spec))
    assert RowStore(tmp_path / "rows", "now", Row.of).get(spec) is None
    assert RowStore(tmp_path / "rows", "then", Row.of).get(spec) == row(spec)


def test_digest_follows_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    before = content_digest(["*.py"], tmp_path)
    (tmp_path / "b.txt").write_text("2")
    assert content_digest(["*.py"], tmp_path) == before
    (tmp_path / "a.py").write_text("2")
    assert content_digest(["*.py"], tmp_path) != before
    assert [pattern for pattern in SOURCES if not list(PACKAGE.glob(pattern))] == []


def test_table_has_a_line_for_every_row() -> None:
    rows = [row(spec) for spec in specs()]
    rows[1] = row(specs()[1], difference="code of vector 3")
    lines = [line.split() for line in text_table(rows).splitlines()]
    body = [line for line in lines if line[:1] in (["real"], ["synthetic"]) and line[-1:] != ["model;"]]
    body = [line for line in body if len(line) == 27]
    assert [line[:5] for line in body] == [
        [spec.source.value, str(spec.hidden), "64", str(spec.bits), spec.layout.value] for spec in specs()
    ]
    assert [line[10] for line in body] == ["yes", "NO", *["yes"] * (len(rows) - 2)]
    figures = ["0.75", "123.5", "2.5e-08", "1.5e-03", "1.250", "yes"]
    operation = ["150", "1.50", "480", "1.50"]
    assert body[0][5:] == [*figures, *operation * 3, "3.0", "4.5", "0.8", "12.2"]


def test_csv_holds_every_figure() -> None:
    rows = [row(spec) for spec in specs()]
    read = list(csv.DictReader(io.StringIO(csv_table(rows))))
    assert len(read) == len(rows)
    assert read[0]["source"] == "real"
    assert float(read[0]["scores.over_roofline"]) == 1.5
    assert float(read[0]["forward.over_terms"]) == 1.5
    assert read[0]["backward.write.headers_bytes"] == "64.0"
    assert read[0]["forward.roofline_limit"] == "entries"


def test_main_rows_are_those_of_the_contract() -> None:
    rows = main_rows()
    assert {(spec.hidden, spec.bits, spec.layout) for spec in rows} == {
        (hidden, bits, layout) for hidden in (64, 256, 1024) for bits in range(2, 9) for layout in Layout
    }
    assert len(rows) == len(set(rows)) == 42
    assert {spec.hidden: spec.source for spec in rows} == {
        64: Source.REAL,
        256: Source.REAL,
        1024: Source.SYNTHETIC,
    }


def test_kl_against_the_formula() -> None:
    p = np.array([[0.5, 0.25, 0.25, 0.0], [0.1, 0.2, 0.3, 0.4]])
    q = np.array([[0.25, 0.25, 0.4, 0.1], [0.4, 0.3, 0.2, 0.1]])
    by_hand = [
        0.5 * np.log(2) + 0.25 * np.log(0.25 / 0.4),
        sum(a * np.log(a / b) for a, b in zip(p[1], q[1], strict=True)),
    ]
    assert mean_kl(p, q) == pytest.approx(np.mean(by_hand), rel=1e-12)
    assert mean_kl(p, p) == 0


def test_kl_keeps_digits_of_near_distributions() -> None:
    """The divergence of a relative change d is d**2 / 2: far below what a sum of p log(p / q) resolves."""
    p = np.full((1, 4), 0.25)
    q = p * (1 + 1e-9 * np.array([1, -1, 1, -1]))
    assert mean_kl(p, q) == pytest.approx(0.5e-18, rel=1e-6)


def test_sampled_tokens_repeat_and_never_end() -> None:
    hmm = synthetic_hmm(24, 60)
    tokens = sample(hmm, 8, 40, seed=3)
    assert tokens.shape == (8, 40)
    assert not (tokens == hmm.eos_token_id).any()
    np.testing.assert_array_equal(tokens, sample(hmm, 8, 40, seed=3))
    assert (tokens != sample(hmm, 8, 40, seed=4)).any()


@pytest.mark.parametrize("layout", Layout)
def test_plan_measures_one_n_and_two_n_groups(layout: Layout) -> None:
    hmm = synthetic_hmm(32, 80)
    golden = GoldenModel(pack_model(quantize(hmm, 4), layout, {}))
    tokens = sample(hmm, 4, 32, seed=1)
    plan = plan_of(golden, states(golden, tokens), tokens)
    counts = [(step.operation.value, step.groups, step.trial.vectors.batch) for step in plan]
    assert counts == [(name, n, 16 * n) for name in ("forward", "backward", "scores") for n in (1, 4, 8)]
    np.testing.assert_array_equal(plan[2].trial.tokens, tokens.reshape(-1))
    # the vector of each trial is the state before its token
    sequence = golden.initial()
    for token in tokens[0, :3]:
        sequence = golden.forward(sequence, [token])
    np.testing.assert_array_equal(plan[2].trial.vectors.codes[3], sequence.codes[0])


def test_quality_of_the_datapath_is_within_its_bounds() -> None:
    """Against the same quantized model; and 0 from the original where nothing was lost."""
    hmm = synthetic_hmm(32, 80)
    quantized = quantize(hmm, 8)
    golden = GoldenModel(pack_model(quantized, Layout.SPARSE, {}))
    tokens = sample(hmm, 2, 32, seed=1)
    exact = ReferenceModel.of_quantized(quantized)
    found = quality(golden, states(golden, tokens), tokens, exact, exact)
    assert 0 < found.kl_arithmetic_nat == found.kl_quantization_nat < 1e-6
    assert 1e-5 < found.worst_relative_error < 2e-2
    lossy = quality(golden, states(golden, tokens), tokens, exact, ReferenceModel.of(hmm))
    assert lossy.kl_quantization_nat > 100 * found.kl_arithmetic_nat
