"""The flat table of a store: one row a design point, and one more for each that RTL ran."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ...model.atomic import replacing
from .columns import COLUMNS, CONFIGURATION, FILLED_BY
from .evaluators import FAILED, IMPOSSIBLE, OK, Result
from .plan import RTL
from .point import DesignPoint
from .rtl import SOURCE
from .store import SweepStore

ORDER = (FAILED, IMPOSSIBLE, OK)
"""The status of a row is the first of these that any of its evaluators has."""


def frame_of(store: SweepStore) -> pd.DataFrame:
    """Return the columns of `columns.COLUMNS` and a digest of sources for each evaluator, `sources_<name>`.

    What no evaluator said is missing (NaN, None). Each evaluator speaks by its current sources, by the latest of a
    point that these have not answered. Rows are in the order of their configuration, whoever answered first.
    """
    latest = store.latest()
    names = sorted({evaluator for _, evaluator in latest})
    rows: list[dict[str, object]] = []
    for point in store.points():
        digest = point.digest
        found = {name: latest[digest, name] for name in names if (digest, name) in latest}
        rows.append(_row(point, {name: one for name, one in found.items() if name != RTL}))
        if RTL in found:
            rows.append({**_row(point, {"timing": found[RTL]}), "source": SOURCE})
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *(f"sources_{name}" for name in names if name != RTL)])
    return frame.sort_values([*CONFIGURATION], kind="stable", ignore_index=True)


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all."""
    with replacing(path) as draft:
        frame.to_parquet(draft, index=False, compression="zstd")


def _row(point: DesignPoint, found: Mapping[str, Result]) -> dict[str, object]:
    row: dict[str, object] = {**asdict(point)}
    for name, result in found.items():
        row |= {column: result.fields.get(column) for column in FILLED_BY.get(name, {})}
        row[f"sources_{name}"] = result.sources
    status = next((one for one in ORDER if any(result.status == one for result in found.values())), OK)
    reasons = dict.fromkeys(result.reason for result in found.values() if result.status == status and result.reason)
    return {**row, "status": status, "reason": "; ".join(reasons)}
