"""The store's promises: kills, two writers, changed sources, other people's files."""

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from normq.analysis.sweep.evaluators import EVALUATORS, FAILED, IMPOSSIBLE, OK, Result, digest_of
from normq.analysis.sweep.point import DesignPoint
from normq.analysis.sweep.sources import import_closure, sources_digest
from normq.analysis.sweep.store import SweepStore
from normq.analysis.sweep.table import frame_of
from normq.model.errors import OptionError
from normq.tests.analysis.damage import damage
from normq.tests.analysis.sweep_writer import COUNT, fill, stub

CHUNK = 5
NAME = "store.sqlite"
EXPECTED = [(latency, 3 * latency) for latency in range(1, COUNT + 1)]
POINT = DesignPoint()


def result(point: DesignPoint = POINT, sources: str = "now", status: str = OK, cycles: int = 7) -> Result:
    return Result(point.digest, "timing", sources, status, "" if status == OK else "why", {"cycles": cycles}, 0.5)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process on its way through COUNT points, some of them stored."""
    command = [sys.executable, "-m", "normq.tests.analysis.sweep_writer", str(tmp_path / NAME), str(CHUNK), "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 2 * CHUNK:
            pass
        yield process
        process.kill()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same evaluator in this process, without waiting; its sources are those of the other process's."""
    monkeypatch.setitem(EVALUATORS, "setup", stub(0))
    digest_of.cache_clear()
    yield
    digest_of.cache_clear()


