"""Sentences drawn from a language model: what an HMM that stands for it is trained on (Ctrl-G, arXiv 2406.13892)."""

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from ..reference import MISSING
from .tokenizer import END_OF_TEXT_ID, Tokens

BATCH_ROWS = 1000


def sample(model: PreTrainedModel, count: int, longest: int, seed: int) -> Tokens:
    """Return at most `count` sentences as rows [N, longest] int64, ended and padded as `encode` does.

    Drawn from the model's whole distribution at temperature 1; a draw without its end after `longest` tokens is left
    out.
    """
    draw = torch.Generator().manual_seed(seed)
    starts = range(0, count, BATCH_ROWS)
    rows = [sample_batch(model, min(BATCH_ROWS, count - start), longest, draw) for start in starts]
    tokens = torch.cat(rows).numpy()
    return tokens[np.any(tokens == END_OF_TEXT_ID, axis=1)]


@torch.no_grad()
def sample_batch(
    model: PreTrainedModel, count: int, longest: int, draw: torch.Generator, end: int = END_OF_TEXT_ID
) -> Tensor:
    """Return rows [count, longest] int64: tokens up to the first `end`, if there is one, then MISSING.

    The model is fed `end` first. `draw` is on the model's device.
    """
    tokens = torch.full((count, longest), MISSING, dtype=torch.int64, device=model.device)
    open_rows = torch.arange(count, device=model.device)
    fed = torch.full((count,), end, dtype=torch.int64, device=model.device)
    cache = DynamicCache(config=model.config)
    for t in range(longest):
        # no attention mask: the rows are equally long
        logits = model(fed[:, None], past_key_values=cache, use_cache=True).logits[:, -1]
        fed = _draw(logits, draw)
        tokens[open_rows, t] = fed
        going_on = torch.nonzero(fed != end)[:, 0]
        open_rows, fed = open_rows[going_on], fed[going_on]
        cache.batch_select_indices(going_on)
        if not len(fed):
            break
    return tokens.cpu()


def _draw(logits: Tensor, draw: torch.Generator) -> Tensor:
    """Return a token [N] for each row of logits [N, V]: where its cumulated probability passes a uniform number."""
    cumulated = logits.softmax(-1).cumsum(-1)
    uniform = torch.rand((len(logits), 1), generator=draw, device=logits.device) * cumulated[:, -1:]
    return torch.searchsorted(cumulated, uniform)[:, 0].clamp(max=logits.shape[1] - 1)
