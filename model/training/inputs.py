"""Token sequences from a user's file."""

from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy
from tokenizers import Tokenizer

from ..default.load import default_tokenizer
from ..errors import TrainingError
from ..reference import MISSING
from .tokenizer import Tokens, encode

ARRAY, TEXT = ".npy", ".txt"
ROWS = "integers [sequences, tokens]"


def read_array(file: Path) -> npt.NDArray[Any]:
    """Return the array of a .npy file, and of no other format. Raises OSError, ValueError.

    np.load would open an archive of arrays, too, and raises EOFError, which command lines take for Ctrl-D.
    """
    with file.open("rb") as opened:
        try:
            return npy.read_array(opened, allow_pickle=False)
        except (SyntaxError, TokenError, MemoryError, OverflowError) as error:  # the library lets these through
            raise ValueError(f"{type(error).__name__}: {error}") from error


def read_tokens(file: Path, vocab_size: int) -> Tokens:
    """Return the rows [N, T] int64 of a .npy file of integers: tokens, and MISSING where unknown or beyond the end.

    Raises TrainingError.
    """
    try:
        rows = read_array(file)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file}: cannot be read ({error}), expected a {ARRAY} file of {ROWS}") from error
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.integer):
        raise TrainingError(f"{file}: is {rows.dtype} of shape {list(rows.shape)}, expected {ROWS}")
    wrong = (rows < MISSING) | (rows >= vocab_size)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise TrainingError(
            f"{file}: row {row}, column {column} is {rows[row, column]}, expected 0..{vocab_size - 1} or {MISSING}"
        )
    empty = (rows == MISSING).all(axis=1)
    if empty.any():
        raise TrainingError(f"{file}: row {int(np.argmax(empty))} holds no token, expected one at least in each")
    return rows.astype(np.int64)


def read_text(file: Path, tokenizer: Tokenizer, end: int) -> Tokens:
    """Return the lines of a UTF-8 file as `encode` has them, without empty lines. Raises TrainingError."""
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise TrainingError(f"{file}: cannot be read as UTF-8 text ({error})") from error
    texts = [line for line in lines if line]
    if not texts:
        raise TrainingError(f"{file}: holds no text, expected a sequence a line")
    return encode(tokenizer, texts, end)


def read_tokenizer(file: Path | None) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json, or the embedded one. Raises TrainingError."""
    if file is None:
        return default_tokenizer()
    try:
        return Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises nothing narrower
        raise TrainingError(f"{file}: is no tokenizer.json of tokenizers ({error})") from error
