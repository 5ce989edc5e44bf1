"""docs/FINDINGS.md: its text is written by hand, its tables stand between markers and are drawn from the results."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ...model.errors import OptionError

_PLACE = re.compile(r"(<!-- table: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with every table in its place. Raises OptionError for a place without a table."""
    check_places(page, tables)
    return _PLACE.sub(lambda match: f"{match[1]}{tables[match[2]]}\n{match[3]}", page)


def check_places(page: str, names: Collection[str]) -> None:
    """Raise OptionError for a place of the page that has none of the names."""
    for match in _PLACE.finditer(page):
        if match[2] not in names:
            raise OptionError(f"page: place {match[2]!r} is unknown, expected one of {', '.join(names)}")


def read_page(path: Path) -> str:
    """Return the page. Raises OptionError where it cannot be read."""
    if not path.is_file():
        raise OptionError(f"{path}: no such file, expected the page with places for tables")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: cannot be read ({error}), expected the page with places for tables") from error


def update_page(path: Path, tables: Mapping[str, str]) -> None:
    """Write the page's tables anew. Raises OptionError where it cannot be read."""
    path.write_text(with_tables(read_page(path), tables), encoding="utf-8")
