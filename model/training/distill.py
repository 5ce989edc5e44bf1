"""A causal language model's own sentences, and the first HMM that stands for it (Ctrl-G, arXiv 2406.13892)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedModel

from ..atomic import replacing
from ..default.language_model import default_language_model
from ..errors import OptionError, TrainingError
from .counts import Parameters, padding_counts
from .identity import Identity, read_identity, refuse_other, tensors_digest, write_identity
from .inputs import read_array
from .language_model import hidden_states
from .processes import ALONE, Processes
from .samples import BATCH_ROWS, sample_batch
from .sequences import Sequences
from .states import initial_states, neighbors, path_counts
from .tokenizer import Tokens

CLUSTER_TOKENS = 100_000
"""Tokens, about, whose states are clustered: [tokens, 2 * width] float64 in memory."""

DEFAULT = Path("default")
"""Names the embedded language model."""

IDENTITY_FILE = "samples.json"
"""Beside the parts of a draw: what they were drawn from."""

NOT_OF_THE_MODEL = {"transformers_version", "_name_or_path", "architectures", "dtype", "torch_dtype"}
"""Of a configuration: where a model came from and how it lay there, not what it computes."""


def language_model(folder: Path, device: str = "cpu") -> PreTrainedModel:
    """Return the causal language model of a local folder of transformers, or the embedded one, ready to evaluate.

    In float64 on the CPU: a draw compares a number with V cumulated probabilities, and with float32's rounding, which
    differs between processors, about one token in thousands would be another one. In float32 on other devices, whose
    draws are their own. Only safetensors are read, and no code of the folder runs. Raises OptionError.
    """
    if folder == DEFAULT:
        return _moved(default_language_model(), device)
    if not (folder / "config.json").is_file():
        raise OptionError(f"{folder}: has no config.json, expected a language model's folder, or {str(DEFAULT)!r}")
    if not any(folder.glob("*.safetensors")):
        raise OptionError(f"{folder}: holds no *.safetensors, expected a model's weights in that format (no pickles)")
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().split("\n")[0]
        raise OptionError(f"{folder}: is no causal language model that transformers can load ({first})") from error
    return _moved(model, device)


def _moved(model: PreTrainedModel, device: str) -> PreTrainedModel:
    dtype = torch.float64 if torch.device(device).type == "cpu" else torch.float32
    torch.nn.Module.to(model, device, dtype)  # transformers' own `to` is typed for another class
    return model.eval()


def end_of_text(model: PreTrainedModel, given: int | None) -> int:
    """Return the token that ends a text: `given`, or the only one of the model's configuration. Raises OptionError."""
    found = model.config.eos_token_id if given is None else given
    vocab = model.config.vocab_size
    if not isinstance(found, int) or not 0 <= found < vocab:
        raise OptionError(f"eos_token_id: {found!r} found, expected one token of 0..{vocab - 1}; give it as an option")
    return found


def positions(model: PreTrainedModel) -> int | None:
    """Return the most tokens that a language model can be fed, None where its configuration has no limit."""
    config = model.config.get_text_config()
    found = (getattr(config, name, None) for name in ("max_position_embeddings", "n_positions"))
    return next((limit for limit in found if isinstance(limit, int) and limit > 0), None)


def model_digest(model: PreTrainedModel) -> str:
    """Return the SHA-256 of what a language model computes with: its tensors, and its configuration beside them."""
    found = {name: value for name, value in model.config.to_diff_dict().items() if name not in NOT_OF_THE_MODEL}
    return tensors_digest(model.state_dict(), json.dumps(found, sort_keys=True, default=str))