def rows(path: Path) -> list[tuple[str, int]]:
    """Points and what was found of them, from a store that is whole."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute(
            "SELECT json_extract(p.fields, '$.latency'), json_extract(r.fields, '$.cycles_setup') "
            "FROM results r JOIN points p USING (point) ORDER BY 1"
        ).fetchall()


@pytest.mark.usefixtures("quick")
def test_a_kill_loses_what_is_in_flight_and_a_second_run_goes_on(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    path = tmp_path / NAME
    writer.send_signal(signal.SIGKILL)
    told, _ = writer.communicate()
    kept = len(rows(path))
    assert max([2 * CHUNK, *map(int, told.split())]) <= kept < COUNT
    assert fill(path, CHUNK, lambda _: None).stored == kept
    assert rows(path) == EXPECTED


@pytest.mark.usefixtures("quick")
def test_two_writers_keep_the_store_whole(tmp_path: Path, writer: subprocess.Popen[str]) -> None:
    path = tmp_path / NAME
    assert fill(path, 1, lambda _: None).stored < COUNT
    writer.communicate()
    assert writer.returncode == 0
    assert rows(path) == EXPECTED


def test_changed_sources_reuse_no_row(tmp_path: Path) -> None:
    with closing(SweepStore(tmp_path / "store.sqlite")) as store:
        store.put([POINT], [result(sources="before", cycles=1)])
        assert store.results({"timing": "now"}) == {}
        store.put([POINT], [result(cycles=2)])
        assert store.results({"timing": "before"})[POINT.digest, "timing"].fields == {"cycles": 1}
        assert store.latest()[POINT.digest, "timing"].fields == {"cycles": 2}


def test_the_table_speaks_by_the_current_sources_though_others_wrote_last(tmp_path: Path) -> None:
    """As after a change that was taken back: sources A, then B, then A again, which finds all points known."""
    only_others = replace(POINT, lanes=8)
    with closing(SweepStore(tmp_path / "store.sqlite")) as store:
        store.put([POINT], [result(sources=digest_of("timing"), cycles=1)])
        store.put([POINT, only_others], [result(sources="B", cycles=2), result(only_others, sources="A", cycles=3)])
        store.put([], [result(only_others, sources="B", cycles=4)])
        frame = frame_of(store)
    assert frame[["lanes", "cycles", "sources_timing"]].to_numpy().tolist() == [
        [8, 4, "B"],
        [16, 1, digest_of("timing")],
    ]


def test_a_store_of_one_version_or_of_evaluators_unknown_here_is_read_without_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(name: str) -> str:
        pytest.fail(f"sources of {name} were read")

    monkeypatch.setattr("normq.analysis.sweep.store.digest_of", read)
    with closing(SweepStore(tmp_path / "store.sqlite")) as store:
        store.put([POINT], [result()])
        for sources in "AB":
            store.put([], [Result(POINT.digest, "yield_loss", sources, OK)])
        assert store.latest()[POINT.digest, "yield_loss"].sources == "B"
        assert frame_of(store)["cycles"].tolist() == [7]


def test_what_was_found_stays_and_a_failure_may_be_tried_again(tmp_path: Path) -> None:
    with closing(SweepStore(tmp_path / "store.sqlite")) as store:
        for status, cycles in ((FAILED, 1), (OK, 2), (OK, 3), (FAILED, 4)):
            store.put([POINT], [result(status=status, cycles=cycles)])
        assert store.results({"timing": "now"})[POINT.digest, "timing"] == result(cycles=2)


def test_digest_follows_imports_and_data_and_nothing_else(tmp_path: Path) -> None:
    """As a package: top imports part through a relative import, part a module of another folder."""
    files = {
        "a/__init__.py": "",
        "a/top.py": "from .part import x\n",
        "a/part.py": "from ..b import deep\nx = deep.y\n",
        "b/__init__.py": "",
        "b/deep.py": "y = 1\n",
        "b/other.py": "z = 1\n",
        "b/table.parquet": "1",
        "README.md": "one",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    def digest() -> str:
        import_closure.cache_clear()
        return sources_digest(["a/top.py"], ["b/*.parquet"], tmp_path)

    first = digest()
    for name in ("README.md", "b/other.py"):
        (tmp_path / name).write_text("changed = 2\n")
        assert digest() == first
    for name in ("b/deep.py", "a/part.py", "b/table.parquet"):
        before = digest()
        (tmp_path / name).write_text(f"{files[name]}\n")
        assert digest() != before, name
    import_closure.cache_clear()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be taken for one", None])
def test_other_files_are_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.sqlite"
    if content is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE mine (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    fault = "is another program's database" if content is None else "file is not a database"
    with pytest.raises(OptionError, match=f"^{re.escape(f'{path}: {fault}, expected a store of normq sweep')}$"):
        SweepStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", ["json_remove(fields, '$.lanes')", "json_insert(fields, '$.lanes_of_old', 1)"])
def test_points_of_another_version_are_refused(tmp_path: Path, change: str) -> None:
    """Their keys are digests of other fields: what is asked for would not be found, or not be what it is called."""
    path = tmp_path / NAME
    with closing(SweepStore(path)) as store:
        store.put([POINT, replace(POINT, lanes=4)], [result()])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE points SET fields = {change} WHERE point = ?", (POINT.digest,))
    field = "lanes_of_old" if "old" in change else "lanes"
    with pytest.raises(OptionError, match=f"{NAME}: has points of another version, .* in the fields {field}, expected"):
        SweepStore(path)


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with closing(SweepStore(path)) as store:
        store.put([replace(POINT, seed=seed) for seed in range(100)], [result()])
    damage(path)
    with pytest.raises(OptionError, match=f"{NAME}: is damaged: Page .*, expected a store of normq sweep$"):
        SweepStore(path)


def test_the_table_has_every_point_with_its_worst_status(tmp_path: Path) -> None:
    impossible = replace(POINT, lanes=3)
    with closing(SweepStore(tmp_path / "store.sqlite")) as store:
        store.put([POINT], [result(), Result(POINT.digest, "quality", "q", IMPOSSIBLE, "no such width")])
        store.put([impossible], [Result(impossible.digest, "timing", "now", IMPOSSIBLE, "lanes")])
        store.put([POINT], [Result(POINT.digest, "rtl", "r", FAILED, "cycles differ")])
        frame = frame_of(store)
    found = frame[["lanes", "cycles", "status", "reason", "source", "sources_timing"]].astype(object)
    assert found.where(found.notna(), None).to_numpy().tolist() == [
        [3, None, "impossible", "lanes", None, "now"],
        [16, 7.0, "impossible", "no such width", None, "now"],
        [16, None, "failed", "cycles differ", "RTL", "r"],
    ]


class LateCursor:
    """A cursor during whose COMMIT Ctrl-C arrives: when it is done."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def execute(self, statement: str) -> None:
        self.cursor.execute(statement)
        if statement == "COMMIT":
            raise KeyboardInterrupt


class LateConnection:
    """A connection with such cursors."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)

    def cursor(self) -> LateCursor:
        return LateCursor(self.connection.cursor())


def test_ctrl_c_at_the_end_of_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(SweepStore(tmp_path / NAME)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(store, "_connection", LateConnection(vars(store)["_connection"]))
            with pytest.raises(KeyboardInterrupt):
                store.put([POINT], [result()])
        assert store.latest()
        # and before it: nothing stays, and the store goes on
        with pytest.raises(KeyboardInterrupt):
            store.put(interrupted(), [])
        store.put([POINT], [result(cycles=9, sources="later")])
    with closing(sqlite3.connect(tmp_path / NAME)) as connection:
        assert connection.execute("SELECT point FROM points").fetchall() == [(POINT.digest,)]


def interrupted() -> Iterator[DesignPoint]:
    """A point, then Ctrl-C."""
    yield replace(POINT, latency=77)
    raise KeyboardInterrupt
