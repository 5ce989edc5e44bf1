"""Tables in Markdown."""

from collections.abc import Sequence

NONE = "-"
"""What was not measured."""


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
