"""The non-dominated set, against its definition and by hand."""

import numpy as np
import pandas as pd
import pytest

from normq.analysis.pareto import front, non_dominated
from normq.tests.analysis.points import points


@pytest.mark.parametrize("columns", [1, 2, 3, 4])
def test_front_is_what_the_definition_says(columns: int) -> None:
    costs = np.random.default_rng(columns).integers(0, 6, (120, columns)).astype(float)
    expected = [not any((other <= row).all() and (other < row).any() for other in costs) for row in costs]
    np.testing.assert_array_equal(non_dominated(costs), expected)


def test_equal_rows_stay_and_missing_values_go() -> None:
    costs = np.array([[1, 2], [1, 2], [2, 1], [2, 2], [np.nan, 0], [0, np.nan]])
    np.testing.assert_array_equal(non_dominated(costs), [True, True, True, False, False, False])


def test_sides_are_those_of_the_columns() -> None:
    """Less energy is better, more log-likelihood is."""
    table = pd.DataFrame({"energy_uj": [1.0, 2.0, 2.0], "quality_nat_per_token": [-5.0, -5.0, -4.0]})
    np.testing.assert_array_equal(front(table, ["energy_uj", "quality_nat_per_token"]), [True, False, True])


def test_a_choice_has_no_better_side() -> None:
    with pytest.raises(ValueError, match=r"columns must each have a better side, got \['bits', 'cycles'\]"):
        front(points(), ["bits", "cycles"])
