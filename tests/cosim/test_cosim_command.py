"""`normq cosim` and `normq rtl` on the smallest engine."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from normq.analysis.commands.app import app
from normq.model.artifact import write_artifact
from normq.model.config import AcceleratorConfig, Layout
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Scores, Vectors
from normq.model.packing.model import pack_model
from normq.model.synthetic import synthetic_levels
from normq.rtl.engine import LANE_MODULE
from normq.rtl.system import SYSTEM_MODULE
from normq.sim.build import Simulator
from normq.sim.engine import ENGINE_MODULE, source_files
from normq.sim.memory.trace import KINDS, counted_by_kind
from normq.sim.results import SimulationError
from normq.sim.trial import score_difference, vector_difference
from normq.sim.verilog import module_ports, without_zeroed_memories

SMALLEST = ("--entries-per-cycle", "1", "--lanes", "1", "--elements-per-cycle", "1", "--port-bits", "64")
TRAFFIC = ("read", "write")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("artifact") / "model"
    write_artifact(pack_model(synthetic_levels(24, 60, 4), Layout.SPARSE, {}), path)
    return path


def cosim(artifact: Path, *options: object) -> Result:
    return CliRunner().invoke(app, ["cosim", str(artifact), *SMALLEST, *map(str, options)])


def cells(output: str) -> dict[str, list[str]]:
    lines = (line.rsplit(maxsplit=3) for line in output.splitlines())
    return {line[0].strip(): line[1:] for line in lines if len(line) == 4}


def test_equal_and_counted(artifact: Path, tmp_path: Path) -> None:
    result = cosim(artifact, "--tokens", "5,17,3", "--stalls", 60, "--seed", 3, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    table = cells(result.output)
    assert table["RTL == golden"] == ["yes"] * 3
    assert table["gather.entries"] == table["gather.multiply_accumulates"]  # one lane
    assert int(table["engine.cycles"][0].replace(",", "")) > 3 * 24
    assert result.output.splitlines()[-1] == "RTL == golden: every bit of every output"
    assert "kcycles/s" in result.output.splitlines()[-2]
    assert {"dump.bin", "image.bin", "simulation.log"} <= {path.name for path in tmp_path.iterdir()}


def test_memories_need_no_first_content(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories that begin with random bits change nothing: their zeros may be left out of the Verilog."""
    plain = Simulator.run

    def randomized(
        self: Simulator,
        test_module: str,
        results: Path,
        environment: Mapping[str, str] | None = None,
        plusargs: Sequence[str] = (),
        testcase: str | None = None,
    ) -> Path:
        random = ("+verilator+rand+reset+2", "+verilator+seed+7")
        return plain(self, test_module, results, environment, [*plusargs, *random], testcase)

    monkeypatch.setattr(Simulator, "run", randomized)
    result = cosim(artifact, "--batch", 3)
    assert result.exit_code == 0, result.output


