"""`normq quality`: what quantization costs in likelihood and in constrained decoding, by every method."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ...model.errors import OptionError

RESULTS = "results"
STAGES = ("configurations", "training", "trained configurations", "checks")


def quality(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for tables and figures.")] = Path(
        "build/quality"
    ),
    compute: Annotated[
        bool, typer.Option("--compute", help="Compute what the folder lacks, instead of drawing the shipped results.")
    ] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            "--from-results",
            help="Folder of results to draw; with --compute, what they hold is taken as finished.",
            show_default="the shipped ones",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Worker processes of --compute.")] = 2,
    page: Annotated[
        Path | None, typer.Option(help="Page whose tables are to be written anew.", show_default="none")
    ] = None,
    wordnet: Annotated[
        Path | None,
        typer.Option(
            "--draw-sets",
            help="WordNet's folder (data.noun ...): draw the concept sets again into the folder, and end.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Draw the tables and figures of the quality study; with --compute run it, over an hour of two cores."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be a folder ({error.strerror})") from error
    console = Console(highlight=False, soft_wrap=True)
    if wordnet is not None:
        if compute or results or page:
            raise OptionError(
                "--draw-sets: draws concept sets and ends, expected no --compute, --from-results or --page"
            )
        drawing = import_module("...analysis.study.concept_drawing", __package__)
        console.print(drawing.draw_again(wordnet, output), markup=False)
        return
    study = import_module("...analysis.study.draw", __package__)
    if page is not None:
        study.check_page(page)
    if compute:
        for line in _compute(output, results, processes):
            console.print(line, markup=False)
        results = output / RESULTS
    for line in study.draw(results, output, page):
        console.print(line, markup=False)


def _compute(folder: Path, finished: Path | None, processes: int) -> list[str]:
    """Compute what the folder lacks and collect it; return what is to be said."""
    # transformers and the text metrics take seconds to import, and are extras: only the computation wants them
    try:
        stages = import_module("...analysis.study.stages", __package__)
    except ModuleNotFoundError as error:
        raise OptionError(f"--compute: needs {error.name}, install normq[quality]") from error
    if finished is not None:
        stages.keep(finished, folder)
    said: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[last]}")) as progress:
        for stage in STAGES:
            task = progress.add_task(stage, total=None, last="")

            def report(done: int, total: int, last: str, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=total, last=last)

            said += stages.run_stage(stage, folder, processes, report)
    stages.collect(folder).write(folder / RESULTS)
    return said
