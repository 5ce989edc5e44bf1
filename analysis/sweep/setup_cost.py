"""Evaluator "setup_cost": energy of a constraint's backward table, from the counters that the set-up was given."""

from .cost import cost_of
from .point import DesignPoint
from .timing import Fields


def evaluate_setup_cost(point: DesignPoint, setup: Fields) -> Fields:
    """Return the columns, at the point's own clock, node and memory."""
    row = cost_of(point, setup["counters"])
    return {
        "energy_setup_low_uj": row.energy_low_uj,
        "energy_setup_uj": row.energy_uj,
        "energy_setup_high_uj": row.energy_high_uj,
        "energy_setup_memory_uj": row.energy_memory_uj,
    }
