"""One small point of the utilization study in RTL."""

import pytest

from normq.analysis.utilization.compute import PRODUCTS, STEADY_GROUPS, compute_point
from normq.analysis.utilization.spec import PointSpec
from normq.model.config import Layout
from normq.tests.cosim.engine_cases import MEMORY_BYTES
from normq.tests.cosim.test_engine_equality import CONFIGS

SHAPE = CONFIGS[2]
"""The build of test_native.py."""


@pytest.mark.parametrize("layout", Layout)
def test_small_point_is_measured_and_equal(layout: Layout) -> None:
    """No group is faster than its roofline, and the port carries the bytes that the roofline counts."""
    rows = compute_point(PointSpec(SHAPE, 64, 4, layout, 300, 90), MEMORY_BYTES)
    assert [row.operation for row in rows] == ["forward", "backward", "scores", PRODUCTS]
    assert {row.steady_groups for row in rows} == {STEADY_GROUPS}
    for row in rows:
        assert 1 <= row.ratio < 6
        read = sum(value for name, value in row.bytes_per_group.items() if name.startswith("read."))
        assert row.terms["read"] * SHAPE.port_bytes == read
    assert rows[3].bytes_per_group["read.vectors"] == 2 * rows[2].bytes_per_group["read.vectors"]
