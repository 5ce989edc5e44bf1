"""A disk that lost something."""

from pathlib import Path

PAGE = 4096


def damage(path: Path) -> None:
    """Overwrite the last two pages of a database."""
    content = bytearray(path.read_bytes())
    content[-2 * PAGE :] = bytes([0xA5]) * (2 * PAGE)
    path.write_bytes(content)
