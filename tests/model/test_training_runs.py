"""Runs on disk: a killed one goes on to the same bits, two processes reach the bits of one, hmmlearn the same model."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hmmlearn.hmm import CategoricalHMM

from normq.model.artifact import read_artifact
from normq.model.checkpoint import read_checkpoint
from normq.model.errors import TrainingError
from normq.model.packing.model import unpack_matrix
from normq.model.training.aware import Quantization
from normq.model.training.counts import Counts, random_parameters
from normq.model.training.em import fit
from normq.model.training.processes import join, leave
from normq.model.training.run import TrainingRun
from normq.model.training.sequences import Sequences
from normq.model.training.train import TrainOptions, TrainState

OPTIONS = TrainOptions(
    chunks=6, chunk_sequences=40, dropout=0.1, padded_length=8, quantization=Quantization(4, 4), seed=5
)
START = random_parameters(6, 12, 0, 0)


def data(rows: int, seed: int) -> Sequences:
    draw = np.random.default_rng(seed)
    return Sequences(torch.from_numpy(draw.integers(1, 12, (rows, 6))), torch.from_numpy(draw.integers(1, 7, rows)))


def a_run(output: Path) -> TrainingRun:
    return TrainingRun(output, data(90, 0), data(20, 1), 0, OPTIONS, {"start": "random"})


def ignore(state: TrainState) -> None:
    pass


def ignore_iteration(iteration: int, log_likelihood: float) -> None:
    pass


def killed_in_chunk_4(output: str) -> None:
    """What another process runs: it is gone without a word once chunk 3 is kept."""

    def kill(state: TrainState) -> None:
        if state.chunk == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    a_run(Path(output)).run(lambda: START, kill)


def test_killed_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    whole = a_run(tmp_path / "whole").run(lambda: START, ignore)
    code = f"import runpy; runpy.run_path({__file__!r})['killed_in_chunk_4']({str(tmp_path / 'cut')!r})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    state = tmp_path / "cut" / "training"
    assert sorted(file.name for file in state.iterdir()) == ["chunk-000003.safetensors", "training.json"]
    # as if it had been killed between the tensors of chunk 4 and the word that they are there
    (state / "chunk-000004.safetensors").write_bytes(b"half")
    (state / ".training.json.x.tmp").write_bytes(b"{")
    seen: list[int] = []
    last = a_run(tmp_path / "cut").run(pytest.fail, lambda state: seen.append(state.chunk))
    assert seen == [3, 4, 5, 6]
    assert last.curve == whole.curve
    assert sorted(file.name for file in state.iterdir()) == ["chunk-000006.safetensors", "training.json"]
    files = ("model.safetensors", "config.json", "packed.safetensors", "training/chunk-000006.safetensors")
    for name in files:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_levels_of_the_last_chunk_are_packed(tmp_path: Path) -> None:
    last = a_run(tmp_path).run(lambda: START, ignore)
    assert last.quantized is not None
    packed = read_artifact(tmp_path / "packed.safetensors")
    np.testing.assert_array_equal(unpack_matrix(packed.alpha_by_row), last.quantized.alpha.levels)
    np.testing.assert_array_equal(read_checkpoint(tmp_path).alpha, last.model.alpha.numpy())
    # finished: nothing is computed again, and the result is the same
    again = a_run(tmp_path).run(pytest.fail, ignore)
    assert torch.equal(again.model.beta, last.model.beta)
    np.testing.assert_array_equal(again.quantized.beta.levels, last.quantized.beta.levels)  # pyright: ignore[reportOptionalMemberAccess]


def test_state_of_another_run_is_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.run(lambda: START, ignore)
    other = dataclasses.replace(run, options=dataclasses.replace(OPTIONS, dropout=0.2))
    with pytest.raises(TrainingError) as raised:
        other.run(lambda: START, ignore)
    file = tmp_path / "training" / "training.json"
    assert str(raised.value) == f"{file}: dropout is 0.1, 0.2 was given, expected the same run or another folder"


@pytest.mark.parametrize("damage", ["json", "tensors", "curve"])
def test_damaged_state_is_refused(damage: str, tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.run(lambda: START, ignore)
    file = tmp_path / "training" / "training.json"
    if damage == "json":
        file.write_text("{")
    elif damage == "tensors":
        (tmp_path / "training" / "chunk-000006.safetensors").write_bytes(b"x")
    else:
        file.write_text(json.dumps({**json.loads(file.read_text()), "curve": []}))
    with pytest.raises(TrainingError) as raised:
        run.run(lambda: START, ignore)
    assert str(raised.value).startswith(f"{file}: cannot be gone on from (")
    assert str(raised.value).endswith("), expected a whole state of training; remove its folder to start anew")


def train_in_processes(output: str) -> None:
    """What each process that torchrun starts runs."""
    processes = join(os.environ, "gloo")
    run = dataclasses.replace(a_run(Path(output)), processes=processes)
    run.run(lambda: START, ignore)
    leave(processes)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.full)])
def test_processes_reach_the_bits_of_one(count: int, tmp_path: Path) -> None:
    a_run(tmp_path / "one").run(lambda: START, ignore)
    script = tmp_path / "each.py"
    script.write_text(f"import runpy; runpy.run_path({__file__!r})['train_in_processes']({str(tmp_path / 'more')!r})")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", str(script)]
    subprocess.run(command, check=True, capture_output=True)
    for name in ("model.safetensors", "packed.safetensors", "training/training.json"):
        assert (tmp_path / "more" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_hmmlearn_learns_the_same() -> None:
    """Three iterations of someone else's EM, in float64."""
    given = data(30, 3)
    start = random_parameters(6, 12, 0, 1)
    theirs = CategoricalHMM(6, n_features=12, n_iter=3, tol=-np.inf, init_params="", implementation="scaling")
    theirs.startprob_, theirs.transmat_, theirs.emissionprob_ = (
        tensor.double().numpy() / tensor.double().numpy().sum(-1, keepdims=True)
        for tensor in (start.gamma, start.alpha, start.beta)
    )
    flat = np.concatenate([row[:n].numpy() for row, n in zip(given.tokens, given.lengths, strict=True)])
    theirs.fit(flat[:, np.newaxis], given.lengths.numpy())
    none = Counts(torch.zeros(6), torch.zeros(6, 6), torch.zeros(6, 12))
    ours = fit(start, given, none, 3, ignore_iteration, pseudocount=0.0)
    np.testing.assert_allclose(ours.gamma.numpy(), theirs.startprob_, atol=2e-6)
    np.testing.assert_allclose(ours.alpha.numpy(), theirs.transmat_, atol=2e-6)
    np.testing.assert_allclose(ours.beta.numpy(), theirs.emissionprob_, atol=2e-6)
