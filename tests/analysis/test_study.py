"""The quality study on toys: likelihood against enumeration, intervals, scores, concept sets, levels, bytes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from sacrebleu.metrics.bleu import BLEU
from typer.testing import CliRunner

from normq.analysis.commands.quality import quality
from normq.analysis.study import concept_drawing
from normq.analysis.study.compute import packed_bytes
from normq.analysis.study.concepts import (
    FILE,
    WORDS,
    ConceptSet,
    draw_sets,
    has_all,
    has_all_words,
    inflections,
    read_sets,
)
from normq.analysis.study.corpus import bleu
from normq.analysis.study.intervals import mcnemar, wilson
from normq.analysis.study.levels import levels_of
from normq.analysis.study.likelihood import hmm_metrics, next_tokens
from normq.analysis.study.scores import text_scores
from normq.analysis.study.spec import Configuration
from normq.model.artifact import write_artifact
from normq.model.config import Layout
from normq.model.decoding.float_engine import Guide
from normq.model.errors import OptionError
from normq.model.hmm import HMM
from normq.model.packing.model import pack_model
from normq.model.quantize.normq import quantize
from normq.model.quantize.tensor import QuantizedHMM
from normq.model.reference import MISSING, ReferenceModel
from normq.model.training.text import Corpus
from normq.model.weights import FloatWeights

APP = typer.Typer()
APP.command()(quality)
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


def corpus() -> Corpus:
    """WordNet's sentences as far as the draw of the shipped sets looks at them, and frequent words.

    A line of the file is a held-out sentence that was looked at: its number, itself, its words that training has too
    seldom. They are WordNet's, under model/default/LICENSE-WordNet.
    """
    held_out, frequent = [f"{number}." for number in range(2800)], dict[str, None]()
    for line in (Path(__file__).parent / "held_out_sentences.tsv").read_text().splitlines():
        number, sentence, seldom = (*line.split("\t"), "")[:3]
        held_out[int(number)] = sentence
        frequent |= dict.fromkeys(word for word in WORDS.findall(sentence) if word not in seldom.split())
    return Corpus(list(frequent) * 5, [], [*("not this one." for _ in range(200)), *held_out])


def test_the_shipped_sets_are_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, int]] = []

    def read(folder: Path, seed: int) -> Corpus:
        asked.append((folder, seed))
        return corpus()

    monkeypatch.setattr(concept_drawing, "read_corpus", read)
    found = CliRunner().invoke(APP, ["--draw-sets", "wordnet", "-o", str(tmp_path)])
    assert found.output == f"written: {tmp_path}/concepts.json, 200 concept sets, those that ship\n"
    assert (tmp_path / "concepts.json").read_bytes() == FILE.read_bytes()
    assert asked == [(Path("wordnet"), 0)]
    monkeypatch.setattr(concept_drawing, "SETS", 199)
    assert (
        "199 concept sets, not those that ship"
        in CliRunner().invoke(APP, ["--draw-sets", "wordnet", "-o", str(tmp_path)]).output
    )


def test_drawing_sets_is_all_that_a_call_does(tmp_path: Path) -> None:
    found = CliRunner().invoke(APP, ["--draw-sets", "wordnet", "-o", str(tmp_path), "--compute"])
    assert isinstance(found.exception, OptionError)
    expected = "--draw-sets: draws concept sets and ends, expected no --compute, --from-results or --page"
    assert str(found.exception) == expected


def test_bytes_are_those_of_the_packed_file(tmp_path: Path) -> None:
    levels = quantize(toy(), 3)
    found = packed_bytes(levels)
    for layout in Layout:
        write_artifact(pack_model(levels, layout, {}), tmp_path / layout.value)
        assert found[f"{layout.value}_file_bytes"] == (tmp_path / layout.value).stat().st_size
    # an output is 8 bytes: 3 columns, 3 rows, 6 tokens; 4 bytes for a row of alpha and of beta, 1 for a level of gamma
    assert found["dense_bytes"] == 3 * 8 + 3 * 8 + 6 * 8 + 2 * 3 * 4 + 3


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
