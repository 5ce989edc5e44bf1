"""The README's first session says what the commands say."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app

README = Path(__file__).parents[1] / "README.md"


def test_the_readme_shows_the_packed_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["export-default", "my-hmm"]).exit_code == 0
    told = CliRunner().invoke(app, ["quantize", "my-hmm", "--bits", "4", "-o", "hmm4.safetensors"])
    assert told.exit_code == 0
    assert f"    {told.output.strip()}\n" in README.read_text(encoding="utf-8")
