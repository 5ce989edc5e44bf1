"""`normq golden` on the reference vectors, and what it says of wrong options."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.model.artifact import write_artifact
from normq.model.config import Layout
from normq.model.errors import OptionError
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor

VECTORS = Path(__file__).parents[1] / "vectors"


@pytest.fixture
def reference() -> dict[str, Any]:
    return dict(np.load(VECTORS / "b3.npz"))


@pytest.fixture
def artifact(reference: dict[str, Any], tmp_path: Path) -> Path:
    tensors = (QuantizedTensor(reference[f"levels_{name}"], 3) for name in ("alpha", "beta", "gamma"))
    quantized = QuantizedHMM(*tensors, eos_token_id=int(reference["eos"]))
    file = tmp_path / "model.safetensors"
    write_artifact(pack_model(quantized, Layout.SPARSE, {}), file)
    return file


def run(artifact: Path, tokens: str, output: Path) -> Any:
    return CliRunner().invoke(app, ["golden", str(artifact), "--tokens", tokens, "-o", str(output)])


def test_writes_the_reference_run(reference: dict[str, Any], artifact: Path, tmp_path: Path) -> None:
    output = tmp_path / "run.npz"
    result = run(artifact, ",".join(map(str, reference["tokens"])), output)
    assert (result.exit_code, result.output) == (0, f"{output}: 5 tokens, 24 states, 61 scores a step\n")
    written = np.load(output)
    assert sorted(written) == ["codes", "exponents", "score_exponents", "scores"]
    for name in written:
        np.testing.assert_array_equal(written[name], reference[name])
    assert [written[name].dtype.name for name in written] == ["uint16", "int32", "uint16", "int32"]


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("5,61,3", "--tokens: token 1 is 61, expected 0..60"),
        ("5,,3", "--tokens: '' in '5,,3', expected token numbers with commas between"),
        ("", "--tokens: '' in '', expected token numbers with commas between"),
        ("5,-1", "--tokens: '-1' in '5,-1', expected token numbers with commas between"),
        ("5,1.5", "--tokens: '1.5' in '5,1.5', expected token numbers with commas between"),
        ("²", "--tokens: '²' in '²', expected token numbers with commas between"),
    ],
)
def test_wrong_tokens(tokens: str, message: str, artifact: Path, tmp_path: Path) -> None:
    result = run(artifact, tokens, tmp_path / "run.npz")
    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == message
    assert sorted(tmp_path.iterdir()) == [artifact]


def test_wrong_output(artifact: Path, tmp_path: Path) -> None:
    folder = tmp_path / "none"
    result = run(artifact, "1", folder / "run.npz")
    assert str(result.exception) == f"--output: {folder}/run.npz is in no existing folder, expected {folder} to exist"
    taken = tmp_path / "taken"
    taken.mkdir()
    assert str(run(artifact, "1", taken).exception).startswith(f"--output: {taken} cannot be written (")
    assert sorted(tmp_path.iterdir()) == [artifact, taken]
