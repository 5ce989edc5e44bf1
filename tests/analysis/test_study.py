"""The quality study on toys: guidance against enumeration, the search, intervals, the store, what is drawn."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sacrebleu.metrics.bleu import BLEU

from normq.analysis.study import bit_tables
from normq.analysis.study.collect import collect
from normq.analysis.study.compute import packed_bytes
from normq.analysis.study.concepts import ConceptSet, draw_sets, has_all, has_all_words, inflections, read_sets
from normq.analysis.study.corpus import bleu
from normq.analysis.study.draw import draw
from normq.analysis.study.intervals import mcnemar, wilson
from normq.analysis.study.kept import keep
from normq.analysis.study.levels import levels_of
from normq.analysis.study.likelihood import hmm_metrics, next_tokens
from normq.analysis.study.pool import Tasks, run_tasks
from normq.analysis.study.results import Results
from normq.analysis.study.run import CHECK, CURVE, METRICS, TEXTS, Work, models_to_train_again, work_of
from normq.analysis.study.scores import text_scores
from normq.analysis.study.spec import (
    CHUNK,
    Configuration,
    configurations,
    golden_check,
    golden_configurations,
    rtl_check,
    rtl_configurations,
    trained_configurations,
)
from normq.analysis.study.store import WorkStore
from normq.analysis.study.summary import summary_of
from normq.model.artifact import write_artifact
from normq.model.config import Layout
from normq.model.decoding.float_engine import Guide
from normq.model.errors import OptionError
from normq.model.hmm import HMM
from normq.model.packing.model import pack_model
from normq.model.quantize.methods import METHODS
from normq.model.quantize.normq import quantize
from normq.model.quantize.tensor import QuantizedHMM
from normq.model.reference import MISSING, ReferenceModel
from normq.model.weights import FloatWeights

VOCAB, EOS = 6, 0


def toy(hidden: int = 3, seed: int = 0) -> HMM:
    rng = np.random.default_rng(seed)
    alpha, beta = rng.dirichlet(np.ones(hidden), hidden), rng.dirichlet(np.ones(VOCAB), hidden)
    gamma = rng.dirichlet(np.ones(hidden))
    return HMM(alpha.astype(np.float32), beta.astype(np.float32), gamma.astype(np.float32), EOS)


def test_next_tokens_are_those_of_the_reference() -> None:
    hmm = toy()
    tokens = torch.tensor([[1, 2, 0], [3, 0, MISSING]])
    original = next_tokens(Guide.of(FloatWeights.from_hmm(hmm)), tokens)
    found = hmm_metrics(Guide.of(FloatWeights.from_hmm(hmm)), FloatWeights.from_hmm(hmm), original, tokens)
    wanted = float(ReferenceModel.of(hmm).log_likelihood(tokens).sum()) / 5
    assert found.log_likelihood_nat == pytest.approx(wanted, rel=1e-6)
    assert (found.impossible_share, found.kl_nat, found.kl_infinite_share, found.below_share) == (0, 0, 0, 0)


def test_impossible_tokens_are_counted_apart() -> None:
    hmm = toy()
    weights = FloatWeights.from_hmm(hmm)
    beta = weights.beta.copy()
    beta[:, 2] = 0
    poorer = FloatWeights(weights.alpha, beta, weights.gamma, EOS)
    tokens = torch.tensor([[1, 2, 3, 0], [3, 0, MISSING, MISSING]])
    found = hmm_metrics(Guide.of(poorer), poorer, next_tokens(Guide.of(weights), tokens), tokens)
    # of the first sentence only its first token; after the 2 nothing is possible
    assert found.impossible_share == pytest.approx(3 / 6)
    assert found.kl_infinite_share == 1
    assert found.below_share == pytest.approx(3 / (9 + 3 * VOCAB))


def test_intervals_are_those_of_the_books() -> None:
    assert [round(100 * bound, 1) for bound in wilson(200, 200)] == [98.1, 100.0]
    assert [round(100 * bound, 1) for bound in wilson(190, 200)] == [91.0, 97.3]
    first, second = np.array([1, 1, 1, 1, 1, 0, 1], bool), np.array([0, 0, 0, 0, 0, 1, 1], bool)
    # 5 against 1: (1 + 6) / 64 on each side
    assert mcnemar(first, second) == pytest.approx(2 * 7 / 64)
    assert mcnemar(first, first) == 1


def test_bleu_of_sums_is_that_of_the_library() -> None:
    texts = ["the dog ran over the green field.", "a cat sat on the old red mat today."]
    references = ["the dog ran over a green field.", "the cat sat on the old red mat."]
    scores = text_scores(texts, references)
    spaced = [[text[:-1] + " ." for text in part] for part in (texts, references)]
    assert scores.percent()[1] == pytest.approx(BLEU(tokenize="none").corpus_score(spaced[0], [spaced[1]]).score)
    assert bleu(np.zeros(10, np.int64)) == 0
    same = text_scores(references, references)
    assert same.percent() == pytest.approx((100, 100, 100))


def test_concepts_are_content_words_of_unseen_sentences() -> None:
    train = ["dogs run in the field.", "the dog ran.", "the fields are green."] * 5
    held_out = ["the dog is running over the green field.", "it is.", "a xyz dog."]
    (drawn,) = draw_sets(train, held_out, 1, 0)
    assert drawn.reference == held_out[0]
    assert set(drawn.lemmas) <= {"dog", "run", "green", "field"}
    assert inflections("run") == ("run", "ran", "running", "runs")
    with pytest.raises(OptionError, match=r"^concept sets: 1 found in 3 sentences, expected 2$"):
        draw_sets(train, held_out, 2, 0)


def test_success_is_a_substring_and_whole_words_are_stricter() -> None:
    concepts = (("dog", "dogs"), ("run", "ran"))
    assert has_all("a dogged runner.", concepts)
    assert not has_all_words("a dogged runner.", concepts)
    assert has_all_words("dogs ran.", concepts)
    assert not has_all("a dog.", concepts)


def test_the_shipped_sets_are_distinct_and_found_in_their_references() -> None:
    sets = read_sets()
    assert len(sets) == len({one.reference for one in sets}) == 200
    assert all(3 <= len(one.concepts) <= 5 for one in sets)
    assert isinstance(sets[0], ConceptSet)
    assert all(has_all(one.reference, one.concepts) for one in sets)


def test_every_configuration_has_its_own_name() -> None:
    everything = [*configurations(), *trained_configurations()]
    assert len({one.name for one in everything}) == len(everything)
    work = list(work_of(everything[:1]))
    assert [(one.kind, one.key) for one in work[:2]] == [
        (METRICS, "method=float eos=event source=default"),
        (TEXTS, "method=float eos=event source=default | 0"),
    ]


def test_a_store_keeps_what_is_whole(tmp_path: Path) -> None:
    store = WorkStore(tmp_path / "study.sqlite")
    store.put(METRICS, "a", {"kl_nat": float("inf")})
    # a process that is killed closes nothing
    again = WorkStore(tmp_path / "study.sqlite")
    assert again.all(METRICS) == {"a": {"kl_nat": float("inf")}}
    assert again.keys(TEXTS) == set()
    again.close()
    store.close()


def filled(folder: Path) -> None:
    """A study of two configurations whose texts are the references, and one that lacks a piece."""
    sets = read_sets()
    store = WorkStore(folder / "study.sqlite")
    ones = (Configuration("float"), Configuration("norm-q", 3), Configuration("norm-q", 4))
    for one in ones:
        store.put(METRICS, one.name, {"kl_nat": 0.5, "kl_infinite_share": 0.0, "log_likelihood_nat": -5.0})
        for chunk in range(8 if one.bits != 4 else 7):
            rows: list[dict[str, Any]] = [
                {"set": n, "text": sets[n].reference, "lm_mean": -1.0, "dead": 0, "tokens": 5}
                for n in range(chunk * CHUNK, (chunk + 1) * CHUNK)
            ]
            store.put(TEXTS, Work(TEXTS, one, chunk).key, rows)
    store.close()


def test_results_are_collected_written_and_drawn(tmp_path: Path) -> None:
    filled(tmp_path)
    results = collect(tmp_path)
    assert {row["configuration"] for row in results.texts} == {
        "method=float eos=event source=default",
        "method=norm-q bits=3 eos=event source=default",
    }
    results.write(tmp_path / "results")
    page = tmp_path / "PAGE.md"
    page.write_text("before\n<!-- table: references -->\nold\n<!-- end -->\nafter\n")
    lines = list(draw(tmp_path / "results", tmp_path, page))
    assert "| float HMM, eos = event | 100.0 (98.1-100.0) |" in page.read_text()
    assert "old" not in page.read_text()
    assert re.search(r"^written: .*tables\.md, methods\.png, training\.png$", lines[-1])
    assert (tmp_path / "methods.png").stat().st_size > 10_000


def checked(folder: Path) -> Results:
    """The study of `filled`, with golden's texts of 50 sets, one of them another one, and the engine's of 3."""
    filled(folder)
    sets, one = read_sets(), Configuration("norm-q", 3)
    texts: list[dict[str, Any]] = [{"name": str(n), "text": sets[n].reference} for n in range(2 * CHUNK)]
    texts[7]["text"] = "another"
    store = WorkStore(folder / "study.sqlite")
    for chunk in range(2):
        store.put(CHECK, f"{golden_check(one)} | {chunk}", texts[chunk * CHUNK : (chunk + 1) * CHUNK])
    cycles = [{"name": "setup cycles", "cycles": 1_400_900}, {"name": "step cycles", "cycles": 93_600}]
    store.put(CHECK, rtl_check(one), [*texts[:3], *cycles])
    store.put(CHECK, "latency-64", [{"name": "language model", "seconds": 0.25}])
    store.put(CURVE, "seed-1", [{"chunk": 0, "dev": -5.0}, {"chunk": 1, "dev": -4.0}])
    store.close()
    return collect(folder)


def test_golden_and_the_engine_stand_beside_float64(tmp_path: Path) -> None:
    results = checked(tmp_path)
    assert bit_tables.golden(summary_of(results), results).splitlines()[2:] == [
        "| norm-q | embedded |  | event | - | 49 of 50 | - | - | - | - | - |"
    ]
    assert bit_tables.engine(results).splitlines()[2:] == [
        "| norm-q | embedded |  | event | - | 3 of 3, 1,401 + 94 | - | - |"
    ]


def test_results_are_finished_work(tmp_path: Path) -> None:
    """What was collected goes on in another folder; what is there already stays."""
    results = checked(tmp_path / "first")
    results.write(tmp_path / "results")
    keep(tmp_path / "results", tmp_path / "second")
    keep(tmp_path / "results", tmp_path / "second")
    again = collect(tmp_path / "second")
    again.write(tmp_path / "again")
    for name in ("texts", "hmm", "curves", "checks"):
        first, second = (getattr(Results.read(tmp_path / part), name) for part in ("results", "again"))
        assert first == second
    stores = [WorkStore(tmp_path / part / "study.sqlite") for part in ("first", "second")]
    for kind in (METRICS, CHECK, CURVE):
        assert stores[0].keys(kind) >= stores[1].keys(kind) > set()
    # of the configuration that lacks a piece nothing was collected
    assert len(stores[0].keys(TEXTS)) - len(stores[1].keys(TEXTS)) == 7
    for store in stores:
        store.close()


def test_bytes_are_those_of_the_packed_file(tmp_path: Path) -> None:
    levels = quantize(toy(), 3)
    found = packed_bytes(levels)
    for layout in Layout:
        write_artifact(pack_model(levels, layout, {}), tmp_path / layout.value)
        assert found[f"{layout.value}_file_bytes"] == (tmp_path / layout.value).stat().st_size
    # an output is 8 bytes: 3 columns, 3 rows, 6 tokens; 4 bytes for a row of alpha and of beta, 1 for a level of gamma
    assert found["dense_bytes"] == 3 * 8 + 3 * 8 + 6 * 8 + 2 * 3 * 4 + 3


def test_what_has_levels_is_decoded_in_integers() -> None:
    golden = golden_configurations()
    in_float = {name for name, method in METHODS.items() if not method.levels} | {"float"}
    studied = {one.method for one in [*configurations(), *trained_configurations()]}
    assert {one.method for one in golden} == studied - in_float > {"norm-q-aware-em"}
    assert {one.source for one in golden} == {"default", "seed-1", "seed-2", "seed-3"}
    assert any(one.row_mass_leak for one in golden)
    assert any(one.row_mass_leak for one in rtl_configurations())
    assert {one.method for one in rtl_configurations()} == {one.method for one in golden}


def trained(folder: Path) -> tuple[QuantizedHMM, QuantizedHMM]:
    """Models in the files that training would leave; return the levels of aware EM, and of the seed's HMM."""
    folder.mkdir()
    hmm, other = toy(), toy(seed=1)
    np.savez(folder / "seed-1.npz", alpha=hmm.alpha, beta=hmm.beta, gamma=hmm.gamma)
    levels = quantize(other, 3)
    parts = {name: getattr(levels, name).levels for name in ("alpha", "beta", "gamma")}
    np.savez(folder / "aware-3-5.npz", **parts)
    return levels, quantize(hmm, 3)


