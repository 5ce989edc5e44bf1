"""Rows of lanes and engines out of a shipped table, checked."""

from collections.abc import Sequence
from typing import Any

from ...model.config import AcceleratorConfig, Layout
from ...model.errors import OptionError
from ...model.formats import VectorCode
from .designs import Part
from .tables import SHIPPED, read_table

SIZES = (
    *("entries_per_cycle", "elements_per_cycle", "lanes", "port_bits", "index_bits", "least_index_bits", "layouts"),
    *("local_bytes", "row_leaks", "exponent_bits", "significand_bits", "hidden_capacity"),
)
LANE_SIZES = (
    *("entries_per_cycle", "elements_per_cycle", "port_bits", "row_leaks"),
    *("exponent_bits", "significand_bits", "hidden_capacity"),
)
"""What a lane depends on."""
Figures = dict[str, float]


def table_parts(
    name: str, is_lane: bool, figures: Sequence[str], positive: Sequence[str] = ()
) -> list[tuple[Part, Figures]]:
    """Return the lanes or the engines of a table whose runs succeeded, with the columns `figures`.

    Raises OptionError, naming the file, where it is missing, lacks a column, has no such part, or where a size is
    impossible or one of the `positive` figures is not.
    """
    path = SHIPPED / f"{name}.parquet"
    table = read_table(name, SHIPPED)
    for column in ("part", "is_lane", *SIZES, *figures, "error"):
        if column not in table.columns:
            raise OptionError(f"{path}: lacks the column {column!r}")
    chosen = table[(table["error"] == "") & (table["is_lane"] == is_lane)].to_dict("records")
    if not chosen:
        raise OptionError(f"{path}: no row of {'a lane' if is_lane else 'an engine'}, expected at least one")
    for row in chosen:
        for column in positive:
            if not row[column] > 0:
                raise OptionError(f"{path}: {row['part']!r}: {column} is {row[column]!r}, expected more than 0")
    return [(_part(row, str(path)), {column: float(row[column]) for column in figures}) for row in chosen]


def has_engine(name: str) -> bool:
    """Whether a table has an engine whose run succeeded. Raises OptionError where it is missing."""
    table = read_table(name, SHIPPED)
    return "is_lane" in table.columns and bool(((table["error"] == "") & ~table["is_lane"].astype(bool)).any())


def part_key(part: Part) -> tuple[int, ...]:
    """Return the sizes that decide a part."""
    sizes = part.sizes
    return tuple(int(sizes[name]) for name in (LANE_SIZES if part.is_lane else SIZES))


def _part(row: dict[Any, Any], path: str) -> Part:
    """Return the part that a row is about: a build with these sizes, sparse where it has one layout."""
    try:
        build = AcceleratorConfig(
            entries_per_cycle=row["entries_per_cycle"],
            lanes=row["lanes"],
            elements_per_cycle=row["elements_per_cycle"],
            port_bits=row["port_bits"],
            greatest_index_bits=row["index_bits"],
            least_index_bits=row["least_index_bits"],
            layouts=frozenset(Layout) if row["layouts"] > 1 else frozenset({Layout.SPARSE}),
            hidden_capacity=row["hidden_capacity"],
            local_bytes=row["local_bytes"],
            row_leaks=bool(row["row_leaks"]),
            code=VectorCode(row["exponent_bits"], row["significand_bits"]),
        )
    except ValueError as error:
        raise OptionError(f"{path}: {row['part']!r}: {error}") from error
    return Part(build, bool(row["is_lane"]))
