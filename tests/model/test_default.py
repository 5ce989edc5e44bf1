"""The shipped files are what metrics.json and the card say they are; floating point and threads differ, so near it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from normq.model.default.language_model import default_language_model
from normq.model.default.load import (
    FOLDER,
    HIDDEN_STATES,
    default_hmm,
    default_metrics,
    default_sentences,
    default_tokenizer,
)
from normq.model.errors import OptionError
from normq.model.hmm import HMM
from normq.model.training.language_model import perplexity
from normq.model.training.measure import hmm_metrics
from normq.model.training.rebuild import SHIPPED_SENTENCES
from normq.model.training.tokenizer import encode

END_OF_TEXT = 0


@pytest.fixture(scope="module", params=HIDDEN_STATES)
def hmm(request: pytest.FixtureRequest) -> HMM:
    return default_hmm(request.param)


def recorded(hmm: HMM) -> dict[str, float]:
    prefix = f"hmm-{hmm.hidden_states}."
    found = default_metrics().items()
    return {name.removeprefix(prefix): value for name, value in found if name.startswith(prefix)}


def test_shape_and_rows(hmm: HMM) -> None:
    hidden = hmm.hidden_states
    assert (hmm.alpha.shape, hmm.beta.shape, hmm.gamma.shape) == ((hidden, hidden), (hidden, 4096), (hidden,))
    for matrix in (hmm.alpha, hmm.beta, hmm.gamma[np.newaxis]):
        assert matrix.dtype == np.float32
        assert matrix.min() > 0
        np.testing.assert_allclose(matrix.sum(1, dtype=np.float64), 1, atol=1e-6)


def test_last_state_is_the_end_of_text(hmm: HMM) -> None:
    """It emits nothing else and is left less often than once in a million steps; no other state emits it."""
    assert hmm.eos_token_id == END_OF_TEXT
    assert hmm.beta[-1, END_OF_TEXT] > 1 - 1e-6
    assert hmm.beta[:-1, END_OF_TEXT].max() < 1e-3
    assert hmm.alpha[-1, :-1].sum(dtype=np.float64) < 1e-6
    assert hmm.alpha[:-1, -1].sum() > 0.1


def test_perplexity_and_sparsity_are_those_recorded(hmm: HMM) -> None:
    expected = recorded(hmm)
    tokens = encode(default_tokenizer(), default_sentences())
    found = hmm_metrics(hmm, {"shipped": tokens})
    assert found["shipped_perplexity"] == pytest.approx(expected["shipped_perplexity"], rel=1e-3)
    for name in ("alpha_below_1e-5", "beta_below_1e-5"):
        assert found[name] == pytest.approx(expected[name], abs=1e-3)
    file = FOLDER / f"hmm-{hmm.hidden_states}.safetensors"
    assert file.stat().st_size == expected["bytes"]


def test_default_is_a_model_worth_quantizing() -> None:
    """Far better than the frequencies of tokens (test perplexity 587), and sparse."""
    metrics = default_metrics()
    assert metrics["hmm-256.test_perplexity"] < 170
    assert metrics["hmm-64.test_perplexity"] < 220
    assert metrics["lm.test_perplexity"] < 110
    assert metrics["hmm-256.alpha_below_1e-5"] > 0.6
    assert metrics["hmm-256.beta_below_1e-5"] > 0.9


def test_language_model_has_the_recorded_perplexity() -> None:
    torch.set_num_threads(1)
    tokens = encode(default_tokenizer(), default_sentences())
    found = perplexity(default_language_model(), tokens)
    assert found == pytest.approx(default_metrics()["lm.shipped_perplexity"], rel=1e-3)


def test_tokenizer_gives_each_sentence_back() -> None:
    tokenizer, sentences = default_tokenizer(), default_sentences()
    assert tokenizer.get_vocab_size() == 4096
    assert tokenizer.token_to_id("<|endoftext|>") == END_OF_TEXT
    assert len(sentences) == SHIPPED_SENTENCES
    for sentence in [*sentences, "unseen: naïve 東京 \U0001f600"]:
        ids = tokenizer.encode(sentence).ids
        assert END_OF_TEXT not in ids
        assert tokenizer.decode(ids) == " " + sentence


def test_other_size_is_refused() -> None:
    with pytest.raises(OptionError) as error:
        default_hmm(128)
    assert str(error.value) == "hidden states: 128 asked of the default model, expected one of (64, 256)"


def test_license_of_the_text_is_shipped() -> None:
    notice = (FOLDER / "LICENSE-WordNet").read_text()
    assert "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved." in notice
    assert "the same appear on ALL copies" in notice


@pytest.mark.parametrize("hidden", HIDDEN_STATES)
def test_card_shows_the_recorded_figures(hidden: int) -> None:
    card = Path(FOLDER / "README.md").read_text()
    metrics = {name: value for name, value in default_metrics().items()}
    of_hmm = {name: metrics[f"hmm-{hidden}.{name}"] for name in ("dev_perplexity", "test_perplexity")}
    shares = [metrics[f"hmm-{hidden}.{name}_below_1e-5"] for name in ("alpha", "beta")]
    row = f"| HMM, H = {hidden} | {of_hmm['dev_perplexity']:.1f} | {of_hmm['test_perplexity']:.1f} | "
    assert row + f"{shares[0]:.1%} | {shares[1]:.1%} | {metrics[f'hmm-{hidden}.bytes']:,} |" in card
    lm_row = f"| language model | {metrics['lm.dev_perplexity']:.1f} | {metrics['lm.test_perplexity']:.1f} |"
    assert lm_row in card
