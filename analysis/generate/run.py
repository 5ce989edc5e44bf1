"""Sentences of a request: `transformers.generate` under a guided logits processor."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessorList, PreTrainedModel

from ...model.decoding.automaton import Automaton, Pattern
from ...model.decoding.processor import GuidedLogits
from ...model.errors import OptionError
from ...model.hmm import HMM
from ...model.packing.matrix import PackedModel
from ...model.training.distill import end_of_text, language_model
from .choices import EngineKind
from .concepts import constraint, holds, holds_words
from .engines import equip, model_of
from .request import Request
from .tokens import TextTokens

FINISHED = -1e6
"""Scores of beam search below this are placeholders (-1e9 over a length), no texts."""

Report = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True)
class Sentence:
    """One text."""

    text: str
    tokens: Pattern
    """Without end-of-text."""
    lm_mean: float
    """Mean natural log-probability of a token under the language model alone, end-of-text included where it came."""
    success: bool
    """A form of every concept is a substring."""
    whole_words: bool
    """A form of every concept is a word."""


@dataclass(frozen=True, eq=False)
class Sentences:
    """What came of a request."""

    sentences: tuple[Sentence, ...]
    """The best by the language model first; of drawn ones in the order of drawing."""
    automaton: Automaton
    table_bytes: int
    """Of the backward table, as the engine that guides holds it."""
    packed_table_bytes: int | None
    """As the accelerator holds it; None where floats guide and nobody counted."""
    dead: int
    """Beams that died."""
    steps: int
    """Token steps taken."""
    predicted: dict[str, int] | None
    """Cycles by part of the work, of the timing model."""
    simulated: dict[str, int] | None
    """Of the RTL."""


def write_sentences(request: Request, folder: Path, report: Report) -> Sentences:
    """Write sentences; `folder` is for a simulator's files.

    Raises OptionError for models and options that do not fit each other, DeadConstraint where no text can meet the
    constraint, SimulationError where the RTL differs from golden.
    """
    report("models")
    torch.set_num_threads(1)
    model, tokens = language_model(request.language_model), TextTokens.of(request.language_model)
    hmm = model_of(request)
    prompt = _prompt(request, model, hmm, tokens)
    automaton = _automaton(request, tokens)
    report(f"table of {automaton.states} states{_once(request)}")
    equipped = equip(request, hmm, automaton, folder)
    engine = equipped.engine
    processor = GuidedLogits(engine, len(prompt), 1 if request.samples else request.beams)
    report("sentences")
    texts, steps = _generate(request, model, processor, prompt)
    found = [_sentence(request, model, prompt, text, engine.eos_token_id, tokens) for text in texts]
    if not request.samples:
        found.sort(key=lambda one: one.lm_mean, reverse=True)
    return Sentences(
        tuple(found),
        automaton,
        engine.table_bytes,
        None if equipped.datapath_engine is None else equipped.datapath_engine.table_bytes,
        sum(processor.dead),
        steps,
        _plain(equipped.predicted),
        _plain(equipped.simulated),
    )


def _once(request: Request) -> str:
    """Return what may take minutes the first time."""
    parts = [
        *(["the engine is built for simulation"] if request.engine is EngineKind.RTL else []),
        *(["the timing model is compiled"] if request.counts_cycles else []),
    ]
    return f"; once, some minutes: {', '.join(parts)}" if parts else ""


def _automaton(request: Request, tokens: TextTokens) -> Automaton:
    automaton = constraint(request.concepts, tokens, whole_words=request.whole_words)
    fewest, longest = automaton.fewest_tokens, request.lengths.greatest
    if fewest is None or fewest > longest:
        raise OptionError(f"--longest: {longest} given, the concepts take {fewest} tokens at least")
    return automaton


def _prompt(request: Request, model: PreTrainedModel, hmm: HMM | PackedModel, tokens: TextTokens) -> Pattern:
    """Return end-of-text, as texts begin for the language model, and what it is to read before them.

    Raises OptionError where the two models do not fit each other or the lengths.
    """
    eos = hmm.eos_token_id
    if (found := end_of_text(model, None)) != eos:
        raise OptionError(f"--model: ends texts with token {eos}, the language model with {found}, expected the same")
    if hmm.vocab_size > model.config.vocab_size:
        has = f"{hmm.vocab_size} tokens, the language model {model.config.vocab_size}"
        raise OptionError(f"--model: has {has}, expected no more than that")
    prompt = (eos, *(tokens.encode(request.prompt) if request.prompt else ()))
    # what reads pictures or sound, too, keeps the sizes of its text part apart
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    needed = len(prompt) + request.lengths.steps(request.eos)
    if longest is not None and needed > longest:
        raise OptionError(f"--longest: {needed} tokens with the prompt, the language model holds {longest}")
    return prompt


def _generate(request: Request, model: Any, processor: GuidedLogits, prompt: Pattern) -> tuple[list[Pattern], int]:
    """Return generated tokens, end-of-text included where it came, and the token steps that were taken."""
    torch.manual_seed(request.seed)
    ids = torch.tensor([prompt])
    count = request.samples or request.beams
    settings: dict[str, Any] = (
        {"do_sample": True, "top_k": 0}
        if request.samples
        else {"do_sample": False, "num_beams": request.beams, "early_stopping": "never" if request.beams > 1 else None}
    )
    found = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        logits_processor=LogitsProcessorList([processor]),
        max_new_tokens=processor.max_new_tokens,
        eos_token_id=processor.engine.eos_token_id,
        pad_token_id=processor.engine.eos_token_id,
        num_return_sequences=count if request.samples or request.beams > 1 else 1,
        return_dict_in_generate=True,
        output_scores=True,
        **settings,
    )
    rows: Tensor = found.sequences[:, len(prompt) :]
    scores = getattr(found, "sequences_scores", None)
    if scores is not None:
        rows = rows[scores > FINISHED]
    eos = processor.engine.eos_token_id
    texts = [tuple(row[: row.index(eos) + 1] if eos in row else row) for row in rows.tolist()]
    return list(dict.fromkeys(texts)) if not request.samples else texts, len(found.scores)


@torch.no_grad()
def _sentence(
    request: Request, model: PreTrainedModel, prompt: Pattern, text: Pattern, eos: int, tokens: TextTokens
) -> Sentence:
    logits = model(torch.tensor([[*prompt, *text]])).logits[0, len(prompt) - 1 : -1].double().log_softmax(-1)
    mean = float(logits[torch.arange(len(text)), torch.tensor(text)].mean())
    words = text[:-1] if text[-1:] == (eos,) else text
    spelled = tokens.decode(words)
    success, whole = (check(spelled, request.concepts, tokens) for check in (holds, holds_words))
    return Sentence(spelled, words, mean, success, whole)


def _plain(cycles: Counter[str] | None) -> dict[str, int] | None:
    return None if cycles is None else dict(cycles)
