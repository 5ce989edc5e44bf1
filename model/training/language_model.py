"""A small GPT-2 trained from nothing on the sentences, one CPU core, seeded.

A sentence is fed with end of text before it, as Ctrl-G's language models have it, and is asked for with end of text
after it. Perplexities count every token of a sentence and its end of text.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import transformers
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import GPT2LMHeadModel, PreTrainedModel

from ..reference import MISSING
from .tokenizer import END_OF_TEXT_ID, Tokens, lengths

Report = Callable[[str], None]
"""Takes one line of progress."""


@dataclass(frozen=True)
class LanguageModelOptions:
    """Size of the model and its training."""

    width: int = 128
    layers: int = 3
    heads: int = 2
    positions: int = 64
    epochs: int = 6
    batch_tokens: int = 1024
    """Tokens of a batch, about: batches hold sentences of nearly equal length."""
    learning_rate: float = 3e-3
    """The peak: a tenth of the steps rise to it, the rest fall to 0 linearly."""
    weight_decay: float = 0.1
    dropout: float = 0.1


def new_language_model(vocab_size: int, options: LanguageModelOptions) -> GPT2LMHeadModel:
    """Return an untrained model, drawn from torch's global generator."""
    config = transformers.GPT2Config(
        vocab_size=vocab_size,
        n_positions=options.positions,
        n_embd=options.width,
        n_layer=options.layers,
        n_head=options.heads,
        embd_pdrop=options.dropout,
        attn_pdrop=options.dropout,
        resid_pdrop=options.dropout,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
    )
    return GPT2LMHeadModel(config)


def train_language_model(
    tokens: Tokens, vocab_size: int, options: LanguageModelOptions, seed: int, report: Report
) -> GPT2LMHeadModel:
    """Return a model trained on `tokens` [N, T], rows as `encode` makes them; torch's global seed is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = new_language_model(vocab_size, options)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=options.weight_decay
        )
        steps = options.epochs * len(list(batches(lengths(tokens), options.batch_tokens)))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rise_and_fall(step / steps))
        draw = np.random.default_rng(seed)
        for epoch in range(options.epochs):
            loss = _train_epoch(model, optimizer, schedule, tokens, options.batch_tokens, draw)
            report(f"language model: epoch {epoch + 1}/{options.epochs}, training loss {loss:.3f} nats a token")
    return model.eval()


def _rise_and_fall(progress: float) -> float:
    return min(progress / 0.1, (1 - progress) / 0.9) if progress < 1 else 0.0


def _train_epoch(
    model: GPT2LMHeadModel,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    tokens: Tokens,
    batch_tokens: int,
    draw: np.random.Generator,
) -> float:
    model.train()
    total, count = 0.0, 0
    # a batch's sentences are drawn anew each epoch: ties of length are broken by the permutation
    order = draw.permutation(len(tokens))
    chunks = [order[rows] for rows in batches(lengths(tokens)[order], batch_tokens)]
    for number in draw.permutation(len(chunks)):
        batch = trimmed(tokens[chunks[number]])
        loss = token_losses(model, batch).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        asked = int((batch != MISSING).sum())
        total, count = total + float(loss.detach()) * asked, count + asked
    return total / count


def batches(sizes: Tokens, batch_tokens: int) -> Iterator[Tokens]:
    """Yield row numbers in batches of nearly equal size: rows [N] sorted by size, at most `batch_tokens` with padding.

    A row larger than `batch_tokens` is a batch of its own.
    """
    order = np.argsort(sizes, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * sizes[order[end]] > batch_tokens:
            yield order[start:end]
            start = end


def trimmed(tokens: Tokens) -> Tensor:
    """Return rows [N, T] as a tensor, without the columns that are MISSING in all of them."""
    return torch.from_numpy(tokens[:, : lengths(tokens).max()])


def fed(tokens: Tensor, start: int = END_OF_TEXT_ID) -> Tensor:
    """Return what the model is fed to be asked for `tokens` [N, T]: token `start`, then all but the last column."""
    first = torch.full_like(tokens[:, :1], start)
    return torch.cat([first, tokens[:, :-1].clamp(min=0)], dim=1)


def token_losses(model: GPT2LMHeadModel, tokens: Tensor) -> Tensor:
    """Return -ln p(token | tokens before it) of every token of rows [N, T] that is not MISSING, flat."""
    # rows are padded at their end, and a position sees none after it: no attention mask
    logits = model(fed(tokens)).logits
    known = tokens != MISSING
    return cross_entropy(logits[known], tokens[known], reduction="none")


@torch.no_grad()
def perplexity(model: GPT2LMHeadModel, tokens: Tokens) -> float:
    """Return exp(mean -ln p) over all tokens of rows [N, T]."""
    chunks = batches(lengths(tokens), 4096)
    losses = [token_losses(model, trimmed(tokens[rows])) for rows in chunks]
    return math.exp(float(torch.cat(losses).double().mean()))


@torch.no_grad()
def hidden_states(model: PreTrainedModel, tokens: Tokens, start: int = END_OF_TEXT_ID) -> Tensor:
    """Return [N, T, width] float32: the last layer's state from which the model asks for each token of rows [N, T].

    The model is fed token `start` before each row.
    """
    states = torch.zeros(*tokens.shape, model.config.hidden_size)
    for rows in batches(lengths(tokens), 4096):
        batch = trimmed(tokens[rows])
        # without the output matrix, which only makes the logits
        found = model.base_model(fed(batch, start).to(model.device)).last_hidden_state
        states[torch.from_numpy(rows), : batch.shape[1]] = found.float().cpu()
    return states
