"""A whole sweep: points, what the store lacks of them, workers, and the store again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .evaluators import FAILED, IMPOSSIBLE, Fields, Result, digest_of
from .plan import CHUNK, RTL, Engine, Task, chunks, missing_tasks
from .point import DesignPoint
from .search import search
from .space import points_of, rtl_sample
from .spec import SweepSpec
from .store import SweepStore


@dataclass
class Progress:
    """How far a sweep is."""

    total: int = 0
    """Points asked for so far: a search asks for more as it goes."""
    done: int = 0
    stored: int = 0
    """Of those done, points that the store had."""
    impossible: int = 0
    failed: int = 0
    statuses: dict[str, str] = field(default_factory=dict[str, str])
    """Of each point, by digest: the worst so far."""
    differences: list[str] = field(default_factory=list[str])
    """Where RTL did not count as the timing model: point and first counter, as they are found."""

    def count(self, results: Sequence[Result]) -> None:
        """Take note of statuses."""
        for result in results:
            if result.evaluator == RTL and result.status == FAILED:
                self.differences.append(f"{result.point}: {result.reason}")
            if result.status == FAILED or (result.status == IMPOSSIBLE and self.statuses.get(result.point) != FAILED):
                self.statuses[result.point] = result.status
        self.impossible = sum(status == IMPOSSIBLE for status in self.statuses.values())
        self.failed = sum(status == FAILED for status in self.statuses.values())


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
    """What the store had of each evaluator when it was first asked, and all answers since."""
    asked: set[str] = field(default_factory=set[str])
    """Evaluators whose rows of the store are in `known`."""

    def run(self) -> Progress:
        """Answer every point; each chunk is stored as it is done. What a worker raises ends the sweep."""
        progress = Progress()
        fixed = [point for space in self.spec.space for point in points_of(space)]
        checked = rtl_sample(fixed, self.spec.rtl)
        self._answer(fixed, checked, progress)
        asked = list(fixed)
        for space in self.spec.space:
            if space.search == "nsga2":
                asked += search(space, lambda points: self._searched(points, progress))
        if len(checked) < self.spec.rtl.count:
            more = [point for point in rtl_sample(asked, self.spec.rtl) if point not in checked]
            self._answer([], more, progress)
        return progress

    def _answer(self, points: Sequence[DesignPoint], checked: Sequence[DesignPoint], progress: Progress) -> None:
        every = list(dict.fromkeys([*points, *checked]))
        names, with_rtl = self.spec.evaluators, tuple(dict.fromkeys((*self.spec.evaluators, "timing", RTL)))
        digests = {name: digest_of(name) for name in (with_rtl if checked else names)}
        found = self._known(digests)
        tasks: list[Task] = missing_tasks(every, names, found)
        if checked:
            extra = missing_tasks(checked, with_rtl, found)
            others = {task.point for task in extra}
            tasks = [*extra, *(task for task in tasks if task.point not in others)]
        progress.total += len(every)
        progress.done += len(every) - len(tasks)
        progress.stored += len(every) - len(tasks)
        progress.count(
            [
                one
                for point in every
                for name in digests
                if (one := found.get((point.digest, name))) and one.status != FAILED  # those are tried again
            ]
        )
        self.tell(progress)
        if not tasks:
            return
        for answers in self.engine.answers(chunks(tasks, self.chunk), digests):
            self.store.put(answers.points, answers.results)
            self.known.update({(one.point, one.evaluator): one for one in answers.results})
            progress.done += len(answers.points)
            progress.count(answers.results)
            self.tell(progress)

    def _searched(self, points: Sequence[DesignPoint], progress: Progress) -> list[Fields]:
        """Answer a generation and return all columns of each point, {} of one that is impossible or failed."""
        self._answer(points, [], progress)
        found = self.known
        merged: list[Fields] = []
        for point in points:
            own = [found[point.digest, name] for name in self.spec.evaluators]
            is_ok = all(result.fields for result in own)
            merged.append({name: value for one in own for name, value in one.fields.items()} if is_ok else {})
        return merged

    def _known(self, digests: Mapping[str, str]) -> Mapping[tuple[str, str], Result]:
        """Return what is known by these sources; the store is read once for each evaluator, a search asks often."""
        fresh = {name: digest for name, digest in digests.items() if name not in self.asked}
        self.known.update(self.store.results(fresh))
        self.asked.update(fresh)
        return self.known
