"""The command line: every command by name, and what the user sees of an error."""

import sys

import typer

from ...model.errors import NormqError
from ...sim.results import SimulationError
from .baseline import baseline
from .bench import bench
from .cosim import cosim
from .cost import cost
from .design_space import design_space
from .distill import distill
from .dram_check import dram_check
from .export_default import export_default
from .figures import figures
from .generate import generate
from .golden import golden
from .inspect import inspect
from .notebooks import notebooks
from .peer import peer
from .point import point
from .quality import quality
from .quantize import quantize
from .rebuild_default import rebuild_default
from .report import report
from .rtl import rtl
from .run import run
from .simulate import simulate
from .sweep import sweep
from .timing import timing
from .train import train
from .utilization import utilization

USER_ERROR = 2
SIMULATION_FAILED = 1

app = typer.Typer(
    name="normq",
    help="Norm-Q hidden Markov models from checkpoint to accelerator, bit for bit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback is a bug of ours: plain, as Python prints it
)
for command in (
    train,
    distill,
    quantize,
    inspect,
    generate,
    golden,
    cosim,
    rtl,
    run,
    simulate,
    timing,
    cost,
    sweep,
    point,
    design_space,
    utilization,
    quality,
    baseline,
    report,
    notebooks,
    figures,
    bench,
    peer,
    dram_check,
    export_default,
    rebuild_default,
):
    app.command()(command)


def main() -> None:
    """Run the command that the arguments name.

    Exits with 2 after a user's error, on one line of stderr; with 1 when a simulation failed; with 130 on Ctrl-C
    (Typer sees to that one).
    """
    try:
        app()
    except NormqError as error:
        sys.stderr.write(f"normq: {' '.join(str(error).split())}\n")
        sys.exit(USER_ERROR)
    except SimulationError as error:
        sys.stderr.write(f"normq: {error}\n")
        sys.exit(SIMULATION_FAILED)
