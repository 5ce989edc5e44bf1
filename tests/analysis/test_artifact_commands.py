"""`normq quantize` and `normq inspect` on a small checkpoint."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from normq import __version__
from normq.analysis.commands.inspect import inspect
from normq.analysis.commands.quantize import quantize
from normq.model.artifact import read_artifact
from normq.model.checkpoint import read_checkpoint, write_checkpoint
from normq.model.config import Layout
from normq.model.errors import ArtifactError, CheckpointError, OptionError
from normq.model.packing.model import unpack_matrix
from normq.model.quantize import normq
from normq.model.synthetic import synthetic_hmm

APP = typer.Typer()
APP.command()(quantize)
APP.command()(inspect)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(synthetic_hmm(24, 60), tmp_path / "source")
    return tmp_path / "source"


@pytest.mark.parametrize("layout", Layout)
def test_quantize_writes_what_norm_q_gives(layout: Layout, checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.safetensors"
    result = run("quantize", checkpoint, "--bits", 5, "--layout", layout.value, "-o", output)
    assert result.exit_code == 0, result.output
    model = read_artifact(output)
    expected = normq.quantize(read_checkpoint(checkpoint), 5)
    assert (model.layout, model.bits, model.eos_token_id) == (layout, 5, 59)
    np.testing.assert_array_equal(unpack_matrix(model.alpha_by_row), expected.alpha.levels)
    np.testing.assert_array_equal(unpack_matrix(model.beta_by_token).T, expected.beta.levels)
    np.testing.assert_array_equal(model.gamma_levels, expected.gamma.levels[0])
    size = output.stat().st_size
    weight = f"{8 * size / (24 * 24 + 24 * 60 + 24):.4g}"
    assert result.output == f"{output}: H=24 V=60 b=5 {layout.value}, {size:,} bytes, {weight} bits per weight\n"
    assert model.provenance["checkpoint"] == "source"
    assert model.provenance["label"] == "synthetic"
    assert model.provenance["tool"] == f"normq {__version__}"
    assert re.fullmatch("[0-9a-f]{64}", model.provenance["checkpoint_sha256"])


def test_equal_input_gives_equal_files(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run("quantize", checkpoint, "--bits", 4, "-o", tmp_path / name).exit_code == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_end_of_text_of_a_checkpoint_without_config(checkpoint: Path, tmp_path: Path) -> None:
    (checkpoint / "config.json").unlink()
    result = run("quantize", checkpoint, "--bits", 4, "-o", tmp_path / "model", "--eos-token-id", 7)
    assert result.exit_code == 0, result.output
    assert read_artifact(tmp_path / "model").eos_token_id == 7


def test_refusals(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    cases = [
        (("--bits", 1, "-o", output), OptionError, "--bits: index bits must be 2..8, got 1"),
        (
            ("--bits", 4, "-o", tmp_path / "no" / "model"),
            OptionError,
            f"--output: {tmp_path / 'no' / 'model'} is in no existing folder, expected {tmp_path / 'no'} to exist",
        ),
        (
            ("--bits", 4, "-o", output, "--eos-token-id", 3),
            CheckpointError,
            f"{checkpoint / 'config.json'}: eos_token_id is 59, 3 was given, expected the same",
        ),
    ]
    for options, kind, message in cases:
        result = run("quantize", checkpoint, *options)
        assert type(result.exception) is kind
        assert str(result.exception) == message
    assert run("quantize", checkpoint, "--bits", 4, "--layout", "ragged", "-o", output).exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def cells(output: str) -> dict[str, list[str]]:
    lines = (line.split() for line in output.splitlines())
    return {line[0]: line[1:] for line in lines if line}


def test_inspect_accounts_for_every_byte(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    run("quantize", checkpoint, "--bits", 5, "-o", output)
    result = run("inspect", output)
    assert result.exit_code == 0, result.output
    assert max(len(line) for line in result.output.splitlines()) <= 80
    table = cells(result.output)
    levels = normq.quantize(read_checkpoint(checkpoint), 5).beta.levels
    nonzero, nonempty = np.count_nonzero(levels), np.count_nonzero(levels.any(axis=0))
    share = f"{1 - nonzero / levels.size:.3%}"
    assert table["beta_by_token"] == ["24", "60", str(nonempty), str(nonzero), share, "16"]
    assert table["beta.rho"][:3] == ["uint16", "24", "48"]
    parts = {name: row for name, row in table.items() if row and row[0] in ("uint8", "uint16", "int16")}
    total = sum(int(row[2].replace(",", "")) for row in parts.values()) + int(table["header"][0].replace(",", ""))
    assert total == output.stat().st_size
    assert len(parts) == 19


def test_inspect_refuses_a_damaged_file(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "model"
    run("quantize", checkpoint, "--bits", 5, "-o", output)
    output.write_bytes(output.read_bytes()[:-1])
    result = run("inspect", output)
    assert type(result.exception) is ArtifactError
    assert str(result.exception) == (
        f"{output}: is not a whole safetensors file "
        "(Error while deserializing header: incomplete metadata, file not fully covered)"
    )
