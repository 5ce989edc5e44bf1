"""What a run of the simulator left behind: results.xml and the log."""

import re
from pathlib import Path
from xml.etree import ElementTree

LOG_LINES = 40


class SimulationError(RuntimeError):
    """A simulator that did not build, did not run to its end, or failed a test; the message ends in its log."""


def check_results(xml: Path, log: Path, test_module: str) -> None:
    """Raise SimulationError unless `xml` tells of at least one test and of no failed one."""
    if not xml.is_file():
        raise SimulationError(f"{test_module}: the simulator left no {xml.name}\n{tail(log)}")
    cases = list(ElementTree.parse(xml).getroot().iter("testcase"))
    if not cases:
        raise SimulationError(f"{test_module}: no test ran\n{tail(log)}")
    failed = [
        case.get("name", "?") for case in cases if any(case.find(tag) is not None for tag in ("failure", "error"))
    ]
    if failed:
        raise SimulationError(f"{test_module}: {len(failed)} of {len(cases)} tests failed: {failed}\n{tail(log)}")


def tail(log: Path) -> str:
    """Return the last lines of `log`, without color codes."""
    if not log.is_file():
        return f"(no log at {log})"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace")).splitlines()
    return "\n".join([*lines[-LOG_LINES:], f"(whole log: {log})"])
