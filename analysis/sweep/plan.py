"""Cutting points into tasks for workers: what is missing of each, together with those that share its model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Protocol

from ...model.errors import OptionError
from .evaluators import EVALUATORS, Fields, Result, digest_of, evaluate
from .point import DesignPoint

CHUNK = 50
"""Points of one task: what a kill loses at most, for each worker."""
RTL = "rtl"


@dataclass(frozen=True)
class Task:
    """One point: what it is asked, and what is known."""

    point: DesignPoint
    evaluators: tuple[str, ...]
    known: Mapping[str, Result]


Chunk = Sequence[Task]


@dataclass(frozen=True)
class Answers:
    """What a chunk of tasks found."""

    points: tuple[DesignPoint, ...]
    results: tuple[Result, ...]


class Engine(Protocol):
    """Whoever answers chunks; the order of answers is no one's."""

    def answers(self, parts: Sequence[Chunk], digests: Mapping[str, str]) -> Iterator[Answers]:
        """Yield the answers of each chunk as it is done."""
        ...


class Inline:
    """This process."""

    def answers(self, parts: Sequence[Chunk], digests: Mapping[str, str]) -> Iterator[Answers]:
        """Yield the answers of each chunk in turn."""
        return (run_chunk(part, digests) for part in parts)


def run_chunk(tasks: Sequence[Task], digests: Mapping[str, str]) -> Answers:
    """Answer tasks in order; `digests` are of the sources that the client has.

    Raises OptionError on a worker with other sources.
    """
    for name, digest in digests.items():
        if digest_of(name) != digest:
            raise OptionError(
                f"workers: sources of {name!r} have the digest {digest_of(name)} there, "
                f"expected the client's, {digest}: one version of normq everywhere, unchanged while it runs"
            )
    return Answers(tuple(task.point for task in tasks), tuple(result for task in tasks for result in _answer(task)))


def missing_tasks(
    points: Sequence[DesignPoint],
    evaluators: Sequence[str],
    found: Mapping[tuple[str, str], Result],
) -> list[Task]:
    """Return a task for each point that lacks an answer."""
    tasks: list[Task] = []
    for point in dict.fromkeys(points):
        known = {name: found[point.digest, name] for name in evaluators if (point.digest, name) in found}
        lacking = tuple(name for name in evaluators if name not in known)
        if lacking:
            needed = {need for name in lacking for need in EVALUATORS[name].needs}
            tasks.append(Task(point, lacking, {name: one for name, one in known.items() if name in needed}))
    return tasks


def chunks(tasks: Sequence[Task], size: int = CHUNK) -> list[tuple[Task, ...]]:
    """Return tasks in chunks, those of one packed model side by side, greatest models first.

    RTL takes minutes a point: each such task is a chunk of its own, and comes first.
    """
    slow = [(task,) for task in tasks if RTL in task.evaluators]
    ordered = sorted((task for task in tasks if RTL not in task.evaluators), key=_order)
    return [*slow, *(chunk for group in _by_model(ordered) for chunk in _cut(group, size))]


def _answer(task: Task) -> Iterator[Result]:
    known = {name: result for name, result in task.known.items() if name not in task.evaluators}
    for name in task.evaluators:
        lost = next((known[need] for need in EVALUATORS[name].needs if known[need].fields == {}), None)
        if lost is None:
            fields: dict[str, Fields] = {need: known[need].fields for need in EVALUATORS[name].needs}
            result = evaluate(task.point, name, fields)
        else:
            result = Result(task.point.digest, name, digest_of(name), lost.status, lost.reason)
        known[name] = result
        yield result


def _model(task: Task) -> tuple[int, int, str, int, str, int, int]:
    point = task.point
    return (
        -point.hidden_states,
        -point.vocab_size,
        point.model,
        point.bits,
        point.layout,
        point.exponent_bits,
        point.mantissa_bits,
    )


def _order(task: Task) -> tuple[object, ...]:
    point = task.point
    return (
        *_model(task),
        point.keywords,
        point.seed,
        astuple(replace(point.engine_alone, beams=0)),
        point.beams,
        point.digest,
    )


def _by_model(ordered: Sequence[Task]) -> Iterator[list[Task]]:
    group: list[Task] = []
    for task in ordered:
        if group and _model(task) != _model(group[0]):
            yield group
            group = []
        group.append(task)
    if group:
        yield group


def _cut(group: Sequence[Task], size: int) -> Iterator[tuple[Task, ...]]:
    for start in range(0, len(group), size):
        yield tuple(group[start : start + size])
