"""Everything of the embedded default model, from WordNet's data files to the shipped files and their metrics."""

import json
import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import GPT2LMHeadModel

from ..default.compact import read_compact, write_compact
from ..default.language_model import default_language_model, write_language_model
from ..default.load import (
    HIDDEN_STATES,
    LANGUAGE_MODEL_FOLDER,
    METRICS_FILE,
    SENTENCES_FILE,
    TOKENIZER_FILE,
    hmm_file,
)
from .counts import Parameters, padding_counts
from .em import fit
from .language_model import LanguageModelOptions, Report, hidden_states, perplexity, train_language_model
from .measure import hmm_metrics
from .samples import sample
from .sequences import Sequences
from .states import initial_states, neighbors, path_counts
from .text import Corpus, read_corpus
from .tokenizer import END_OF_TEXT_ID, Tokens, encode, lengths, train_tokenizer

SHIPPED_SENTENCES = 200


@dataclass(frozen=True)
class RebuildOptions:
    """What decides the result, the text aside."""

    seed: int = 0
    vocab_size: int = 4096
    hidden_states: tuple[int, ...] = HIDDEN_STATES
    language_model: LanguageModelOptions = field(default_factory=LanguageModelOptions)
    samples: int = 40_000
    """Sentences drawn from the language model, beside the text."""
    em_iterations: int = 25
    padded_length: int = 32
    """Ctrl-G's training sequences are filled up to a fixed length with end of text."""


def rebuild(wordnet: Path, output: Path, options: RebuildOptions, report: Report) -> dict[str, float]:
    """Train all on the data files in `wordnet`, write the shipped files into `output`, return their metrics.

    `report` gets lines of progress. Raises OptionError, OSError.
    """
    started = time.process_time()
    corpus = read_corpus(wordnet, options.seed)
    report(f"text: {len(corpus.train)} training sentences, {len(corpus.dev)} dev, {len(corpus.test)} test")
    output.mkdir(parents=True, exist_ok=True)
    (output / SENTENCES_FILE).write_text("\n".join(corpus.test[:SHIPPED_SENTENCES]) + "\n", encoding="utf-8")
    tokenizer = train_tokenizer(corpus.train, options.vocab_size)
    tokenizer.save(str(output / TOKENIZER_FILE))
    text = encode(tokenizer, corpus.train)
    report(f"tokenizer: {int(lengths(text).sum())} training tokens")
    trained = train_language_model(text, options.vocab_size, options.language_model, options.seed, report)
    # from here on the float16 model that is shipped
    write_language_model(trained, output / LANGUAGE_MODEL_FOLDER)
    language_model = default_language_model(output / LANGUAGE_MODEL_FOLDER)
    _train_hmms(language_model, text, output, options, report)
    metrics = measure(output, corpus, tokenizer, language_model, options)
    metrics["cpu_seconds"] = round(time.process_time() - started)
    _write_metrics(metrics, output / METRICS_FILE)
    return metrics


def _train_hmms(
    language_model: GPT2LMHeadModel, text: Tokens, output: Path, options: RebuildOptions, report: Report
) -> None:
    drawn = sample(language_model, options.samples, text.shape[1], options.seed)
    report(f"samples: {len(drawn)} sentences, {int(lengths(drawn).sum())} tokens drawn from the language model")
    both = torch.from_numpy(np.concatenate([text, drawn]))
    words, context = torch.from_numpy(text), neighbors(hidden_states(language_model, text))
    for hidden in options.hidden_states:
        path = initial_states(words, context, hidden, options.seed)
        report(f"H={hidden}: latent states initialized")
        model = _fit(words, path, both, hidden, options, report)
        hmm = model.to_hmm(END_OF_TEXT_ID, {"label": "default", "text": "WordNet 3.0 examples"})
        write_compact(hmm, output / hmm_file(hidden))


def _fit(words: Tensor, path: Tensor, both: Tensor, hidden: int, options: RebuildOptions, report: Report) -> Parameters:
    sizes = torch.from_numpy(lengths(both.numpy()))
    padding = padding_counts(sizes, options.padded_length, hidden, options.vocab_size, END_OF_TEXT_ID)
    first = (path_counts(words, path, hidden, options.vocab_size) + padding).maximize()
    tokens = int(sizes.sum())

    def say(iteration: int, log_likelihood: float) -> None:
        loss = -log_likelihood / tokens
        report(f"H={hidden}: EM {iteration}/{options.em_iterations}, training loss {loss:.3f} nats a token")

    return fit(first, Sequences(both, sizes), padding, options.em_iterations, say)


def measure(
    output: Path, corpus: Corpus, tokenizer: Tokenizer, language_model: GPT2LMHeadModel, options: RebuildOptions
) -> dict[str, float]:
    """Return the metrics of the files in `output`, as they are read back."""
    dev, test = encode(tokenizer, corpus.dev), encode(tokenizer, corpus.test)
    shipped = encode(tokenizer, corpus.test[:SHIPPED_SENTENCES])
    parts = {"dev": dev, "test": test, "shipped": shipped}
    metrics = {f"lm.{part}_perplexity": round(perplexity(language_model, tokens), 3) for part, tokens in parts.items()}
    for hidden in options.hidden_states:
        file = output / hmm_file(hidden)
        found = {**hmm_metrics(read_compact(file), parts), "bytes": file.stat().st_size}
        metrics |= {f"hmm-{hidden}.{name}": value for name, value in found.items()}
    return metrics


def _write_metrics(metrics: dict[str, float], file: Path) -> None:
    made_with = {name: version(name) for name in ("numpy", "tokenizers", "torch", "transformers")}
    provenance = {"date": time.strftime("%Y-%m-%d"), "python": platform.python_version(), **made_with}
    file.write_text(json.dumps({"provenance": provenance, "metrics": metrics}, indent=2) + "\n", encoding="utf-8")
