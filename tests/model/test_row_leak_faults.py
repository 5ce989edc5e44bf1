"""Version 3 of packed model files spoiled one place at a time, and the whole message each must give."""

from pathlib import Path

import numpy as np
import pytest

from normq.model.artifact import read_artifact
from normq.model.config import Layout
from normq.tests.model.test_artifact_faults import (
    ROW_FIELDS,
    Draft,
    Spoil,
    draft,
    fault_of,
    field,
    many,
    put,
    rows,
    tensor,
)


def as_version_3(*names: str) -> Spoil:
    """The same file with the field of version 3, some tensors with the least leak in each row."""

    def change(it: Draft) -> None:
        it.fields["version"] = 3
        for name, rule in it.fields["rows"].items():
            rule["row_leaks"] = name in names
        for name in names:
            it.tensors[f"{name}.leaks"] = np.full(3, 2, np.uint8)
            # r of the levels' sum and a leak of 2 / 1024
            for row, total in enumerate((4, 2, 3) if name == "alpha" else (6, 0, 3)):
                if total:
                    factor = 1024 / (1024 * total + 2)
                    shift = 15 - int(np.floor(np.log2(factor)))
                    it.tensors[f"{name}.rho"][row] = int(factor * 2.0**shift + 0.5)

    return change


FAULTS: dict[str, tuple[Spoil, str]] = {
    "version 3 without its field": (
        field("version", 3),
        "metadata 'rows.alpha.row_leaks': missing, expected true or false",
    ),
    "version 3 without a row leak": (
        as_version_3(),
        "metadata 'rows': has no row_leaks, expected some in version 3",
    ),
    "row leaks of version 2": (
        rows("alpha", row_leaks=True),
        f"metadata 'rows.alpha.row_leaks': unknown, expected only {ROW_FIELDS}",
    ),
    "row leaks type": (
        many(as_version_3(), rows("beta", row_leaks=1)),
        "metadata 'rows.beta.row_leaks': is 1, expected true or false",
    ),
    "row leaks of gamma": (
        many(as_version_3(), rows("gamma", row_leaks=True)),
        "metadata 'rows.gamma.row_leaks': is True, expected only in normalized rows of alpha and beta",
    ),
    "row leaks where rows are not normalized": (
        many(as_version_3(), rows("beta", row_leaks=True, normalized=False, zero_rows="empty")),
        "metadata 'rows.beta.row_leaks': is True, expected only in normalized rows of alpha and beta",
    ),
    "no leaks": (
        many(as_version_3(), rows("beta", row_leaks=True)),
        "tensor 'beta.leaks': missing, expected in the sparse layout",
    ),
    "leaks of nothing": (
        tensor("alpha.leaks", np.full(3, 9, np.uint8)),
        "tensor 'alpha.leaks': unknown, expected none of that name in the sparse layout",
    ),
    "shape of leaks": (
        many(as_version_3("alpha"), tensor("alpha.leaks", np.full(4, 2, np.uint8))),
        "tensor 'alpha.leaks': is U8 [4], expected U8 [3]",
    ),
    "a leak below eps": (
        many(as_version_3("alpha"), put("alpha.leaks", 1, 1)),
        "alpha.leaks: element 1 is 1, expected at least 2",
    ),
    "a leak of a row without a level": (
        many(as_version_3("beta"), put("beta.leaks", 1, 3)),
        "beta.leaks: element 1 is 3, expected 2 in a row without a level",
    ),
    # code 200 is 24 << 11 units, 48: 2**21 / (3 + 48) = 41120.6
    "a leak that the factor does not know": (
        many(as_version_3("beta"), put("beta.leaks", 2, 200)),
        "beta.rho: element 2 is 43662, expected 41121 for levels that add up to 3",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults(case: str, tmp_path: Path) -> None:
    spoil, message = FAULTS[case]
    it = draft(Layout.SPARSE, tmp_path)
    spoil(it)
    it.save(tmp_path / "spoiled")
    assert fault_of(tmp_path / "spoiled") == f"{tmp_path / 'spoiled'}: {message}"


@pytest.mark.parametrize("layout", Layout)
def test_an_unspoiled_draft_is_sound(layout: Layout, tmp_path: Path) -> None:
    it = draft(layout, tmp_path)
    as_version_3("alpha", "beta")(it)
    it.save(tmp_path / "again")
    np.testing.assert_array_equal(read_artifact(tmp_path / "again").beta_rows.leaks, [2, 2, 2])
