"""Running the tools over jobs, several at a time; a run that fails or takes too long is a row with its error."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from . import sram_sweep
from .cacti import SramAnswer
from .jobs import Job, Row, all_jobs
from .tables import write_table
from .tools import STA, has_sta, programs, stop_running

Report = Callable[[str, str], None]
"""Hears the name of each run as it is done, and its error, "" for none."""
SRAM = "sram"


def missing() -> list[str]:
    """Return a line for each program that this machine lacks and that nothing here can install."""
    if has_sta():
        return []
    return [f"without OpenSTA ({STA}: apt-get install opensta) delays are ABC's; power and leakage stay empty"]


def size(table: str) -> int:
    """Return the number of runs behind a table."""
    return len(sram_sweep.grid() if table == SRAM else all_jobs()[table])


def compute(table: str, processes: int, seconds: float, folder: Path, report: Report) -> Path:
    """Run everything behind a table and write it; return its file. Raises EnvironmentSetupError."""
    if table == SRAM:
        return write_table(table, sram_sweep.sweep(sram_sweep.grid(), lambda answer: report(_name(answer), "")), folder)
    return write_table(table, run_jobs(all_jobs()[table], processes, seconds, report), folder)


def run_jobs(jobs: Sequence[Job], processes: int, seconds: float, report: Report) -> list[Row]:
    """Return the row of every job, in order.

    `processes` tools run at once (a thread waits for each), every one for at most `seconds`. Ctrl-C stops them all.
    Raises EnvironmentSetupError where the tools cannot be installed.
    """
    programs()  # installed before several ask for it
    rows: dict[int, Row] = {}
    with ThreadPoolExecutor(processes) as pool:
        pending = {pool.submit(partial(job.run, seconds)): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(pending):
                number = pending[future]
                rows[number] = future.result()
                report(jobs[number].name, rows[number].error)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            stop_running()
    return [rows[number] for number in range(len(jobs))]


def _name(answer: SramAnswer) -> str:
    """What a memory is called; one that CACTI finds no organization for is no failure of the run."""
    return f"{answer.size} B, {answer.width} bits, {answer.nanometers} nm, {answer.profile}"
