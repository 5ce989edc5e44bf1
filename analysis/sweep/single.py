"""One design point, named field by field, asked everything at once."""

from collections.abc import Sequence
from dataclasses import fields

from ...model.errors import OptionError
from .evaluators import EVALUATORS, Result
from .plan import RTL, Task, run_chunk
from .point import DesignPoint
from .space import points_of
from .spec import TYPES, space_of

ASKED = tuple(name for name in EVALUATORS if name != RTL)


def point_of(assignments: Sequence[str]) -> DesignPoint:
    """Return the point of texts such as "lanes=8"; other fields have their defaults. Raises OptionError."""
    given: dict[str, object] = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals:
            raise OptionError(f"FIELD=VALUE: {text!r} given, expected a field, = and its value, as in lanes=8")
        is_number = TYPES.get(name) is int and value.removeprefix("-").isdecimal()
        given[name] = int(value) if is_number else value
    (point,) = points_of(space_of(given))
    return point


def assignments_of(point: DesignPoint) -> list[str]:
    """Return the texts that name a point: those of its fields that are not the defaults."""
    values = [(field.name, getattr(point, field.name), field.default) for field in fields(point)]
    return [f"{name}={value}" for name, value, default in values if value != default]


def ask(point: DesignPoint) -> tuple[Result, ...]:
    """Return what every evaluator but RTL says of a point."""
    return run_chunk([Task(point, ASKED, {})], {}).results
