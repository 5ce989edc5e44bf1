"""The shipped language model; apart from load.py because importing transformers takes seconds."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

from ..atomic import replacing
from .load import FOLDER, LANGUAGE_MODEL_FOLDER

CONFIG_FILE = "config.json"
TENSOR_FILE = "model.safetensors"

TIED = "lm_head.weight"
"""The output matrix is the token embedding."""


def default_language_model(folder: Path = FOLDER / LANGUAGE_MODEL_FOLDER) -> GPT2LMHeadModel:
    """Return the GPT-2 in `folder` in float32, ready to evaluate."""
    model = GPT2LMHeadModel(GPT2Config(**json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))))
    tensors = {name: tensor.float() for name, tensor in load_file(folder / TENSOR_FILE).items()}
    model.load_state_dict({**tensors, TIED: tensors["transformer.wte.weight"]})
    return model.eval()


def write_language_model(model: GPT2LMHeadModel, folder: Path) -> None:
    """Write `model` in float16 as transformers' from_pretrained reads it too; `folder` is made if absent."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.to(torch.float16).contiguous() for name, tensor in model.state_dict().items()}
    del tensors[TIED]
    with replacing(folder / TENSOR_FILE) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt"})
    config = {**model.config.to_diff_dict(), "architectures": ["GPT2LMHeadModel"], "dtype": "float16"}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
