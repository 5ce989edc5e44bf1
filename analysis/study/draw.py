"""Tables and figures of the study, from its results alone."""

from collections.abc import Iterator
from pathlib import Path

from .figures import draw_figures
from .page import check_places, read_page, update_page
from .results import SHIPPED, Results
from .tables import TABLES, all_tables


def check_page(page: Path) -> None:
    """Raise OptionError for a page that the tables cannot be written into: before hours of work, not after."""
    check_places(read_page(page), TABLES)


def draw(results: Path | None, output: Path, page: Path | None) -> Iterator[str]:
    """Write tables and figures into `output`, and those of `page`; yield what is to be shown. Raises OptionError."""
    found = Results.read(results or SHIPPED)
    tables = all_tables(found)
    text = "\n\n".join(f"## {name}\n\n{table}" for name, table in tables.items())
    (output / "tables.md").write_text(text + "\n", encoding="utf-8")
    figures = draw_figures(found, output)
    if page is not None:
        update_page(page, tables)
    yield text
    yield ""
    yield f"written: {output / 'tables.md'}, {', '.join(file.name for file in figures)}"
