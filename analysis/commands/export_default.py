"""`normq export-default`: the embedded default model as an ordinary Ctrl-G folder."""

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...model.checkpoint import write_checkpoint
from ...model.default.load import FOLDER, LICENSE_FILE, TOKENIZER_FILE, default_hmm
from ...model.errors import OptionError


def export_default(
    folder: Annotated[Path, typer.Argument(help="Folder to write, made if absent.", show_default=False)],
    hidden: Annotated[int, typer.Option(help="Hidden states, 64 or 256.")] = 256,
) -> None:
    """Write the embedded default model as a Ctrl-G checkpoint, with its tokenizer and its text's license."""
    hmm = default_hmm(hidden)
    try:
        write_checkpoint(hmm, folder)
        for name in (TOKENIZER_FILE, LICENSE_FILE):
            shutil.copyfile(FOLDER / name, folder / name)
    except OSError as error:
        raise OptionError(f"{folder}: cannot be written ({error.strerror}), expected a folder or a new name") from error
    Console(highlight=False, soft_wrap=True).print(
        f"{folder}: H={hmm.hidden_states} V={hmm.vocab_size}, end of text {hmm.eos_token_id}", markup=False
    )
