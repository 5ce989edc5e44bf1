"""`normq generate`: concepts, constraints, engines and what is refused, on the embedded models."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from typer.testing import CliRunner, Result

from normq.analysis.commands.generate import generate
from normq.analysis.generate.choices import EngineKind
from normq.analysis.generate.concepts import constraint, holds, holds_words, parse_concepts
from normq.analysis.generate.request import Request
from normq.analysis.generate.run import Sentences, write_sentences
from normq.analysis.generate.tokens import TextTokens
from normq.model.artifact import write_artifact
from normq.model.checkpoint import write_checkpoint
from normq.model.config import Layout
from normq.model.decoding.engine import Lengths
from normq.model.default.load import FOLDER, LANGUAGE_MODEL_FOLDER, TOKENIZER_FILE, default_hmm
from normq.model.errors import DeadConstraint, OptionError
from normq.model.packing.model import pack_model
from normq.model.quantize.methods import METHODS, Setting
from normq.model.quantize.normq import quantize
from normq.model.training.distill import DEFAULT

APP = typer.Typer()
APP.command()(generate)
CONCEPTS = parse_concepts("dog run")
LENGTHS = Lengths(3, 8)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smaller embedded HMM."""
    folder = tmp_path_factory.mktemp("hmm")
    write_checkpoint(default_hmm(64), folder / "hmm-64")
    return folder / "hmm-64"


def sentences(checkpoint: Path, folder: Path, **changes: Any) -> Sentences:
    fields: dict[str, Any] = {
        "concepts": CONCEPTS,
        "model": checkpoint,
        "setting": Setting(4),
        "lengths": LENGTHS,
        "beams": 3,
    }
    return write_sentences(Request(**(fields | changes)), folder, lambda _: None)


def test_a_word_stands_for_its_inflections() -> None:
    assert parse_concepts("ran field") == (
        ("ran", "run", "running", "runs"),
        ("field", "fielded", "fielding", "fields"),
    )
    assert parse_concepts(" run|ran  C++ xyzzy") == (("run", "ran"), ("C++",), ("xyzzy",))


def test_whole_words_are_no_parts_of_words() -> None:
    tokens = TextTokens.of(DEFAULT)
    concepts = (("run", "ran"),)
    parts, words = (constraint(concepts, tokens, whole_words=whole) for whole in (False, True))
    for text, wanted in (("he ran.", (True, True)), ("he runneth.", (True, False)), ("he walks.", (False, False))):
        numbers = tokens.encode(text)
        assert tuple(one.run(numbers) in one.accepting for one in (parts, words)) == wanted, text


@pytest.mark.parametrize(
    ("concepts", "text", "part", "word"),
    [
        ("Dog", "the Dog runs.", True, True),
        ("Dog", "the dog runs.", False, False),
        ("dog", "the Dog runs.", False, False),
        ("e-mail|x2", "e-mail is the world.", True, True),
        ("e-mail|x2", "an x2-ray", True, True),
        ("e-mail|x2", "e-mails", True, False),
        ("e-mail|x2", "x23", True, False),
        ("run|ran", "he ran2 or rerun.", True, False),
        ("run|ran", "he ran_home", True, True),
        ("C++|x", "in C++11.", True, True),
        ("C++|x", "in ABC++.", True, False),
        ("caf\u00e9|x", "the caf\u00e9s.", True, False),
        ("caf|x", "the caf\u00e9.", True, False),
    ],
)
def test_success_is_of_forms_as_they_were_given(concepts: str, text: str, part: bool, word: bool) -> None:
    tokens, parsed = TextTokens.of(DEFAULT), parse_concepts(concepts)
    assert (holds(text, parsed, tokens), holds_words(text, parsed, tokens)) == (part, word)


def test_success_is_told_of_capitals_and_of_marks_in_words(checkpoint: Path) -> None:
    """What the automaton demands is never missed in the text."""
    for concepts in ("Dog", "e-mail|x2"):
        told = run(checkpoint, "--concepts", concepts, "--longest", 8, "--beams", 2, "--explain", "--whole-words")
        assert not re.search("^no|^yes +no", told.stdout, re.M), told.stdout
        assert re.search(rf"yes +yes .*({concepts})", told.stdout), told.stdout


