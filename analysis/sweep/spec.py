"""SPEC.toml: what is swept, by which evaluators; checked whole before anything runs."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from ...model.errors import OptionError
from ..cost.nodes import NODES
from .columns import FILLED_BY
from .evaluators import EVALUATORS
from .plan import RTL
from .point import DesignPoint

TEXTS = {"source", "roofline_limit", "area_kind", "fmax_kind", "fpga_kind", "quality_size"}
OBJECTIVES = tuple(sorted({name for columns in FILLED_BY.values() for name in columns} - TEXTS))
TYPES = get_type_hints(DesignPoint)
NAMES = tuple(field.name for field in fields(DesignPoint))
Choices = tuple[Any, ...]
GREATEST_GRID = 1_000_000
SEEDS = range(2**32)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogRange(_Part):
    """Whole numbers from `start` to `stop`: each `factor` times the one before, or `count`, evenly in the log."""

    start: Annotated[int, Field(ge=1, lt=2**32)]
    stop: Annotated[int, Field(ge=1, lt=2**32)]
    factor: Annotated[float, Field(gt=1)] | None = None
    count: Annotated[int, Field(ge=2, le=GREATEST_GRID)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.start > self.stop:
            raise ValueError(f"start {self.start} is above stop {self.stop}")
        if (self.factor is None) == (self.count is None):
            raise ValueError("expected one of factor and count")
        if self.factor is not None and math.log(self.stop / self.start) > GREATEST_GRID * math.log(self.factor):
            raise ValueError(f"factor {self.factor} makes more than {GREATEST_GRID} numbers, expected a greater one")
        return self

    def values(self) -> tuple[int, ...]:
        """Return the numbers, rising, each once."""
        if self.factor is None:
            steps = (self.count or 2) - 1
            raw = [self.start * (self.stop / self.start) ** (step / steps) for step in range(steps + 1)]
        else:
            raw = [float(self.start)]
            while raw[-1] * self.factor <= self.stop * (1 + 1e-9):
                raw.append(raw[-1] * self.factor)
        return tuple(dict.fromkeys(round(value) for value in raw))


class Space(_Part):
    """Some points: every combination, as many drawn at random, or those that a search asks for."""

    search: Literal["grid", "random", "nsga2"] = "grid"
    count: Annotated[int, Field(ge=1, le=GREATEST_GRID)] | None = None
    """Of points: random, as many as there are combinations at most, and nsga2."""
    seed: Annotated[int, Field(ge=SEEDS[0], le=SEEDS[-1])] = 0
    population: Annotated[int, Field(ge=2)] = 50
    """Of nsga2: points of a generation."""
    objectives: dict[str, Literal["min", "max"]] = {}
    """Of nsga2: columns."""
    point: dict[str, Any]
    """Choices of each field, a tuple; a field that is not named has its default."""

    @field_validator("point", mode="before")
    @classmethod
    def _axes(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            raise ValueError("expected a table of fields")
        return {name: _choices(name, value) for name, value in given.items()}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.count is None) != (self.search == "grid"):
            raise ValueError(f"count {self.count!r} given, expected {'none' if self.search == 'grid' else 'a number'}")
        unknown = [name for name in self.objectives if name not in OBJECTIVES]
        if unknown:
            raise ValueError(f"objectives: {unknown[0]!r} given, expected some of {', '.join(OBJECTIVES)}")
        if bool(self.objectives) != (self.search == "nsga2"):
            expected = "some" if self.search == "nsga2" else "none"
            raise ValueError(
                f"objectives: {len(self.objectives)} given, expected {expected} where search is {self.search}"
            )
        if self.search == "grid" and self.combinations > GREATEST_GRID:
            raise ValueError(f"point: a grid of {self.combinations} points, expected at most {GREATEST_GRID}")
        if self.search == "random" and self.count is not None and self.count > self.combinations:
            raise ValueError(
                f"count: {self.count} given, expected at most {self.combinations}, the combinations of the choices "
                "(search = 'grid' takes all of them)"
            )
        return self

    @property
    def combinations(self) -> int:
        """Of the choices."""
        return math.prod(map(len, self.point.values()))


class RtlCheck(_Part):
    """Points that RTL runs too, to hold the timing model against it as the sweep runs."""

    count: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=SEEDS[0], le=SEEDS[-1])] = 0
    greatest_hidden_states: Annotated[int, Field(ge=1)] = 1024
    """Greater points are not drawn."""
    greatest_lanes: Annotated[int, Field(ge=1)] = 16
    """Wider ones neither: their builds take minutes."""


class SweepSpec(_Part):
    """A whole sweep."""

    evaluators: tuple[str, ...] = tuple(name for name in EVALUATORS if name != RTL)
    space: Annotated[tuple[Space, ...], Field(min_length=1)]
    rtl: RtlCheck = RtlCheck()

    @field_validator("evaluators")
    @classmethod
    def _known(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        expected = [name for name in EVALUATORS if name != RTL]
        if not given:
            raise ValueError(f"[] given, expected some of {', '.join(expected)}")
        for name in given:
            if name not in expected:
                raise ValueError(f"{name!r} given, expected some of {', '.join(expected)}")
        wanted = {*given, *(need for name in given for need in EVALUATORS[name].needs)}
        return tuple(name for name in EVALUATORS if name in wanted)

    @model_validator(mode="after")
    def _objectives_are_filled(self) -> Self:
        for number, space in enumerate(self.space):
            for column in space.objectives:
                filler = next(name for name, columns in FILLED_BY.items() if column in columns)
                if filler not in self.evaluators:
                    raise ValueError(
                        f"space.{number}.objectives: {column!r} given, a column of evaluator {filler!r}, "
                        f"expected {filler!r} among the evaluators ({', '.join(self.evaluators)})"
                    )
        return self


def read_spec(path: Path) -> SweepSpec:
    """Read a specification. Raises OptionError naming file, field, value and what was expected."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{path}: cannot be read ({error.strerror}), expected a sweep's TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: {error}, expected TOML") from error
    try:
        return SweepSpec.model_validate(content)
    except ValidationError as error:
        raise OptionError(f"{path}: {_told(error)}") from error


