"""Results in one SQLite file: what was found stays, whoever is killed, and nothing old is taken for new."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from ...model.errors import OptionError
from ..database import check_whole
from .evaluators import EVALUATORS, Result, digest_of
from .point import DesignPoint

SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    point TEXT PRIMARY KEY,  -- digest of the fields
    fields TEXT NOT NULL     -- JSON of the configuration
);
CREATE TABLE IF NOT EXISTS results (
    number INTEGER PRIMARY KEY,  -- rising: of a point and an evaluator, what wrote last is the greatest
    point TEXT NOT NULL,
    evaluator TEXT NOT NULL,
    sources TEXT NOT NULL,   -- digest of the evaluator's sources
    status TEXT NOT NULL,    -- ok, impossible, failed
    reason TEXT NOT NULL,
    fields TEXT NOT NULL,    -- JSON of the columns
    seconds REAL NOT NULL,   -- processor time
    UNIQUE (point, evaluator, sources)
);
"""
APPLICATION = 0x4E514454
"""Marks our files (PRAGMA application_id)."""
NAMES_OF_POINTS = (
    "SELECT DISTINCT (SELECT json_group_array(key) FROM json_each(points.fields) ORDER BY key) FROM points"
)
BUSY_SECONDS = 60
SAME_STATUS = "excluded.status != 'failed' AND results.status = 'failed'"
"""A failed run may be tried again; what was found is never replaced."""


class SweepStore:
    """Results of evaluators, each under its point and the sources that it came from.

    Every `put` is one transaction in the write-ahead log: whole or absent after a kill. Several processes may write.
    The file must lie on a local disk. Raises OptionError for a file that is none of ours, and for one whose points have
    other fields than DesignPoint has: their keys are of those fields.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise OptionError(f"{path}: cannot be opened ({error}), expected a store of normq sweep") from error
        try:
            self._open()
        except (sqlite3.DatabaseError, OptionError) as error:
            self._connection.close()
            raise OptionError(f"{path}: {error}, expected a store of normq sweep") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def put(self, points: Iterable[DesignPoint], results: Iterable[Result]) -> None:
        """Keep results with their points; one of the same key that another process kept first stays."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                cursor.executemany(
                    "INSERT OR IGNORE INTO points VALUES (?, ?)",
                    [(point.digest, json.dumps(asdict(point))) for point in points],
                )
                cursor.executemany(
                    "INSERT INTO results (point, evaluator, sources, status, reason, fields, seconds) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (point, evaluator, sources) DO UPDATE SET "
                    "status = excluded.status, reason = excluded.reason, fields = excluded.fields, "
                    f"seconds = excluded.seconds WHERE {SAME_STATUS}",
                    [_row(result) for result in results],
                )
                cursor.execute("COMMIT")
            except BaseException:
                # Ctrl-C may come when COMMIT is done
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def results(self, evaluators: Mapping[str, str]) -> dict[tuple[str, str], Result]:
        """Return {(point, evaluator): result} of these evaluators, from these sources alone."""
        found: dict[tuple[str, str], Result] = {}
        for name, sources in evaluators.items():
            for result in self._select("evaluator = ? AND sources = ?", (name, sources)):
                found[result.point, name] = result
        return found

    def latest(self) -> dict[tuple[str, str], Result]:
        """Return {(point, evaluator): result}, each from the current sources; from those that wrote last, if none is.

        The sources are read for an evaluator alone that answered a point more than once.
        """
        found: dict[tuple[str, str], Result] = {}
        for result in self._select("1", ()):
            key = result.point, result.evaluator
            if key not in found or not _is_current(found[key]):
                found[key] = result
        return found

    def points(self) -> list[DesignPoint]:
        """Return all points in the order in which they came."""
        rows = self._connection.execute("SELECT fields FROM points ORDER BY rowid")
        return [DesignPoint(**json.loads(fields)) for (fields,) in rows]

    def _select(self, where: str, parameters: Sequence[str]) -> list[Result]:
        columns = "point, evaluator, sources, status, reason, fields, seconds"
        rows = self._connection.execute(f"SELECT {columns} FROM results WHERE {where} ORDER BY number", parameters)
        return [
            Result(point, evaluator, sources, status, reason, json.loads(fields), seconds)
            for point, evaluator, sources, status, reason, fields, seconds in rows
        ]

    def _open(self) -> None:
        found = self._connection.execute("PRAGMA application_id").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found != APPLICATION and (found or tables):
            raise OptionError("is another program's database")
        check_whole(self._connection)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION}; COMMIT;")
        expected = set(asdict(DesignPoint()))
        for (names,) in self._connection.execute(NAMES_OF_POINTS):
            if other := expected.symmetric_difference(json.loads(names)):
                told = ", ".join(sorted(other))
                raise OptionError(f"has points of another version, which differ in the fields {told}")


def _is_current(result: Result) -> bool:
    """Whether it is of the sources here; no evaluator of another version is, that this one does not have."""
    return result.evaluator in EVALUATORS and result.sources == digest_of(result.evaluator)


def _row(result: Result) -> tuple[str, str, str, str, str, str, float]:
    fields = json.dumps(result.fields)
    return result.point, result.evaluator, result.sources, result.status, result.reason, fields, result.seconds
