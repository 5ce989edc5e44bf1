"""One matrix product on SCALE-Sim v3: an array of equal multiply-accumulate units, outputs standing still.

SCALE-Sim: Raj et al., "SCALE-Sim v3: A modular cycle-accurate systolic accelerator simulator for end-to-end system
analysis", arXiv 2504.15377. Only its command line's inputs and its COMPUTE_REPORT.csv are used.
"""

import csv
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .environment import PeerError

RUN_NAME = "normq"
DRIVER = """
import contextlib, io, json, time
from scalesim.scale_sim import scalesim
with contextlib.redirect_stdout(io.StringIO()):
    began = time.process_time()
    simulator = scalesim(save_disk_space=True, verbose=False, config="array.cfg", topology="product.csv",
                         layout="layout.csv", input_type_gemm=True)
    simulator.run_scale(top_path="out")
    seconds = time.process_time() - began
print(json.dumps(seconds))
"""
SECTIONS = {
    "general": {"run_name": RUN_NAME},
    "layout": {
        f"{operand}{name}": value
        for operand in ("Ifmap", "Filter")
        for name, value in (
            ("CustomLayout", "False"),
            ("SRAMBankBandwidth", 10),
            ("SRAMBankNum", 10),
            ("SRAMBankPort", 2),
        )
    },
    "sparsity": {
        "SparsitySupport": "false",
        "SparseRep": "ellpack_block",
        "OptimizedMapping": "false",
        "BlockSize": 8,
        "RandomNumberGeneratorSeed": 40,
    },
    "run_presets": {"InterfaceBandwidth": "CALC", "UseRamulatorTrace": "False"},
}


@dataclass(frozen=True)
class Product:
    """[vectors, inputs] times [inputs, outputs] on `rows` x `columns` units: a row a vector, a column an output."""

    vectors: int
    inputs: int
    outputs: int
    rows: int
    columns: int

    @property
    def folds(self) -> int:
        """How often the array is filled."""
        return -(-self.vectors // self.rows) * -(-self.outputs // self.columns)

    @property
    def expected_cycles(self) -> int:
        """What SCALE-Sim should report: each fold streams all inputs, fills the array and drains it."""
        return self.folds * (self.inputs + self.rows + self.columns - 2) - 1


@dataclass(frozen=True)
class PeerResult:
    """What SCALE-Sim reports, and the processor time it takes for it."""

    cycles: int
    stall_cycles: int
    seconds: float


def run_peer(python: Path, product: Product) -> PeerResult:
    """Run one product with the environment's `python`. Raises PeerError when it fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "array.cfg").write_text(_config(product))
        (folder / "product.csv").write_text(
            f"Layer, M, N, K,\nproduct, {product.vectors}, {product.outputs}, {product.inputs},\n"
        )
        # a layout that is not used still has to be there
        (folder / "layout.csv").write_text("Layer,\nproduct, " + "1, " * 20 + "\n")
        result = subprocess.run([python, "-c", DRIVER], cwd=folder, capture_output=True, text=True)
        if result.returncode:
            raise PeerError(f"SCALE-Sim failed on {product!r}: {(result.stderr.strip().splitlines() or ['?'])[-1]}")
        report = folder / "out" / RUN_NAME / "COMPUTE_REPORT.csv"
        row = next(csv.DictReader(report.read_text().splitlines(), skipinitialspace=True))
        return PeerResult(int(row["Total Cycles"]), int(row["Stall Cycles"]), json.loads(result.stdout))


def _config(product: Product) -> str:
    array = {
        "ArrayHeight": product.rows,
        "ArrayWidth": product.columns,
        **{f"{operand}SramSzkB": 1024 for operand in ("Ifmap", "Filter", "Ofmap")},
        **{f"{operand}Offset": place * 100_000_000 for place, operand in enumerate(("Ifmap", "Filter", "Ofmap"))},
        "Bandwidth": 64,
        "Dataflow": "os",
        "MemoryBanks": 1,
        "ReadRequestBuffer": 64,
        "WriteRequestBuffer": 64,
    }
    sections = {**SECTIONS, "architecture_presets": array}
    return "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()) + "\n"
        for section, values in sections.items()
    )
