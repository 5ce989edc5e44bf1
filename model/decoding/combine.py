"""Constraints out of constraints: both, either, or not. Every result is the least automaton of its texts."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from ..errors import OptionError
from .automaton import Automaton
from .classes import ClassTable, Join, product


def intersection(automata: Sequence[Automaton]) -> Automaton:
    """Return the automaton of texts that all accept. Raises OptionError for none."""
    return _joined("intersection", automata, np.logical_and)


def union(automata: Sequence[Automaton]) -> Automaton:
    """Return the automaton of texts that any accepts. Raises OptionError for none."""
    return _joined("union", automata, np.logical_or)


def negation(automaton: Automaton) -> Automaton:
    """Return the automaton of texts that `automaton` does not accept."""
    table = ClassTable.of(automaton)
    return ClassTable(table.classes, table.start, ~table.accepting, table.table).automaton()


def _joined(name: str, automata: Sequence[Automaton], join: Join) -> Automaton:
    if not automata:
        raise OptionError(f"{name}: of no automata, expected at least one")
    # the least first, so that products in between stay small
    tables = [ClassTable.of(automaton) for automaton in sorted(automata, key=lambda automaton: automaton.states)]
    return reduce(lambda first, second: product(first, second, join).least(), tables).automaton()
