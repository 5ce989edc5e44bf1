"""Edge weights and edge sums of the RTL equal the golden model's, bit for bit, however the memory behaves."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.config import AcceleratorConfig, Layout
from normq.sim.session import MemoryBehavior
from normq.tests.cosim.edge_cases import EdgeSession, pool_of, random_edges, random_terms
from normq.tests.cosim.engine_cases import AT_ONCE, SLOW, STALLS, UNEVEN
from normq.tests.cosim.test_engine_equality import CONFIGS, label
from normq.tests.model.golden_cases import random_model

BEHAVIORS = (MemoryBehavior(), STALLS, AT_ONCE, *UNEVEN[:1], SLOW)
SIZES = ((24, 61), (50, 128), (100, 77), (33, 5), (128, 65))


def session_of(shape: AcceleratorConfig, turns: int) -> EdgeSession:
    """Each layout in turn; widths, sizes, densities and numbers of terms go round."""
    session = EdgeSession(shape)
    turn = CONFIGS.index(shape)
    for number in range(turns):
        rng = np.random.default_rng([turn, number])
        hidden, vocab = SIZES[(turn + number) % len(SIZES)]
        bits, layout = 2 + (turn + 3 * number) % 7, list(Layout)[number % 2]
        model = random_model(hidden, vocab, bits, shape.code, (0.04, 0.3, 0.75)[number % 3], number)
        image = session.image(model, layout)
        session.add_weights(image, model, layout, random_edges(rng, vocab, 7))
        pool = pool_of(hidden, shape.code, number)
        counts = [1, 1, 2, 3, 1, int(rng.integers(4, 20)), 2]
        session.add_sums(image, pool, [random_terms(rng, pool, count) for count in counts])
    return session


@pytest.mark.parametrize(("shape", "behavior"), list(zip(CONFIGS, BEHAVIORS, strict=True)), ids=label)
def test_random_edges(shape: AcceleratorConfig, behavior: MemoryBehavior, tmp_path: Path) -> None:
    session_of(shape, 3).run(tmp_path, behavior)
