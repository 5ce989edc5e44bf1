"""Finished work in SQLite (write-ahead log): a row is there whole or not at all, also after kill -9."""

import json
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ...model.errors import OptionError
from ..database import check_whole

Key = tuple[str, str]
"""Kind and key of a row."""
EXPECTED = "expected the store of a quality study: take another folder, or remove it to begin anew"


class WorkStore:
    """Results by kind of work and key, as JSON; used by one process.

    Raises OptionError for a file that cannot be opened or is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path)
        except (OSError, sqlite3.Error) as error:
            raise OptionError(f"{path}: cannot be opened ({error}), {EXPECTED}") from error
        try:
            self._open()
        except sqlite3.Error as error:
            self._connection.close()
            raise OptionError(f"{path}: {error}, {EXPECTED}") from error

    def __contains__(self, key: Key) -> bool:
        """Return whether work of a kind and key is finished."""
        return self._connection.execute("SELECT 1 FROM work WHERE kind = ? AND key = ?", key).fetchone() is not None

    def keys(self, kind: str) -> set[str]:
        """Return what is finished."""
        return {key for (key,) in self._connection.execute("SELECT key FROM work WHERE kind = ?", (kind,))}

    def get(self, kind: str, key: str) -> Any:
        """Return a result, None where there is none."""
        row = self._connection.execute("SELECT result FROM work WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, kind: str, key: str, result: Any, drop: Collection[Key] = ()) -> None:
        """Keep a result and drop others: both are done, or neither."""
        with self._connection:
            self._connection.executemany("DELETE FROM work WHERE kind = ? AND key = ?", drop)
            self._connection.execute("INSERT OR REPLACE INTO work VALUES (?, ?, ?)", (kind, key, json.dumps(result)))

    def fields(self) -> dict[str, str]:
        """Return what was set."""
        return dict(self._connection.execute("SELECT field, value FROM identity"))

    def set_fields(self, fields: Mapping[str, str]) -> None:
        """Keep what all rows have in common."""
        with self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO identity VALUES (?, ?)", fields.items())

    def all(self, kind: str) -> dict[str, Any]:
        """Return all results of a kind by key."""
        rows = self._connection.execute("SELECT key, result FROM work WHERE kind = ?", (kind,))
        return {key: json.loads(result) for key, result in rows}

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self) -> None:
        check_whole(self._connection)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS work (kind TEXT, key TEXT, result TEXT, PRIMARY KEY (kind, key))"
        )
        self._connection.execute("CREATE TABLE IF NOT EXISTS identity (field TEXT PRIMARY KEY, value TEXT)")
        self._connection.commit()