def test_levels_are_those_that_training_left(tmp_path: Path) -> None:
    aware, seed = trained(tmp_path / "models")
    for wanted, one in (
        (aware, Configuration("norm-q-aware-em", 3, interval=5, source="seed-1")),
        (seed, Configuration("norm-q", 3, source="seed-1")),
    ):
        found = levels_of(one, tmp_path / "models")
        for name in ("alpha", "beta", "gamma"):
            assert np.array_equal(getattr(found, name).levels, getattr(wanted, name).levels)
    assert not np.array_equal(aware.beta.levels, seed.beta.levels)


def test_a_model_is_trained_again_where_work_needs_it(tmp_path: Path) -> None:
    """Results hold curves and no models: what lacks its levels asks for them, what is finished does not."""
    every = {f"seed-{n}" for n in (1, 2, 3)} | {f"aware-{b}-{k}" for b in (2, 3, 4, 8) for k in (1, 2, 5, 10, 20, 50)}
    assert models_to_train_again(tmp_path) == {(CURVE, name) for name in every}
    store = WorkStore(tmp_path / "study.sqlite")
    for one in trained_configurations():
        if one.source == "seed-3" or one.interval == 50:
            for work in work_of([one]):
                store.put(work.kind, work.key, [])
            for key in (f"{golden_check(one)} | 0", f"{golden_check(one)} | 1", rtl_check(one)):
                store.put(CHECK, key, [])
    store.close()
    (tmp_path / "aware-3-5.npz").touch()
    left = every - {"seed-3", "aware-3-5", *(f"aware-{bits}-50" for bits in (2, 3, 4, 8))}
    assert models_to_train_again(tmp_path) == {(CURVE, name) for name in left}


def test_what_is_kept_is_not_computed_but_where_it_is_asked_for(tmp_path: Path) -> None:
    tasks: Tasks = {(CURVE, name): (pow, (2, number)) for number, name in enumerate("abc")}
    store = WorkStore(tmp_path / "study.sqlite")
    for name in "ab":
        store.put(CURVE, name, 0)
    reports: list[tuple[int, int, str]] = []

    def report(done: int, total: int, last: str) -> None:
        reports.append((done, total, last))

    run_tasks(tasks, tmp_path, 1, report, again={(CURVE, "b"), (CURVE, "other")})
    assert store.all(CURVE) == {"a": 0, "b": 2, "c": 4}
    assert reports == [(1, 3, ""), (2, 3, "b"), (3, 3, "c")]
    run_tasks(tasks, tmp_path, 1, report)
    assert reports[3:] == [(3, 3, "")]
    store.close()
