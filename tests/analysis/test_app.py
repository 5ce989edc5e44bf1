"""The command line as a user meets it: one line and exit 2 after a user's error, no traceback."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from normq.analysis.commands import app as app_module
from normq.analysis.commands.app import app, main
from normq.model.errors import OptionError
from normq.sim.results import SimulationError


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (OptionError("--bits: expected 2..8,\n got 9"), 2, "normq: --bits: expected 2..8, got 9\n"),
        (SimulationError("bench: no test ran\nlog"), 1, "normq: bench: no test ran\nlog\n"),
    ],
)
def test_errors_are_told_without_a_traceback(
    error: Exception, status: int, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(app_module, "app", fail)
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == status
    assert capsys.readouterr() == ("", shown)


def test_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KeyError("bug")

    monkeypatch.setattr(app_module, "app", fail)
    with pytest.raises(KeyError, match=r"^'bug'$"):
        main()


def test_interrupt_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app.registered_commands[0], "callback", interrupted)
    assert CliRunner().invoke(app, ["interrupted"]).exit_code == 130


def test_module_runs_as_a_command() -> None:
    """`python -m normq` reaches the same commands, and an unknown one is refused with 2."""
    done = subprocess.run([sys.executable, "-m", "normq", "no-such"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "No such command 'no-such'" in done.stderr
