"""Multi-objective search: NSGA-II asks for generations of points, the sweep answers."""

from collections.abc import Callable, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.study import StudyDirection
from optuna.trial import TrialState

from .cost import clocked
from .evaluators import Fields
from .point import DesignPoint
from .spec import Space

DIRECTIONS = {"min": StudyDirection.MINIMIZE, "max": StudyDirection.MAXIMIZE}
Answer = Callable[[Sequence[DesignPoint]], Sequence[Fields]]
"""What evaluators say of points, in order: all columns together, {} of an impossible one."""


def search(space: Space, answer: Answer) -> list[DesignPoint]:
    """Ask for `space.count` points by NSGA-II (Deb et al. 2002, as in Optuna) and return them.

    The same seed and answers ask the same points, so an interrupted search goes on from what the store knows. A point
    without an objective counts as failed: it is no parent.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.NSGAIISampler(population_size=space.population, seed=space.seed)
    study = optuna.create_study(
        directions=[DIRECTIONS[direction] for direction in space.objectives.values()], sampler=sampler
    )
    axes: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(choices) for name, choices in space.point.items()
    }
    asked: list[DesignPoint] = []
    wanted = space.count or 0
    while len(asked) < wanted:
        trials = [study.ask(axes) for _ in range(min(space.population, wanted - len(asked)))]
        points = [clocked(DesignPoint(**trial.params)) for trial in trials]
        asked += points
        for trial, fields in zip(trials, answer(points), strict=True):
            values = [fields.get(name) for name in space.objectives]
            if None in values:
                study.tell(trial, state=TrialState.FAIL)
            else:
                study.tell(trial, [float(str(value)) for value in values])
    return asked
