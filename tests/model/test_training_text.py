"""From WordNet's data files to tokens: on a small folder of the same format, made here."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.errors import OptionError
from normq.model.training.text import examples, read_corpus, read_sentences
from normq.model.training.tokenizer import encode, lengths, train_tokenizer

LICENSE_LINE = '  4 read, | "understood, and will comply with"\n'


def line(gloss: str) -> str:
    return f"00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | {gloss}  \n"


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    glosses = {
        "noun": 'a thing; "Ask  for the   moon"; "too short"; "who is he, then?"',
        "verb": 'to act; "ask for the moon"; "He left us; for good"',
        "adj": "no example at all",
        "adv": f'so; "{" ".join(["very"] * 24)}"; "{" ".join(["very"] * 25)}"',
    }
    for part, gloss in glosses.items():
        (tmp_path / f"data.{part}").write_text(LICENSE_LINE + line(gloss))
    return tmp_path


def test_sentences_are_normalized_and_unique(wordnet: Path) -> None:
    assert read_sentences(wordnet) == [
        "ask for the moon.",
        "who is he, then?",
        "he left us; for good.",
        " ".join(["very"] * 24) + ".",
    ]


def test_license_holds_no_sentence() -> None:
    assert examples(LICENSE_LINE) == []


def test_missing_file_is_named(wordnet: Path) -> None:
    (wordnet / "data.adj").unlink()
    with pytest.raises(OptionError) as error:
        read_sentences(wordnet)
    expected = "expected a WordNet folder with data.noun, data.verb, data.adj, data.adv"
    assert str(error.value) == f"{wordnet}/data.adj: no such file, {expected}"


def test_part_of_wordnet_is_refused(wordnet: Path) -> None:
    with pytest.raises(OptionError) as error:
        read_corpus(wordnet, 0)
    expected = "expected more than 6000: the whole WordNet"
    assert str(error.value) == f"{wordnet}: holds 4 example sentences, {expected}"


def test_corpus_parts_share_nothing(wordnet: Path) -> None:
    glosses = "".join(line(f'n; "this is sentence {number}"') for number in range(6010))
    (wordnet / "data.noun").write_text(glosses)
    corpus = read_corpus(wordnet, 0)
    assert (len(corpus.train), len(corpus.dev), len(corpus.test)) == (13, 3000, 3000)
    assert len({*corpus.train, *corpus.dev, *corpus.test}) == 6013
    assert read_corpus(wordnet, 0) == corpus
    assert read_corpus(wordnet, 1) != corpus


def test_tokens_end_and_are_padded() -> None:
    sentences = ["the cat.", "the cat sat on the cat."]
    tokenizer = train_tokenizer(sentences, 267)
    assert tokenizer.get_vocab_size() == 267
    rows = encode(tokenizer, sentences)
    assert rows.dtype == np.int64
    for row, size, sentence in zip(rows, lengths(rows), sentences, strict=True):
        assert row[size - 1] == 0
        assert 0 not in row[: size - 1]
        assert set(row[size:]) <= {-1}
        assert tokenizer.decode(row[: size - 1].tolist()) == " " + sentence
    # a word is one token, first or not
    assert rows[0, 0] == rows[1, 0] == rows[1, 4]
