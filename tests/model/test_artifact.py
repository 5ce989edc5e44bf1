"""The packed model file: round trip, equal bytes for equal models, and every contradiction a named error."""

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from normq.model.artifact import read_artifact, write_artifact
from normq.model.config import Layout
from normq.model.errors import ArtifactError
from normq.model.formats import VectorCode
from normq.model.packing.bitmap import unpack_bitmap
from normq.model.packing.matrix import PackedMatrix, PackedModel, RowConstants
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor
from normq.tests.model.golden_cases import KINDS, random_model, with_guard, with_row_leaks, with_rows


def sample(bits: int, hidden: int, vocab: int, density: float = 0.3) -> QuantizedHMM:
    rng = np.random.default_rng([bits, hidden, vocab])

    def levels(rows: int, columns: int) -> QuantizedTensor:
        drawn = rng.integers(1, 1 << bits, (rows, columns)) * (rng.random((rows, columns)) < density)
        return QuantizedTensor(drawn.astype(np.uint8), bits)

    return QuantizedHMM(levels(hidden, hidden), levels(hidden, vocab), levels(1, hidden), vocab - 1)


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, PackedModel | PackedMatrix | RowConstants):
        for field in fields(expected):
            assert_same(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize(("hidden", "vocab", "density"), [(1, 2, 1.0), (17, 40, 0.3), (70, 5, 0.05), (9, 9, 0.0)])
def test_round_trip(layout: Layout, hidden: int, vocab: int, density: float, bits: int, tmp_path: Path) -> None:
    model = pack_model(sample(bits, hidden, vocab, density), layout, {"checkpoint": "x", "ünïcode": '"\\\n'})
    write_artifact(model, tmp_path / "model")
    write_artifact(read_artifact(tmp_path / "model"), tmp_path / "again")
    assert_same(read_artifact(tmp_path / "model"), model)
    assert (tmp_path / "model").read_bytes() == (tmp_path / "again").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "model"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", Layout)
def test_round_trip_of_other_rows(layout: Layout, kind: str, tmp_path: Path) -> None:
    quantized = with_rows(random_model(12, 30, 3, VectorCode(), 0.3), kind).quantized()
    model = pack_model(quantized, layout, {})
    write_artifact(model, tmp_path / "model")
    assert_same(read_artifact(tmp_path / "model"), model)
    for name, tensor in (("alpha", quantized.alpha), ("beta", quantized.beta), ("gamma", quantized.gamma)):
        assert getattr(model, name).pseudocount == tensor.effective_pseudocount
        is_zero = (tensor.row_sums == 0) & (tensor.scale is None)
        rows = getattr(model, f"{name}_rows")
        np.testing.assert_array_equal(unpack_bitmap(rows.zero_rows, is_zero.size), is_zero)


@pytest.mark.parametrize("layout", Layout)
def test_round_trip_of_row_leaks(layout: Layout, tmp_path: Path) -> None:
    """Version 3, beside hmm_guard too; 8 bits a row; without row leaks a file stays what version 2 is."""
    plain = random_model(12, 30, 3, VectorCode(), 0.3)
    for number, one in enumerate((plain, with_rows(plain, "least level"), with_guard(plain, 5))):
        model = pack_model(with_row_leaks(one).quantized(), layout, {})
        write_artifact(model, tmp_path / "model")
        assert_same(read_artifact(tmp_path / "model"), model)
        assert model.alpha_rows.leaks is not None
        with safe_open(tmp_path / "model", framework="np") as file:
            assert json.loads(file.metadata()["normq"])["version"] == 3, number
            np.testing.assert_array_equal(file.get_tensor("alpha.leaks"), model.alpha_rows.leaks)
            assert file.get_slice("beta.leaks").get_shape() == [12]
        write_artifact(pack_model(one.quantized(), layout, {}), tmp_path / "plain")
        with safe_open(tmp_path / "plain", framework="np") as file:
            assert json.loads(file.metadata()["normq"])["version"] == 2
            assert "alpha.leaks" not in file.keys()  # noqa: SIM118 -- no mapping


def test_version_1_is_read(tmp_path: Path) -> None:
    """Its one eps is that of all three tensors, and gamma's index its level."""
    model = pack_model(sample(3, 17, 40), Layout.SPARSE, {"a": "b"})
    write_artifact(model, tmp_path / "new")
    with safe_open(tmp_path / "new", framework="np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name != "gamma.codebook"}  # noqa: SIM118 -- no mapping
        fields = json.loads(file.metadata()["normq"])
    del fields["rows"], fields["guard"]
    old = {**fields, "version": 1, "pseudocount_per_mille": 1}
    save_file(tensors, tmp_path / "old", {"normq": json.dumps(old)})
    assert_same(read_artifact(tmp_path / "old"), model)


WRITER = """
import sys
from pathlib import Path
from normq.model.artifact import read_artifact, write_artifact
write_artifact(read_artifact(Path(sys.argv[1])), Path(sys.argv[2]))
assert not {"torch"} & set(sys.modules), "torch was imported"
"""


def test_another_process_writes_the_same_bytes_without_torch(tmp_path: Path) -> None:
    write_artifact(pack_model(sample(4, 17, 40), Layout.SPARSE, {"b": "1", "a": "2"}), tmp_path / "one")
    command = [sys.executable, "-c", WRITER, str(tmp_path / "one"), str(tmp_path / "two")]
    subprocess.run(command, check=True, env={"PYTHONHASHSEED": "7"}, cwd=Path(__file__).parents[2])
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_stranger_reads_it_from_the_format_page_alone(tmp_path: Path) -> None:
    quantized = sample(3, 20, 33)
    write_artifact(pack_model(quantized, Layout.SPARSE, {}), tmp_path / "model")
    with safe_open(tmp_path / "model", framework="np") as file:
        header = json.loads(file.metadata()["normq"])
        data, marks = (file.get_tensor(f"beta_by_token.{part}").tobytes() for part in ("data", "nonempty"))
    levels = np.zeros((33, 20), np.uint8)
    outputs = [v for v in range(33) if marks[v // 8] >> v % 8 & 1]
    for t in range(header["entries"]["beta_by_token"]):  # 1 + 5 + 3 bits: entries of 16, 32 in a block
        entry = int.from_bytes(data[t // 32 * 64 :][:64], "little") >> t % 32 * 16 & 0xFFFF
        levels[outputs[0], entry >> 3 & 31] = entry & 7
        outputs = outputs[entry >> 15 :]
    np.testing.assert_array_equal(levels.T, quantized.beta.levels)


def fault_of(path: Path, code: VectorCode | None = None) -> str:
    with pytest.raises(ArtifactError) as caught:
        read_artifact(path, code)
    return str(caught.value)


@pytest.mark.parametrize("byte", [60, 63])
def test_block_tail(byte: int, tmp_path: Path) -> None:
    """Blocks of 24 entries of 20 bits end 4 bytes before the block does."""
    wide = pack_model(QuantizedHMM(*_tall(), eos_token_id=0), Layout.SPARSE, {})
    assert wide.beta_by_token.entry_format.width == 20
    wide.beta_by_token.data[byte] = 1
    write_artifact(wide, tmp_path / "bad")
    expected = "beta_by_token.data: block 0 has bits set after its last slot, expected zeros"
    assert fault_of(tmp_path / "bad") == f"{tmp_path / 'bad'}: {expected}"


def _tall() -> tuple[QuantizedTensor, QuantizedTensor, QuantizedTensor]:
    hidden = 129
    ones = np.ones((1, hidden), np.uint8)
    return (
        QuantizedTensor(np.eye(hidden, dtype=np.uint8), 8),
        QuantizedTensor(ones.T.copy(), 8),
        QuantizedTensor(ones, 8),
    )


def test_limits_of_the_datapath_are_checked_again(tmp_path: Path) -> None:
    write_artifact(pack_model(sample(8, 64, 3), Layout.DENSE, {}), tmp_path / "model")
    message = fault_of(tmp_path / "model", VectorCode(exponent_bits=4))
    assert message.startswith(f"{tmp_path / 'model'}: alpha: min(M, F - ceil(log2(")
    assert message.endswith("expected at least 8: use fewer index bits")


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "model"
    assert fault_of(path) == f"{path}: no such file, expected a packed model as written by normq quantize"
    save_file({"a": np.zeros(1)}, path)
    assert fault_of(path) == f"{path}: metadata 'normq': missing, expected a packed model"
    save_file({"a": np.zeros(1)}, path, {"normq": "{"})
    assert fault_of(path) == (
        f"{path}: metadata 'normq': is not JSON (Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1))"
    )
    save_file({"a": np.zeros(1)}, path, {"normq": "[]"})
    assert fault_of(path) == f"{path}: metadata 'normq': is [], expected an object"


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (-1, "Error while deserializing header: incomplete metadata, file not fully covered"),
        (100, "Error while deserializing header: invalid header length"),
        (3, "Error while deserializing header: header too small"),
        (0, "Error while deserializing header: header too small"),
    ],
)
def test_truncated(kept: int, reason: str, tmp_path: Path) -> None:
    write_artifact(pack_model(sample(2, 3, 5), Layout.SPARSE, {}), tmp_path / "sound")
    path = tmp_path / "cut"
    path.write_bytes((tmp_path / "sound").read_bytes()[:kept])
    assert fault_of(path) == f"{path}: is not a whole safetensors file ({reason})"


def test_nothing_half_written(tmp_path: Path) -> None:
    model = pack_model(sample(2, 3, 4), Layout.SPARSE, {})
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(ArtifactError, match="cannot be written"):
        write_artifact(model, target)
    with pytest.raises(ArtifactError) as caught:
        write_artifact(model, tmp_path / "absent" / "model")
    assert str(caught.value).startswith(f"{tmp_path / 'absent' / 'model'}: cannot be written (")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
