"""`normq golden`: tokens through the bit-accurate datapath, every vector and score to a file."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from ...model.artifact import read_artifact
from ...model.atomic import replacing
from ...model.errors import OptionError
from ...model.golden.operations import GoldenModel
from ...model.golden.run import GoldenRun, run_tokens


def golden(
    artifact: Annotated[Path, typer.Argument(help="Packed model file.", show_default=False)],
    tokens: Annotated[str, typer.Option(help="Token numbers, as in 5,17,3.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="File of arrays (npz) to write.", show_default=False)],
) -> None:
    """Run tokens through the golden model and write every vector and score.

    For T tokens: codes [T+1, H] and exponents [T+1], row 0 the initial vector; scores [T+1, V] (SCORE16 codes of all
    tokens) and score_exponents [T+1]. All absolute: a value is the code's value * 2**exponent.
    """
    numbers = _parse(tokens)
    if not output.parent.is_dir():
        raise OptionError(f"--output: {output} is in no existing folder, expected {output.parent} to exist")
    model = GoldenModel(read_artifact(artifact))
    result = run_tokens(model, _checked(numbers, model))
    _write(result, output)
    Console(highlight=False, soft_wrap=True).print(
        f"{output}: {len(numbers)} tokens, {result.codes.shape[1]} states, {result.scores.shape[1]} scores a step",
        markup=False,
    )


def _parse(tokens: str) -> list[int]:
    numbers: list[int] = []
    for text in tokens.split(","):
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit()):
            raise OptionError(f"--tokens: {text!r} in {tokens!r}, expected token numbers with commas between")
        numbers.append(int(digits))
    return numbers


def _checked(numbers: list[int], model: GoldenModel) -> list[int]:
    vocab = model.packed.vocab_size
    for place, number in enumerate(numbers):
        if number >= vocab:
            raise OptionError(f"--tokens: token {place} is {number}, expected 0..{vocab - 1}")
    return numbers


def _write(result: GoldenRun, output: Path) -> None:
    try:
        with replacing(output) as temporary, temporary.open("wb") as file:
            np.savez(
                file,
                codes=result.codes,
                exponents=result.exponents,
                scores=result.scores,
                score_exponents=result.score_exponents,
            )
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be written ({error})") from error
