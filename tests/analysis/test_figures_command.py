"""`normq figures`: every figure from one table, each of points that can be compared."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.analysis.figures.of_sweep import MOST_BUILDS, alike_but, draw, of_few_builds, storage_of
from normq.model.errors import OptionError
from normq.tests.analysis.points import points

NAMES = [
    *("roofline", "scaling_bits", "scaling_hidden_states", "pareto", "stalls", "storage"),
    *("utilization_engine", "utilization_model"),
]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return points().assign(model="synthetic", model_bytes=1000, published_success=0.9)


def test_every_figure_is_drawn_and_says_of_what(table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "points.parquet")
    arguments = [str(tmp_path / "points.parquet"), "-o", str(tmp_path / "out"), "--only", "layout=sparse"]
    result = CliRunner().invoke(app, ["figures", *arguments])
    assert result.exit_code == 0, result.output
    told = result.output.splitlines()
    assert [Path(line.partition(":")[0]).stem for line in told] == NAMES
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{name}.png" for name in NAMES)
    stalls = told[NAMES.index("stalls")]
    # 8 and 16 lanes; of six such pairs the first: H = 1024, b = 3
    assert stalls.endswith("stalls.png: 2 points, hidden_states=1024, bits=3")


def test_what_the_table_lacks_is_told(table: pd.DataFrame) -> None:
    poor = table[(table["hidden_states"] == 1024) & (table["bits"] == 3)].drop(columns="energy_uj")
    told = {drawn.name: drawn.told for drawn in draw(poor) if drawn.figure is None}
    assert told == {
        "scaling_bits": "all points have the same index width b",
        "scaling_hidden_states": "all points have the same hidden states H",
        "pareto": "no energy_uj in the table",
        "storage": "all points have the same index width b",
    }


def test_points_of_a_figure_are_alike_in_all_else(table: pd.DataFrame) -> None:
    more = pd.concat([table, table[table["bits"] == 4].assign(lanes=32)])
    chosen = alike_but(more, ("bits", "hidden_states", "layout"), "bits")
    assert (set(chosen["lanes"]), len(chosen)) == ({8}, 12)
    assert set(alike_but(more, ("lanes",))["bits"]) == {4}  # three lanes and not two


def test_builds_that_rtl_ran_come_first(table: pd.DataFrame) -> None:
    many = pd.concat([table.assign(port_bits=port, source="timing model") for port in (64, 128, 256)])
    measured = table.iloc[:1].assign(port_bits=512, source="RTL")
    kept = of_few_builds(pd.concat([many, measured]))
    assert len(kept.groupby(["entries_per_cycle", "lanes", "port_bits"])) == MOST_BUILDS
    assert "RTL" in set(kept["source"])


def test_storage_is_of_each_model_once(table: pd.DataFrame) -> None:
    found = storage_of(table)
    assert len(found) == 12  # 2 H, 3 b, 2 layouts; not of two numbers of lanes
    assert found["bits_per_weight"].iloc[0] == 8 * 1000 / (1024 * (1024 + 50257 + 1))
    assert set(found["kind"]) == {"synthetic"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "lanes"], "--only: 'lanes' given, expected a column of the table, = and a value, as in lanes=16"),
        (["--only", "lane=1"], "--only: 'lane=1' given, expected a column of the table, = and a value, as in lanes=16"),
        (["--only", "lanes=5"], "--only: 'lanes=5' given, no point has it"),
        (["--kind", "bmp"], "--kind: 'bmp' given, expected png, pdf or svg"),
    ],
)
def test_faults_of_options_are_told(arguments: list[str], message: str, table: pd.DataFrame, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "points.parquet")
    fault = CliRunner().invoke(app, ["figures", str(tmp_path / "points.parquet"), *arguments]).exception
    assert isinstance(fault, OptionError)
    assert str(fault) == message
