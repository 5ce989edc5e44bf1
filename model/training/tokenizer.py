"""Byte-level BPE tokenizer (as GPT-2's, smaller), and sentences as rows of tokens."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ..reference import MISSING

END_OF_TEXT = "<|endoftext|>"
END_OF_TEXT_ID = 0

Tokens = npt.NDArray[np.int64]


def train_tokenizer(sentences: Iterable[str], vocab_size: int) -> Tokenizer:
    """Return a tokenizer of `vocab_size` tokens, fewer where the text has no more, all 256 bytes among them.

    Every word carries its leading space, the first too: one form of a word, wherever it stands.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],  # the first token gets END_OF_TEXT_ID
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, sentences: list[str], end: int = END_OF_TEXT_ID) -> Tokens:
    """Return [N, T] int64: the tokens of each sentence, end of text, then MISSING up to the longest."""
    rows = [[*encoding.ids, end] for encoding in tokenizer.encode_batch(sentences)]
    tokens = np.full((len(rows), max(map(len, rows))), MISSING, np.int64)
    for row, ids in zip(tokens, rows, strict=True):
        row[: len(ids)] = ids
    return tokens


def lengths(tokens: Tokens) -> Tokens:
    """Return [N] int64, the tokens of each row of `encode` up to and with its end of text."""
    return np.count_nonzero(tokens != MISSING, axis=1)
