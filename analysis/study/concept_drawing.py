"""The shipped concept sets, drawn again from WordNet."""

from pathlib import Path

from ...model.training.rebuild import SHIPPED_SENTENCES, RebuildOptions
from ...model.training.text import read_corpus
from .concepts import FILE, SETS, ConceptSet, draw_sets, read_sets, write_sets

SEED = 1


def rebuilt_sets(wordnet: Path) -> list[ConceptSet]:
    """Return the sets of the embedded model's test part, without the sentences that ship. Raises OptionError."""
    corpus = read_corpus(wordnet, RebuildOptions().seed)
    return draw_sets(corpus.train, corpus.test[SHIPPED_SENTENCES:], SETS, SEED)


def draw_again(wordnet: Path, output: Path) -> str:
    """Write the sets into `output`; return what is to be said of them beside the shipped ones. Raises OptionError."""
    sets, file = rebuilt_sets(wordnet), output / FILE.name
    write_sets(sets, file)
    return f"written: {file}, {len(sets)} concept sets, {'those' if sets == read_sets() else 'not those'} that ship"