def test_first_difference_is_told_and_exits_with_1(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = GoldenModel.scores

    def wrong(self: GoldenModel, vectors: Vectors) -> Scores:
        scores = plain(self, vectors)
        codes = scores.codes.copy()
        codes[4, 1] += 1
        return Scores(scores.leak, codes, scores.exponents)

    monkeypatch.setattr(GoldenModel, "scores", wrong)
    result = cosim(artifact, "--operation", "scores", "--tokens", "1,2")
    assert isinstance(result.exception, SimulationError)
    pattern = r"RTL and golden differ: scores of 2: code of record, vector 4, 1 is (\d+), golden has (\d+) \(1 differ\)"
    told = re.fullmatch(pattern, str(result.exception))
    assert told
    assert int(told[2]) == int(told[1]) + 1


def test_differences_name_the_place() -> None:
    expected = Vectors(np.array([[1, 2], [3, 4]], np.uint16), np.array([5, 6], np.int32))
    code = Vectors(np.array([[1, 2], [9, 8]], np.uint16), expected.exponents)
    exponent = Vectors(expected.codes, np.array([5, 7], np.int32))
    assert vector_difference("job", expected, expected) is None
    assert vector_difference("job", code, expected) == "job: code of vector, element 1, 0 is 9, golden has 3 (2 differ)"
    assert vector_difference("job", exponent, expected) == "job: exponent of vector 1 is 7, golden has 6 (1 differ)"
    scores = Scores(np.array([1], np.uint16), np.array([[7]], np.uint16), np.array([0], np.int32))
    leak = Scores(np.array([2], np.uint16), scores.codes, scores.exponents)
    fewer = Scores(scores.leak, np.zeros((0, 1), np.uint16), scores.exponents)
    assert score_difference("job", leak, scores) == "job: leak of vector 0 is 2, golden has 1 (1 differ)"
    assert score_difference("job", fewer, scores) == (
        "job: code of record, vector: the RTL gave [0, 1] of them, golden [1, 1]"
    )


def test_rtl_writes_verilog_and_manifest(tmp_path: Path) -> None:
    options = (*SMALLEST, "--layout", "sparse", "--greatest-index-bits", "3", "--hidden-capacity", "64")
    result = CliRunner().invoke(app, ["rtl", "-o", str(tmp_path / "out"), *options])
    assert result.exit_code == 0, result.output
    described = json.loads((tmp_path / "out" / "manifest.json").read_text())
    texts = {name: (tmp_path / "out" / name).read_text() for name in described["files"]}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [*texts, "REGISTERS.md", "manifest.json"]
    )
    lane, engine = texts[f"{described['lane']}.v"], texts[f"{described['top']}.v"]
    assert {"memory__ar__valid", "control__awaddr", "interrupt"} <= set(module_ports(engine, ENGINE_MODULE))
    assert "clk" in module_ports(lane, LANE_MODULE)
    assert LANE_MODULE in engine
    system = texts[f"{described['system']}.v"]
    assert {"aclk", "m_axi_araddr", "s_axil_wstrb"} <= set(module_ports(system, SYSTEM_MODULE))
    configuration = described["configuration"]
    assert (configuration["layouts"], configuration["greatest_index_bits"]) == (["sparse"], 3)
    assert configuration["vocab_capacity"] == AcceleratorConfig().vocab_capacity


def test_only_memories_of_zeros_lose_their_content() -> None:
    zeros = "  initial begin\n    cells[0] = 4'h0;\n    cells[1] = 4'h0;\n  end\n"
    mixed = "  initial begin\n    other[0] = 4'h0;\n    other[1] = 4'h3;\n  end\n"
    scalar = "  reg one = 1'h0;\n"
    assert without_zeroed_memories(scalar + zeros + mixed + "rest\n") == scalar + mixed + "rest\n"


def test_emission_is_kept_by_everything_it_depends_on() -> None:
    """Whatever rtl imports of the model is in the key, or an edit would not be seen."""
    keyed = {path.resolve() for path in source_files()}
    package = Path(__file__).resolve().parent.parent.parent
    for path in (package / "rtl").rglob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from ..model.", "from ...model.")):
                module = line.split("model.", 1)[1].split(" import")[0]
                assert (package / "model" / f"{module.replace('.', '/')}.py").resolve() in keyed, line


def test_trace_totals_are_what_is_printed(artifact: Path, tmp_path: Path) -> None:
    """But for `words`, which loads tables before the operations whose counters are printed."""
    file = tmp_path / "trace.parquet"
    options = ("--tokens", "5,17,3", "--dram", "ddr4-3200", "--channels", 2, "--trace-memory", file)
    plain, result = cosim(artifact, "--tokens", "5,17,3", "--latency", 1), cosim(artifact, *options, "--latency", 1)
    assert result.exit_code == 0, result.output
    printed, without = cells(result.output), cells(plain.output)
    assert _number(printed["engine.cycles"][0]) > _number(without["engine.cycles"][0])
    counters = {name: sum(map(_number, values)) for name, values in printed.items() if name.split(".")[0] in TRAFFIC}
    bursts = parquet.read_table(file).to_pylist()
    totals = {kind: sum(burst["bytes"] for burst in bursts if burst["kind"] == kind) for kind in KINDS}
    counted = counted_by_kind(defaultdict(int, counters))
    assert totals.pop("words") > counted.pop("words") > 0
    assert totals == counted
    assert totals["weights"] > 0
    assert {burst["channel"] for burst in bursts} == {0, 1}


def _number(text: str) -> int:
    return int(text.replace(",", ""))
