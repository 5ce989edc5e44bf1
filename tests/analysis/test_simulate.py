"""Token steps without a simulator: what is refused, what is drawn, what bounds a step, what fits into a run."""

import numpy as np
import pytest

from normq.analysis.roofline import Roofline
from normq.analysis.simulate.limits import affordable_sample, phase_rooflines, total
from normq.analysis.simulate.scenario import GREATEST_TOKENS, TOKENS_OUT, scenario
from normq.analysis.simulate.spec import PRESETS, StepSpec
from normq.model.config import Layout
from normq.model.errors import OptionError
from normq.model.golden.operations import GoldenModel
from normq.model.packing.matrix import PackedModel
from normq.model.packing.model import pack_model
from normq.model.synthetic import synthetic_levels

SPEC = StepSpec("small", 4, Layout.SPARSE, beams=6, seed=1)


@pytest.fixture(scope="module")
def packed() -> PackedModel:
    return pack_model(synthetic_levels(64, 300, 4), Layout.SPARSE, {})


def test_refuses_what_cannot_be_run() -> None:
    names = ", ".join(PRESETS)
    with pytest.raises(OptionError, match=rf"^--preset: 'ctrlg' given, expected one of {names}$"):
        StepSpec("ctrlg", 4, Layout.SPARSE)
    with pytest.raises(OptionError, match=r"^--beams: 0 given, expected 1\.\.1024$"):
        StepSpec("small", 4, Layout.SPARSE, beams=0)
    with pytest.raises(OptionError, match=r"^--lanes: must be a power of two up to 64, got 24$"):
        StepSpec("small", 4, Layout.SPARSE, lanes=24)


def test_scenario_is_that_of_its_seed(packed: PackedModel) -> None:
    golden = GoldenModel(packed)
    first, second = (scenario(golden, SPEC) for _ in range(2))
    assert first.automaton == second.automaton
    np.testing.assert_array_equal(first.beams.vectors.codes, second.beams.vectors.codes)
    assert scenario(golden, StepSpec("small", 4, Layout.SPARSE, beams=6, seed=2)).automaton != first.automaton
    assert first.beams.batch == 6
    assert packed.eos_token_id not in first.beams.tokens
    assert (first.table.first, first.table.greatest) == (TOKENS_OUT + 1, GREATEST_TOKENS)


def test_terms_of_phases_add_up() -> None:
    parts = [Roofline(1, 2, 3, 4, 5), Roofline(50, 0, 0, 0, 1)]
    assert total(parts) == Roofline(51, 2, 3, 4, 6)
    assert total(parts).bound == 51


def test_listed_scores_are_bound_by_hand(packed: PackedModel) -> None:
    """P=4, W=4, S=4, H=64: an item takes 2 passes of 16 words, and loads the second factors of its lanes, 128 bytes."""
    scene = scenario(GoldenModel(packed), SPEC)
    lines = phase_rooflines(SPEC.sizes.config, packed, scene, None)
    assert lines["listed scores"].passes == 32 * len(scene.items)
    tokens = sum(item.tokens.size for item in scene.items)
    lanes = sum(item.beams.size for item in scene.items)
    assert 0 <= lines["listed scores"].read - lanes * 128 / 64 <= 2 * tokens
    assert lines["numerators"] == lines["denominators"]
    assert lines["numerators"].entries == SPEC.groups * packed.beta_by_token.entries / 4


def test_only_what_takes_long_is_sampled(packed: PackedModel) -> None:
    dense = pack_model(synthetic_levels(64, 300, 4), Layout.DENSE, {})
    assert affordable_sample(SPEC, packed) is None
    assert affordable_sample(SPEC, dense) is None
