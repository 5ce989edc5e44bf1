"""`normq export-default`, and what `normq rebuild-default` says of wrong folders."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.model.checkpoint import read_checkpoint
from normq.model.default.load import FOLDER, default_hmm
from normq.model.errors import OptionError


@pytest.mark.parametrize("hidden", [64, 256])
def test_exported_folder_is_the_default_to_the_bit(hidden: int, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    result = CliRunner().invoke(app, ["export-default", str(folder), "--hidden", str(hidden)])
    assert (result.exit_code, result.output) == (0, f"{folder}: H={hidden} V=4096, end of text 0\n")
    expected, found = default_hmm(hidden), read_checkpoint(folder)
    for name in ("alpha", "beta", "gamma"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert (found.eos_token_id, found.provenance) == (expected.eos_token_id, expected.provenance)
    written = ["LICENSE-WordNet", "config.json", "model.safetensors", "tokenizer.json"]
    assert sorted(file.name for file in folder.iterdir()) == written
    for name in ("LICENSE-WordNet", "tokenizer.json"):
        assert (folder / name).read_bytes() == (FOLDER / name).read_bytes()


def test_export_onto_a_file_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    result = CliRunner().invoke(app, ["export-default", str(taken)])
    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == f"{taken}: cannot be written (File exists), expected a folder or a new name"
    assert taken.read_text() == "mine"


def test_rebuild_names_what_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["rebuild-default", "--wordnet", str(tmp_path), "-o", str(tmp_path / "new")])
    assert isinstance(result.exception, OptionError)
    expected = "expected a WordNet folder with data.noun, data.verb, data.adj, data.adv"
    assert str(result.exception) == f"{tmp_path}/data.noun: no such file, {expected}"


def test_rebuild_onto_a_file_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    result = CliRunner().invoke(app, ["rebuild-default", "--wordnet", str(tmp_path), "-o", str(taken)])
    assert isinstance(result.exception, OptionError)
    assert str(result.exception) == f"--output: {taken} cannot be made (File exists), expected a folder"
