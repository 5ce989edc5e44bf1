"""Every impossible option of rtl, cosim and run is refused with the whole reason, before any long work."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.model.artifact import write_artifact
from normq.model.config import Layout
from normq.model.errors import ArtifactError, NormqError, OptionError
from normq.model.packing.model import pack_model
from normq.model.synthetic import synthetic_levels


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("artifact") / "model"
    write_artifact(pack_model(synthetic_levels(24, 60, 4), Layout.SPARSE, {}), path)
    return path


RTL = [
    (["--lanes", "3"], "--lanes: must be a power of two up to 64, got 3"),
    (["--entries-per-cycle", "16"], "--entries-per-cycle: must be a power of two up to 8, got 16"),
    (["--elements-per-cycle", "0"], "--elements-per-cycle: must be a power of two up to 8, got 0"),
    (["--port-bits", "100"], "--port-bits: must be 64, 128, 256 or 512, got 100"),
    (["--hidden-capacity", "100"], "--hidden-capacity: must be a power of two in 64..65536, got 100"),
    (["--vocab-capacity", "1"], "--vocab-capacity: must be 2..1048576, got 1"),
    (["--outstanding-reads", "0"], "--outstanding-reads: must be 1..64, got 0"),
    (["--outstanding-reads", "65"], "--outstanding-reads: must be 1..64, got 65"),
    (["--stream-buffer-bytes", "256"], "--stream-buffer-bytes: must be a power of two in 512..65536, got 256"),
    (["--stream-buffer-bytes", "1000"], "--stream-buffer-bytes: must be a power of two in 512..65536, got 1000"),
    (["--local-bytes", "5000"], "--local-bytes: must be 0 or a power of two in 4096..8388608, got 5000"),
    (
        ["--least-index-bits", "5", "--greatest-index-bits", "4"],
        "index widths must satisfy 2 <= least_index_bits <= greatest_index_bits <= 8, got 5 and 4",
    ),
    (["--code", "5"], "--code: '5' given, expected exponent bits and significand bits, as in 5,12"),
    (["--code", "5,x"], "--code: 'x' in '5,x', expected exponent bits and significand bits, as in 5,12"),
    (["--code", "6,12"], "--code: exponent_bits must be 3..5, got 6"),
    (["--code", "5,13"], "--code: significand_bits must be 2..12, got 13"),
]

COSIM = [
    (["--stalls", "256"], "--stalls: 256 given, expected 0..255, 256ths of the cycles"),
    (["--waves"], "--waves: needs --output, the folder for dump.fst"),
    (["--tokens", "1,,2"], "--tokens: '' in '1,,2', expected token numbers with commas between"),
    (["--tokens", "7,60"], "--tokens: token 1 is 60, expected 0..59"),
    (["--batch", "0"], "--batch: 0 given, expected at least 1"),
    (["--tokens", "7", "--batch", "2"], "--batch: not with --tokens, which say how many vectors there are"),
    (["--port-bits", "32"], "--port-bits: must be 64, 128, 256 or 512, got 32"),
]

RUN = [
    (["--bits", "9"], "--bits: index bits must be 2..8, got 9"),
    (["--hidden", "128"], "--hidden: 128 given, expected one of 64, 256, 1024, 4096, 16384"),
]


def refused(*arguments: object) -> NormqError:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, NormqError), result.output
    assert result.output == ""
    return result.exception


@pytest.mark.parametrize(("options", "message"), RTL)
def test_rtl(options: list[str], message: str, tmp_path: Path) -> None:
    error = refused("rtl", "-o", tmp_path / "out", *options)
    assert (type(error), str(error)) == (OptionError, message)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "message"), COSIM)
def test_cosim(options: list[str], message: str, artifact: Path) -> None:
    error = refused("cosim", artifact, *options)
    assert (type(error), str(error)) == (OptionError, message)


@pytest.mark.parametrize(("options", "message"), RUN)
def test_run(options: list[str], message: str, tmp_path: Path) -> None:
    error = refused("run", "-o", tmp_path / "out", *options)
    assert (type(error), str(error)) == (OptionError, message)
    assert not (tmp_path / "out").exists()


def test_cosim_needs_an_artifact(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    error = refused("cosim", missing)
    assert type(error) is ArtifactError
    assert str(error) == f"{missing}: no such file, expected a packed model as written by normq quantize"


@pytest.mark.parametrize("command", ["rtl", "run"])
def test_output_that_is_a_file(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refused(command, "-o", tmp_path / "file")
    assert (type(error), str(error)) == (
        OptionError,
        f"--output: {tmp_path / 'file'} cannot be a folder (File exists)",
    )
