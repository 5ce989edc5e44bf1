"""`normq quantize --method`: what is packed, what is written as floats, and what is refused in one line."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from normq.analysis.commands.quantize import METHODS_HELP, quantize
from normq.model.artifact import read_artifact
from normq.model.checkpoint import read_checkpoint, write_checkpoint
from normq.model.default.load import default_hmm
from normq.model.errors import CheckpointError, OptionError, QuantizationError
from normq.model.hmm import ROW_SUM_TOLERANCE
from normq.model.packing.model import unpack_matrix
from normq.model.quantize.methods import METHODS, Method, Setting
from normq.model.synthetic import synthetic_hmm

APP = typer.Typer()
APP.command()(quantize)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(synthetic_hmm(24, 60), tmp_path / "source")
    return tmp_path / "source"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        (("prune-normalized", "--share", 0.9), Setting(share=0.9)),
        (("kmeans-log-normalized", "--bits", 3), Setting(3)),
        (("norm-q", "--bits", 3, "--row-mass-leak"), Setting(3, row_mass_leak=True)),
    ],
)
def test_float_output_is_a_checkpoint_of_the_weights(
    options: tuple[object, ...], setting: Setting, checkpoint: Path, tmp_path: Path
) -> None:
    result = run(checkpoint, "--method", *options, "--float-output", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out'}: H=24 V=60 in float32; not to be quantized again\n"
    wanted = METHODS[str(options[0])].weights(read_checkpoint(checkpoint), setting)
    found = read_checkpoint(tmp_path / "out")
    np.testing.assert_array_equal(found.alpha, wanted.alpha.astype(np.float32))
    np.testing.assert_allclose(found.beta, wanted.beta.astype(np.float32), rtol=2e-6)
    assert found.provenance["method"] == options[0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            ("--method", "none", "--bits", 3),
            OptionError,
            "--method: 'none' given, expected one of norm-q, linear, .*-pseudocount",
        ),
        (
            ("--method", "prune", "--share", 0.9),
            OptionError,
            "--method: prune has only float weights, expected --float-output with it",
        ),
        (
            ("--method", "prune", "--share", 0.9, "--float-output"),
            OptionError,
            r"--float-output: no checkpoint can hold the result \((alpha|beta): row \d+ sums to .*, expected 1 within "
            r"0.001\); `normq generate --engine float64 --method prune` runs it, `normq quality` shows what it costs",
        ),
        ((), OptionError, "--bits: none given, expected 2..8"),
    ],
)
def test_what_cannot_be_is_refused(
    options: tuple[object, ...], error: type[Exception], message: str, checkpoint: Path, tmp_path: Path
) -> None:
    result = run(checkpoint, *options, "-o", tmp_path / "out")
    assert isinstance(result.exception, error)
    assert re.fullmatch(message, str(result.exception))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("float_output", [(), ("--float-output",)], ids=["packed", "floats"])
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_what_a_method_cannot_write_is_refused_before_anything_is_read(
    method: Method, float_output: tuple[str, ...], tmp_path: Path
) -> None:
    """There is no checkpoint here: who goes on to read one is told so instead."""
    options = ("--bits", 8) if method.levels else ()
    error = run(tmp_path / "none", "--method", method.name, *options, *float_output, "-o", tmp_path / "out").exception
    use = f"`normq generate --engine float64 --method {method.name}` runs it, `normq quality` shows what it costs"
    if method.levels is None and method.no_checkpoint:
        expected = f"--method: {method.name} can be written to no file ({method.no_checkpoint}); {use}"
    elif method.no_checkpoint and float_output:
        expected = (
            f"--float-output: no checkpoint can hold {method.name} ({method.no_checkpoint}), expected to pack it, "
            f"without --float-output; {use}"
        )
    elif method.levels is None and not float_output:
        expected = f"--method: {method.name} has only float weights, expected --float-output with it"
    else:
        assert isinstance(error, CheckpointError)
        return
    assert isinstance(error, OptionError)
    assert str(error) == expected


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_does_on_the_default_model_what_is_said_of_it(method: Method, tmp_path: Path) -> None:
    write_checkpoint(default_hmm(), tmp_path / "default")
    setting = Setting(share=0.5) if method.name.startswith("prune") else Setting(8)
    options = ("--share", 0.5) if setting.share else ("--bits", 8)
    if method.no_checkpoint is None:
        out = tmp_path / "out"
        result = run(tmp_path / "default", "--method", method.name, *options, "--float-output", "-o", out)
        assert result.exit_code == 0, result.exception
        wanted = method.weights(read_checkpoint(tmp_path / "default"), setting)
        np.testing.assert_array_equal(read_checkpoint(out).alpha, wanted.alpha.astype(np.float32))
    else:
        rows = method.weights(default_hmm(), setting).alpha.sum(axis=1)
        assert np.abs(rows - 1).max() > ROW_SUM_TOLERANCE


def test_help_says_which_methods_write_what() -> None:
    packed, floats = METHODS_HELP.split(". With --float-output: ")
    floats, rest = floats.split("; of these, ")
    assert packed.split(", ")[:3] == ["Packed: norm-q", "linear", "linear-normalized"]
    assert {"norm-q", "kmeans-log-normalized-float", "prune"} < set(floats.split(", "))
    assert not {"linear", "kmeans-log", "kmeans-log-float", "layerwise-vector"} & set(floats.split(", "))
    assert rest.endswith(" The others of `normq generate --method` have no file.")


@pytest.mark.parametrize("guard", [(), ("--guard",)], ids=["alone", "guard"])
def test_row_leaks_are_packed(guard: tuple[str, ...], checkpoint: Path, tmp_path: Path) -> None:
    result = run(checkpoint, "--row-mass-leak", *guard, "--bits", 3, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.exception
    model, hmm = read_artifact(tmp_path / "out"), read_checkpoint(checkpoint)
    quantized = METHODS["norm-q"].quantize(hmm, Setting(3, guard=bool(guard), row_mass_leak=True))
    np.testing.assert_array_equal(model.alpha_rows.leaks, quantized.alpha.leak_units)
    np.testing.assert_array_equal(model.beta_rows.leaks, quantized.beta.leak_units)
    assert model.gamma_rows.leaks is None
    assert (model.end_state is None) == (not guard)


def test_nothing_is_packed_as_another_model(checkpoint: Path, tmp_path: Path) -> None:
    """What a method has no place for is refused, never dropped."""
    result = run(checkpoint, "--row-mass-leak", "--method", "linear", "--bits", 3, "-o", tmp_path / "out")
    assert isinstance(result.exception, QuantizationError)
    assert not (tmp_path / "out").exists()


def test_the_guard_is_packed(checkpoint: Path, tmp_path: Path) -> None:
    result = run(checkpoint, "--guard", "--bits", 3, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.exception
    assert read_artifact(tmp_path / "out").end_state == 23


@pytest.mark.parametrize("method", [method.name for method in METHODS.values() if method.levels])
def test_every_method_with_a_codebook_is_packed(method: str, checkpoint: Path, tmp_path: Path) -> None:
    result = run(checkpoint, "--method", method, "--bits", 4, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.exception
    model, quantized = (
        read_artifact(tmp_path / "out"),
        METHODS[method].quantize(read_checkpoint(checkpoint), Setting(4)),
    )
    assert model.method == method
    for name, tensor in (("alpha", quantized.alpha), ("beta", quantized.beta), ("gamma", quantized.gamma)):
        np.testing.assert_array_equal(getattr(model, f"{name}_codebook"), tensor.integer_levels)
        assert getattr(model, name).pseudocount == tensor.effective_pseudocount
        assert getattr(model, f"{name}_rule").normalized == (tensor.scale is None)
    np.testing.assert_array_equal(unpack_matrix(model.alpha_by_row), quantized.alpha.levels)
