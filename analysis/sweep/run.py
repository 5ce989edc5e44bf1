"""A whole sweep: points, what the store lacks of them, workers, and the store again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .evaluators import FAILED, IMPOSSIBLE, OK, Fields, Result, digest_of
from .plan import CHUNK, RTL, Engine, Task, chunks, missing_tasks
from .point import DesignPoint
from .search import search
from .space import as_rtl_sees, points_of, rtl_order
from .spec import SweepSpec
from .store import SweepStore

TIMING = "timing"


@dataclass
class Progress:
    """How far a sweep is. Points are named by their digests."""

    asked: set[str] = field(default_factory=set[str])
    """So far: a search asks for more as it goes."""
    computed: set[str] = field(default_factory=set[str])
    """Those that the store lacked an answer of."""
    waiting: set[str] = field(default_factory=set[str])
    """Those that lack one still."""
    statuses: dict[str, str] = field(default_factory=dict[str, str])
    """Of each point that is not ok: the worst so far."""
    drawn: list[str] = field(default_factory=list[str])
    """What RTL is to run."""
    rtl: dict[str, str] = field(default_factory=dict[str, str])
    """How that ended, by point."""
    differences: list[str] = field(default_factory=list[str])
    """Where RTL did not count as the timing model: point and first counter, as they are found."""

    @property
    def total(self) -> int:
        """Points asked for."""
        return len(self.asked)

    @property
    def done(self) -> int:
        """Points with all answers that were asked for."""
        return len(self.asked) - len(self.waiting)

    @property
    def stored(self) -> int:
        """Of those done, points that the store had."""
        return len(self.asked) - len(self.computed)

    @property
    def impossible(self) -> int:
        """Points that cannot be built or run."""
        return sum(status == IMPOSSIBLE for status in self.statuses.values())

    @property
    def failed(self) -> int:
        """Points with a failed answer."""
        return sum(status == FAILED for status in self.statuses.values())

    def count(self, results: Sequence[Result]) -> None:
        """Take note of statuses."""
        for result in results:
            if result.evaluator == RTL:
                self.rtl[result.point] = result.status
                if result.status == FAILED:
                    self.differences.append(f"{result.point}: {result.reason}")
            if result.status == FAILED or (result.status == IMPOSSIBLE and self.statuses.get(result.point) != FAILED):
                self.statuses[result.point] = result.status


Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Sweep:
    """A specification on its way into a store."""

    spec: SweepSpec
    store: SweepStore
    engine: Engine
    tell: Tell
    chunk: int = CHUNK
    known: dict[tuple[str, str], Result] = field(default_factory=dict[tuple[str, str], Result])
    """What the store had of each evaluator when it was first asked, failures left out, and all answers since."""
    read: set[str] = field(default_factory=set[str])
    """Evaluators whose rows of the store are in `known`."""

    def run(self) -> Progress:
        """Answer every point; each chunk is stored as it is done. What a worker raises ends the sweep."""
        progress, names = Progress(), self.spec.evaluators
        fixed = [point for space in self.spec.space for point in points_of(space)]
        first = self._drawn(fixed, [], progress)
        self._answer(fixed, names, progress, first)
        asked = list(fixed)
        for space in self.spec.space:
            if space.search == "nsga2":
                asked += search(space, lambda points: self._searched(points, progress))
        # searches add to the draw where the other spaces have too few points
        self._answer([], names, progress, self._drawn(asked, first, progress)[len(first) :])
        return progress

    def _drawn(
        self, points: Sequence[DesignPoint], before: Sequence[DesignPoint], progress: Progress
    ) -> list[DesignPoint]:
        """Return `before` and of `points` what RTL runs besides: no two that are one run, and timing is ok of each.

        Timing is asked in the order of the draw until enough are ok, so that RTL, which takes minutes, can start then.
        """
        wanted = self.spec.rtl.count
        runs = {as_rtl_sees(point): point for point in before}
        order = rtl_order(points, self.spec.rtl) if len(runs) < wanted else []
        start, size = 0, wanted
        while start < len(order) and len(runs) < wanted:
            batch = order[start : start + size]
            self._answer(batch, (TIMING,), progress)
            for point in batch:
                if self.known[point.digest, TIMING].status == OK and len(runs) < wanted:
                    runs.setdefault(as_rtl_sees(point), point)
            start, size = start + size, 2 * size
        progress.drawn = [point.digest for point in runs.values()]
        return list(runs.values())

    def _answer(
        self,
        points: Sequence[DesignPoint],
        names: Sequence[str],
        progress: Progress,
        checked: Sequence[DesignPoint] = (),
    ) -> None:
        """Ask these evaluators of `points`, and of `checked` RTL too, which comes first."""
        every = list(dict.fromkeys([*points, *checked]))
        with_rtl = tuple(dict.fromkeys((*names, TIMING, RTL)))
        digests = {name: digest_of(name) for name in (with_rtl if checked else names)}
        found = self._known(digests)
        tasks: list[Task] = missing_tasks(every, names, found)
        if checked:
            extra = missing_tasks(checked, with_rtl, found)
            others = {task.point for task in extra}
            tasks = [*extra, *(task for task in tasks if task.point not in others)]
        lacking = {task.point.digest for task in tasks}
        progress.asked.update(point.digest for point in every)
        progress.computed |= lacking
        progress.waiting |= lacking
        progress.count(
            [one for point in every for name in digests if (one := found.get((point.digest, name))) is not None]
        )
        self.tell(progress)
        if not tasks:
            return
        for answers in self.engine.answers(chunks(tasks, self.chunk), digests):
            self.store.put(answers.points, answers.results)
            self.known.update({(one.point, one.evaluator): one for one in answers.results})
            progress.waiting.difference_update(point.digest for point in answers.points)
            progress.count(answers.results)
            self.tell(progress)

    def _searched(self, points: Sequence[DesignPoint], progress: Progress) -> list[Fields]:
        """Answer a generation and return all columns of each point, {} of one that is impossible or failed."""
        self._answer(points, self.spec.evaluators, progress)
        found = self.known
        merged: list[Fields] = []
        for point in points:
            own = [found[point.digest, name] for name in self.spec.evaluators]
            is_ok = all(result.fields for result in own)
            merged.append({name: value for one in own for name, value in one.fields.items()} if is_ok else {})
        return merged

    def _known(self, digests: Mapping[str, str]) -> Mapping[tuple[str, str], Result]:
        """Return what is known by these sources; the store is read once for each evaluator, a search asks often.

        What failed in an earlier run is tried again, once.
        """
        fresh = {name: digest for name, digest in digests.items() if name not in self.read}
        stored = self.store.results(fresh)
        self.known.update({key: result for key, result in stored.items() if result.status != FAILED})
        self.read.update(fresh)
        return self.known
