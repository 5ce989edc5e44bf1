"""One piece of the study's work, in a worker process: models are loaded once a process, weights kept while in use."""

from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ...model.artifact import write_artifact
from ...model.config import Layout
from ...model.decoding.builders import keyword_automaton
from ...model.decoding.float_engine import FloatEngine
from ...model.decoding.guide import Guide
from ...model.decoding.search import search
from ...model.decoding.stacked import Stacked, stack
from ...model.default.language_model import default_language_model
from ...model.default.load import default_sentences, default_tokenizer
from ...model.errors import PackingError
from ...model.packing.model import pack_model
from ...model.quantize.dequantize import float_weights
from ...model.quantize.methods import METHODS
from ...model.quantize.tensor import QuantizedHMM
from ...model.training.tokenizer import encode
from ...model.weights import FloatWeights
from .concepts import read_sets
from .levels import hmm_of, levels_of
from .likelihood import hmm_metrics, next_tokens
from .spec import BEAMS, CHUNK, FLOAT_METHOD, LANGUAGE_MODEL, LENGTHS, Configuration

Fields = dict[str, Any]


def compute_texts(configuration: Configuration, chunk: int, folder: Path) -> list[Fields]:
    """Return for each concept set of a chunk its number, text, mean log-probability and dead beams."""
    torch.set_num_threads(1)
    numbers, stacked = _stacked(chunk)
    guide = None if configuration.source == LANGUAGE_MODEL else _guide(configuration, folder)
    engine = FloatEngine.of(guide, stacked, LENGTHS, configuration.eos) if guide else None
    texts = search(_language_model(), engine, len(numbers), BEAMS, LENGTHS)
    tokenizer = _tokenizer()
    return [
        {
            "set": number,
            "text": tokenizer.decode(list(text.tokens)).strip(),
            "lm_mean": text.lm_mean,
            "dead": text.dead,
            "tokens": len(text.tokens),
        }
        for number, text in zip(numbers, texts, strict=True)
    ]


def compute_metrics(configuration: Configuration, folder: Path) -> Fields:
    """Return the metrics of a configuration's HMM; KL is to the float model of the same source."""
    torch.set_num_threads(1)
    weights = _weights(configuration, folder)
    found = hmm_metrics(_guide(configuration, folder), weights, _original(configuration.source, folder), _held_out())
    return {**asdict(found), **_bytes(configuration, folder)}


def _bytes(configuration: Configuration, folder: Path) -> Fields:
    """Return the bytes in both layouts, of methods whose levels the packed file holds."""
    return packed_bytes(levels_of(configuration, folder)) if configuration.has_levels else {}


def packed_bytes(quantized: QuantizedHMM) -> Fields:
    """Return for each layout that holds the levels the bytes of matrices and row constants, and of the file."""
    sizes: Fields = {}
    with TemporaryDirectory() as folder:
        for layout in Layout:
            try:
                packed = pack_model(quantized, layout, {})
            except PackingError:
                continue
            parts = (packed.alpha_by_column, packed.alpha_by_row, packed.beta_by_token)
            rows = 2 * packed.hidden_states * 4 + packed.hidden_states
            sizes[f"{layout.value}_bytes"] = sum(part.data.nbytes + part.nonempty.nbytes for part in parts) + rows
            file = Path(folder) / layout.value
            write_artifact(packed, file)
            sizes[f"{layout.value}_file_bytes"] = file.stat().st_size
    return sizes


@lru_cache(maxsize=2)
def _weights(configuration: Configuration, folder: Path) -> FloatWeights:
    if configuration.has_levels:
        return float_weights(levels_of(configuration, folder))
    hmm = hmm_of(configuration.source, folder)
    if configuration.method == FLOAT_METHOD:
        return FloatWeights.from_hmm(hmm)
    return METHODS[configuration.method].weights(hmm, configuration.setting)


@lru_cache(maxsize=2)
def _guide(configuration: Configuration, folder: Path) -> Guide:
    method = METHODS.get(configuration.method)
    activation = method.activation(configuration.setting) if method else None
    return Guide.of(_weights(configuration, folder), activation)


@lru_cache(maxsize=2)
def _original(source: str, folder: Path) -> Tensor:
    return next_tokens(Guide.of(FloatWeights.from_hmm(hmm_of(source, folder))), _held_out())


@cache
def _held_out() -> Tensor:
    return torch.from_numpy(encode(_tokenizer(), default_sentences()))


@cache
def _stacked(chunk: int) -> tuple[range, Stacked]:
    sets = read_sets()
    numbers = range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(sets)))
    tokenizer = _tokenizer()
    automata = [
        keyword_automaton([[tuple(tokenizer.encode(form).ids) for form in forms] for forms in sets[number].concepts])
        for number in numbers
    ]
    return numbers, stack(automata)


_tokenizer = cache(default_tokenizer)
_language_model = cache(default_language_model)