def space_of(given: Mapping[str, object]) -> Space:
    """Return the grid of these fields. Raises OptionError naming the field, its value and what was expected."""
    try:
        return Space.model_validate({"point": given})
    except ValidationError as error:
        raise OptionError(_told(error)) from error


def _choices(name: str, value: Any) -> Choices:
    """Return the values of one field."""
    if name not in NAMES:
        raise ValueError(f"{name}: unknown, expected some of {', '.join(NAMES)}")
    if isinstance(value, dict):
        try:
            value = LogRange.model_validate(value).values()
        except ValidationError as error:
            raise ValueError(f"{name}: {_told(error)}") from error
    choices = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not choices:
        raise ValueError(f"{name}: an empty list given, expected at least one value")
    adapter = TypeAdapter(TYPES[name])
    for choice in choices:
        try:
            adapter.validate_python(choice, strict=True)
        except ValidationError as error:
            raise ValueError(f"{name}: {choice!r} given, expected {_expected(TYPES[name], error)}") from error
        if name == "seed" and choice not in SEEDS:
            raise ValueError(f"{name}: {choice!r} given, expected {SEEDS[0]}..{SEEDS[-1]}")
        if name == "node" and choice not in NODES:
            raise ValueError(f"{name}: {choice!r} given, expected one of {', '.join(NODES)}")
    return tuple(dict.fromkeys(choices))


def _expected(kind: Any, error: ValidationError) -> str:
    names = {int: "an integer", str: "a string"}
    return names.get(kind) or error.errors()[0]["msg"].removeprefix("Input should be ")


def _told(error: ValidationError) -> str:
    """Return the first fault: where, which value, what was expected."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    if first["type"] == "value_error":
        return f"{place}: {message}" if place else message
    if first["type"] == "missing":
        return f"{place}: missing, expected it"
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown, expected no such field"
    return f"{place}: {first['input']!r} given, {message}"
