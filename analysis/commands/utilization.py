"""`normq utilization`: cycles at full size over the roofline, measured in RTL, as a page."""

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ...model.atomic import replacing
from ...model.cache import cache_folder
from ...model.config import Layout
from ...model.errors import OptionError
from ..utilization.compute import compute_point
from ..utilization.memories import memory_bits
from ..utilization.page import page
from ..utilization.row import Measurement
from ..utilization.run import run_points
from ..utilization.spec import BUILDS, MAIN, PointSpec, all_points, build_name
from ..utilization.store import PointStore

STORE = cache_folder("utilization")


def utilization(
    output: Annotated[Path, typer.Option("--output", "-o", help="Markdown file to write.")] = Path("UTILIZATION.md"),
    build: Annotated[
        list[str] | None, typer.Option(help=f"Builds beside {MAIN}; repeat it.", show_default="all")
    ] = None,
    layout: Annotated[list[Layout] | None, typer.Option(help="Layouts; repeat it.", show_default="both")] = None,
    processes: Annotated[int, typer.Option(help="Points measured side by side, 2 GB each.", min=1)] = 1,
) -> None:
    """Measure every operation at H=1024 and 4096, V=50257 in RTL and write the page (docs/UTILIZATION.md).

    Half an hour and more; finished points are kept, an interrupted study goes on where it was. Every output bit is
    compared with golden; exits with 1 and tells the first difference when there is one.
    """
    specs = _chosen([MAIN, *(build or BUILDS)], layout or list(Layout))
    console = Console(stderr=True, highlight=False)

    def report(spec: PointSpec, rows: list[Measurement]) -> None:
        ratios = ", ".join(f"{row.operation} {row.ratio:.3f}" for row in rows)
        console.print(f"{spec.name}: {ratios}", markup=False)

    context = multiprocessing.get_context("spawn")  # numba does not survive a fork with threads
    executor = ProcessPoolExecutor(processes, mp_context=context)
    rows = run_points(specs, compute_point, PointStore(STORE), executor, report)
    builds = {build_name(spec.build): spec.build for spec in specs}
    text = page(rows, {name: memory_bits(config) for name, config in builds.items()})
    try:
        with replacing(output) as draft:
            draft.write_text(text)
    except OSError as error:
        raise OptionError(f"--output: {output} cannot be written ({error.strerror})") from error
    Console(soft_wrap=True, highlight=False).print(f"{output}: {len(rows)} measurements", markup=False)


def _chosen(builds: Sequence[str], layouts: Sequence[Layout]) -> list[PointSpec]:
    """Return the points of these builds and layouts. Raises OptionError for a build that there is not."""
    for name in builds:
        if name not in BUILDS:
            raise OptionError(f"--build: {name!r} given, expected one of {', '.join(BUILDS)}")
    return [spec for spec in all_points() if build_name(spec.build) in builds and spec.layout in layouts]