def test_a_tokenizer_without_capitals_still_succeeds() -> None:
    tokenizer = Tokenizer(WordLevel({"the": 0, "dog": 1, "[UNK]": 2}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    tokens = TextTokens(tokenizer)
    for check in (holds, holds_words):
        assert check("the dog", parse_concepts("Dog"), tokens)
        assert not check("the cat", parse_concepts("Dog"), tokens)
        assert not check("the", parse_concepts("xyzzy|dog"), tokens)


def test_every_engine_writes_what_is_asked_for(checkpoint: Path, tmp_path: Path) -> None:
    """The same levels give the same sentences; dead beams and bytes are told."""
    found = {
        kind: sentences(checkpoint, tmp_path, engine=kind)
        for kind in (EngineKind.FLOAT64, EngineKind.FLOAT32, EngineKind.GOLDEN)
    }
    first, *others = ([one.text for one in each.sentences] for each in found.values())
    assert len(first) == 3
    assert all(other == first for other in others)
    for one in found[EngineKind.GOLDEN].sentences:
        assert one.success
        assert LENGTHS.least <= len(one.tokens) <= LENGTHS.greatest
    rows = found[EngineKind.GOLDEN].automaton.states * LENGTHS.greatest
    assert [each.table_bytes // rows for each in found.values()] == [64 * 8, 64 * 4, 64 * 2 + 2]
    assert [each.dead for each in found.values()] == [0, 0, 0]


def test_cycles_are_those_of_the_sentence_whoever_guides(checkpoint: Path, tmp_path: Path) -> None:
    guided, counted = (
        sentences(checkpoint, tmp_path, engine=kind, counts_cycles=True)
        for kind in (EngineKind.FLOAT64, EngineKind.GOLDEN)
    )
    assert guided.predicted == counted.predicted
    assert counted.predicted is not None
    assert sorted(counted.predicted) == ["setup", "step"]
    assert guided.packed_table_bytes == counted.table_bytes == counted.packed_table_bytes
    assert guided.table_bytes > counted.table_bytes


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.levels])
def test_golden_takes_every_method_with_a_codebook(method: str, checkpoint: Path, tmp_path: Path) -> None:
    setting = Setting(8 if method.startswith("linear") else 3)
    (best, *_) = sentences(checkpoint, tmp_path, asked_method=method, setting=setting).sentences
    assert best.success


def test_golden_takes_leaks_of_rows_and_counts_their_cycles(checkpoint: Path, tmp_path: Path) -> None:
    """On the engine that is built for them; together with hmm_guard."""
    found = sentences(
        checkpoint, tmp_path, setting=Setting(3, guard=True, row_mass_leak=True), beams=2, counts_cycles=True
    )
    assert found.sentences[0].success
    assert found.predicted is not None
    assert sorted(found.predicted) == ["setup", "step"]


def test_the_command_prints_sentences_and_explains(checkpoint: Path) -> None:
    plain = run(checkpoint, "--concepts", "dog run", "--bits", 4, "--longest", 8, "--beams", 3, "--count", 2)
    assert plain.exit_code == 0
    lines = plain.stdout.splitlines()
    assert len(lines) == 2
    assert all("dog" in line and re.search("run|ran", line) for line in lines)
    told = run(checkpoint, "--concepts", "dog run", "--bits", 4, "--longest", 8, "--beams", 3, "--explain")
    assert lines[0] in told.stdout
    for part in (
        r"run +run, ran, running, runs *\n",
        r"automaton +\d+ states, \d+ edges, accepting \d+ *\n",
        r"table W +[\d,]+ bytes: \d+ states, 8 lengths *\n",
        r"search +3 beams, 0 dead, \d+ token steps *\n",
        r"cycles, timing model +set-up [\d,]+; token steps [\d,]+, [\d,]+ each *\n",
    ):
        assert re.search(part, told.stdout), part


def test_drawn_sentences_follow_the_seed(checkpoint: Path) -> None:
    options = (checkpoint, "--concepts", "dog", "--engine", "float64", "--longest", 8, "--samples", 4, "--count", 4)
    first, again, other = (run(*options, "--seed", seed).stdout.splitlines() for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 4
    assert all("dog" in line for line in first + other)


def test_any_folder_of_a_language_model_will_do(checkpoint: Path, tmp_path: Path) -> None:
    """The embedded one as a folder of transformers; and a prompt, which only it reads."""
    shutil.copytree(FOLDER / LANGUAGE_MODEL_FOLDER, tmp_path / "lm")
    shutil.copy(FOLDER / TOKENIZER_FILE, tmp_path / "lm")
    options = (checkpoint, "--concepts", "dog run", "--engine", "float64", "--bits", 4, "--longest", 8, "--beams", 3)
    embedded, folder = run(*options), run(*options, "--language-model", tmp_path / "lm")
    assert folder.exit_code == 0
    assert folder.stdout == embedded.stdout
    prompted = run(*options, "--prompt", "in the morning")
    assert prompted.exit_code == 0
    assert "morning" not in prompted.stdout
    assert prompted.stdout != embedded.stdout


@pytest.fixture(scope="module")
def packed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smaller embedded HMM with Norm-Q at 4 bits."""
    file = tmp_path_factory.mktemp("packed") / "hmm-64"
    write_artifact(pack_model(quantize(default_hmm(64), 4), Layout.SPARSE, {}), file)
    return file


def test_a_packed_file_will_do(checkpoint: Path, packed_file: Path) -> None:
    """And may be asked for what it holds."""
    options = ("--concepts", "dog run", "--longest", 8, "--beams", 3)
    found = run(packed_file, *options)
    assert found.exit_code == 0
    assert found.stdout == run(checkpoint, *options, "--bits", 4).stdout
    told = run(packed_file, *options, "--method", "norm-q", "--bits", 4, "--layout", "sparse")
    assert told.stdout == found.stdout
    result = run(packed_file, *options, "--bits", 4, "--engine", "float64")
    message = f"--engine: float64 needs a checkpoint, {packed_file} is a packed file"
    assert (type(result.exception), str(result.exception)) == (OptionError, message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "linear"), "--method: linear given, the packed file FILE has norm-q"),
        (("--method", "float"), "--method: float given, the packed file FILE has norm-q"),
        (("--bits", 3), "--bits: 3 given, the packed file FILE has 4"),
        (("--layout", "dense"), "--layout: dense given, the packed file FILE has sparse"),
        (("--guard",), "--guard: given, the packed file FILE is without hmm_guard"),
        (("--row-mass-leak",), "--row-mass-leak: given, the packed file FILE is without row_mass_leak"),
        (("--share", 0.5), "--share: 0.5 given, the packed file FILE cannot be pruned"),
    ],
)
def test_a_packed_file_is_not_made_another(options: tuple[object, ...], message: str, packed_file: Path) -> None:
    result = run(packed_file, "--concepts", "dog", *options)
    expected = message.replace("FILE", str(packed_file))
    assert (type(result.exception), str(result.exception)) == (OptionError, expected)


def test_a_packed_file_may_be_asked_for_its_leaks(tmp_path: Path) -> None:
    levels = METHODS["norm-q"].quantize(default_hmm(64), Setting(3, guard=True, row_mass_leak=True))
    write_artifact(pack_model(levels, Layout.SPARSE, {}), tmp_path / "packed")
    result = run(tmp_path / "packed", "--concepts", "dog", "--longest", 8, "--beams", 2, "--guard", "--row-mass-leak")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "float", "--bits", 3), "--bits: 3 given, --method float takes the HMM as it is"),
        (("--method", "float", "--guard"), "--guard: given, --method float takes the HMM as it is"),
        (("--method", "float", "--row-mass-leak"), "--row-mass-leak: given, --method float takes the HMM as it is"),
        (("--method", "float", "--share", 0.5), "--share: 0.5 given, --method float prunes nothing"),
        (
            ("--method", "kmeans-log-float", "--bits", 3, "--share", 0.5),
            "--share: 0.5 given, --method kmeans-log-float prunes nothing",
        ),
        (("--method", "norm-q", "--share", 0.5), "--share: 0.5 given, --method norm-q prunes nothing"),
        (("--method", "float", "--layout", "dense"), "--layout: dense given, --method float has no levels to pack"),
        (("--layout", "dense"), "--layout: dense given, --engine float64 packs nothing without --explain"),
        (("--seed", 1), "--seed: 1 given, nothing is drawn without --samples"),
        (("--samples", 2, "--beams", 8), "--beams: 8 given, --samples draws instead of searching"),
        (("--lanes", 8), "--lanes: 8 given, no cycles are counted without --explain or --engine rtl"),
        (("--port-bits", 512), "--port-bits: 512 given, no cycles are counted without --explain or --engine rtl"),
    ],
)
def test_an_option_that_changes_nothing_is_refused(options: tuple[object, ...], message: str, checkpoint: Path) -> None:
    result = run(checkpoint, "--concepts", "dog", "--engine", "float64", *options)
    assert (type(result.exception), str(result.exception)) == (OptionError, message)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            ("--concepts", " "),
            OptionError,
            "--concepts: ' ' holds no word, expected words with spaces between, as in 'dog run field'",
        ),
        (
            ("--concepts", "run||ran"),
            OptionError,
            "--concepts: 'run||ran' has an empty form, expected words with | between",
        ),
        (
            ("--concepts", "dog", "--method", "prune", "--share", 0.9),
            OptionError,
            "--engine: golden needs levels, method prune has none",
        ),
        (
            ("--concepts", "dog", "--longest", 70),
            OptionError,
            "--longest: 72 tokens with the prompt, the language model holds 64",
        ),
        (
            ("--concepts", "dog cat run field tree", "--shortest", 1, "--longest", 2, "--engine", "float64"),
            OptionError,
            "--longest: 2 given, the concepts take 5 tokens at least",
        ),
        (
            ("--concepts", "tree", "--method", "linear", "--bits", 2, "--engine", "float64"),
            DeadConstraint,
            "text 0: after 0 tokens no beam of 8 has a possible next token, the constraint cannot be met",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(options: tuple[object, ...], error: type, message: str) -> None:
    result = run(*options)
    assert (type(result.exception), str(result.exception)) == (error, message)


def test_lengths_are_refused_before_any_work(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is computed, and nothing built, for what cannot be written."""

    def refused(*_: object) -> None:
        raise AssertionError("worked")

    monkeypatch.setattr("normq.analysis.generate.run.equip", refused)
    for concepts, lengths, message in (
        ("dog", Lengths(4, 100), "--longest: 102 tokens with the prompt, the language model holds 64"),
        ("dog run field", Lengths(1, 2), "--longest: 2 given, the concepts take 3 tokens at least"),
    ):
        with pytest.raises(OptionError, match=f"^{re.escape(message)}$"):
            sentences(checkpoint, tmp_path, concepts=parse_concepts(concepts), lengths=lengths, engine=EngineKind.RTL)


@pytest.mark.parametrize("method", ["float", "prune"])
def test_cycles_that_are_not_counted_are_told(method: str, checkpoint: Path) -> None:
    share = ("--share", 0.5) if method == "prune" else ()
    options = ("--concepts", "dog", "--engine", "float64", "--longest", 8, "--beams", 2, "--explain")
    told = run(checkpoint, *options, "--method", method, *share)
    assert re.search(rf"cycles +not counted: --method {method} has no levels", told.stdout)


def test_a_tokenizer_that_is_none_is_named(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / LANGUAGE_MODEL_FOLDER, tmp_path / "lm")
    file = tmp_path / "lm" / TOKENIZER_FILE
    for content, fault in (
        (None, "no such file, expected the tokenizer of the language model"),
        (
            "{",
            "cannot be read as JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1)), "
            "expected a tokenizer",
        ),
        ("[]", "has no model, expected a tokenizer as the library tokenizers writes it"),
    ):
        if content is not None:
            file.write_text(content)
        result = run("--concepts", "dog", "--language-model", tmp_path / "lm")
        assert str(result.exception) == f"{file}: {fault}"
