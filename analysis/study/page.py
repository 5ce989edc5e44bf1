"""docs/FINDINGS.md: its text is written by hand, its tables stand between markers and are drawn from the results."""

import re
from collections.abc import Mapping
from pathlib import Path

from ...model.errors import OptionError

_PLACE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with every table in its place. Raises OptionError for a place without a table."""

    def replaced(match: re.Match[str]) -> str:
        name = match[2]
        if name not in tables:
            raise OptionError(f"page: place {name!r} is unknown, expected one of {', '.join(tables)}")
        return f"{match[1]}{tables[name]}\n{match[3]}"

    return _PLACE.sub(replaced, page)


def update_page(path: Path, tables: Mapping[str, str]) -> None:
    """Write the page's tables anew. Raises OptionError where it cannot be read."""
    if not path.is_file():
        raise OptionError(f"{path}: no such file, expected the page with places for tables")
    path.write_text(with_tables(path.read_text(encoding="utf-8"), tables), encoding="utf-8")
