"""What every SQLite file of ours is asked when it is opened."""

import sqlite3


def check_whole(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError, with one line that says where, for a file whose pages are damaged."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"is damaged: {found.splitlines()[-1]}")
