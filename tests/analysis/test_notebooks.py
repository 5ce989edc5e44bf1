"""Every notebook runs, at reduced size, without a warning; what it says of numbers it asserts itself."""

import re
from pathlib import Path

import pytest

from normq.analysis.notebooks import execute
from normq.analysis.notebooks.execute import FOLDER, NAMES, NotebookError, executed, write_notebook
from normq.model.errors import OptionError

LEAST_ASSERTIONS, LEAST_FIGURES = 8, 1


@pytest.mark.parametrize("name", NAMES)
def test_notebook_runs(name: str, tmp_path: Path) -> None:
    notebook = executed(name, is_reduced=True)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    figures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(figures) >= LEAST_FIGURES
    write_notebook(notebook, tmp_path / f"{name}.ipynb")
    assert (tmp_path / f"{name}.ipynb").stat().st_size > 10_000


@pytest.mark.parametrize("name", NAMES)
def test_notebook_reads_as_one(name: str) -> None:
    """Prose, assertions, and a heading at the top."""
    text = (FOLDER / f"{name}.py").read_text()
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)[1:]
    prose = [cell for cell in cells if cell.startswith(" [markdown]")]
    assert re.match(r" \[markdown\]\n# # \w", prose[0]), "the first cell is the title"
    assert len(prose) >= len(cells) / 3
    assert len(re.findall(r"^\s*assert ", text, re.MULTILINE)) >= LEAST_ASSERTIONS


def test_every_notebook_is_run() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py") if "# %%" in path.read_text()}
    assert scripts == set(NAMES)


def test_wrong_sentence_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tour.py").write_text("# %% [markdown]\n# # Two and two\n\n# %%\nassert 2 + 2 == 5, 'no'\n")
    monkeypatch.setattr(execute, "FOLDER", tmp_path)
    with pytest.raises(NotebookError, match=r"(?s)^tour: .*assert 2 \+ 2 == 5.*no"):
        executed("tour", is_reduced=True)


def test_unknown_name_is_told() -> None:
    with pytest.raises(OptionError, match=r"^--only: 'tours' given, expected one of tour, exploration, "):
        executed("tours", is_reduced=True)