@dataclass(frozen=True, eq=False)
class Sampling:
    """Sentences drawn from a language model, kept in parts, so that an interrupted draw goes on."""

    model: PreTrainedModel
    count: int
    longest: int
    """Tokens of a row; a sentence that has not ended there is kept without an end."""
    end: int
    seed: int

    @cached_property
    def model_sha256(self) -> str:
        """Digest of the language model."""
        return model_digest(self.model)

    @property
    def identity(self) -> Identity:
        """What decides the rows."""
        return {
            "language_model_sha256": self.model_sha256,
            "samples": self.count,
            "length": self.longest,
            "eos_token_id": self.end,
            "seed": self.seed,
            "device": self.model.device.type,
        }

    def draw(self, folder: Path, after_part: Callable[[int], None], processes: Processes = ALONE) -> Tokens:
        """Return [count, longest] int64, each row up to its end of text, then MISSING.

        Parts of BATCH_ROWS rows are kept in `folder`, made if absent, and drawn by all processes in turns; `after_part`
        gets the rows of each part. Raises TrainingError for a folder or a part that is not this draw's, OSError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._claim(folder, processes)
        starts = range(0, self.count, BATCH_ROWS)
        for number in range(processes.rank, len(starts), processes.count):
            if not self._file(folder, number).exists():
                with replacing(self._file(folder, number)) as temporary, temporary.open("wb") as file:
                    np.save(file, self._part(number), allow_pickle=False)
            after_part(self._rows(number))
        processes.wait()
        return np.concatenate([self._kept(folder, number) for number in range(len(starts))])

    def _claim(self, folder: Path, processes: Processes) -> None:
        """Say in `folder`, before the first part, what is drawn there. Raises TrainingError for another draw's."""
        file = folder / IDENTITY_FILE
        if processes.first:
            # parts first: another process may write the file and then a part between the two looks
            drawn = any(folder.glob("part-*.npy"))
            if not file.exists() and drawn:
                raise TrainingError(
                    f"{folder}: holds samples, but no {IDENTITY_FILE} that says what they were drawn from; remove the "
                    "folder to draw them anew"
                )
            if not file.exists():
                write_identity(file, self.identity)
        processes.wait()
        refuse_other(file, read_identity(file), self.identity)

    def _rows(self, number: int) -> int:
        return min(BATCH_ROWS, self.count - number * BATCH_ROWS)

    def _file(self, folder: Path, number: int) -> Path:
        return folder / f"part-{number:05}.npy"

    def _part(self, number: int) -> Tokens:
        # a part is known from its number: parts may be drawn in any order, by any process
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1, np.uint64)[0] >> 1)
        draw = torch.Generator(self.model.device).manual_seed(seed)
        return sample_batch(self.model, self._rows(number), self.longest, draw, self.end).numpy()

    def _kept(self, folder: Path, number: int) -> Tokens:
        file, expected = self._file(folder, number), (self._rows(number), self.longest)
        try:
            part = read_array(file)
        except (OSError, ValueError) as error:
            raise TrainingError(f"{file}: cannot be read as an array ({error}); remove it to draw it again") from error
        if part.shape != expected or part.dtype != np.int64:
            raise TrainingError(
                f"{file}: is {part.dtype} {list(part.shape)}, expected int64 {list(expected)}; remove it to draw "
                "it again"
            )
        return part


def distilled_start(
    model: PreTrainedModel, rows: Tokens, hidden: int, padded_length: int, end: int, seed: int
) -> Parameters:
    """Return the HMM of `hidden` states that counts the latent states of `rows`: clusters of `model`'s states.

    As many of the first rows are clustered as hold CLUSTER_TOKENS tokens. Raises TrainingError where these hold fewer
    words than there are states.
    """
    data = Sequences.of_rows(rows)
    used = 1 + int(np.searchsorted(data.lengths.cumsum(0).numpy(), CLUSTER_TOKENS))
    data = Sequences.of_rows(rows[:used])
    context = neighbors(hidden_states(model, rows[:used], end))
    path = initial_states(data.tokens, context, hidden, seed, end)
    vocab = model.config.vocab_size
    padding = padding_counts(data.lengths, padded_length, hidden, vocab, end)
    return (path_counts(data.tokens, path, hidden, vocab) + padding).maximize()
