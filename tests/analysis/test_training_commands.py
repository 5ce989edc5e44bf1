"""`normq train` and `normq distill`, on a few sequences, and what they say of wrong input before any work."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from normq.analysis.commands.app import app
from normq.model.artifact import read_artifact
from normq.model.checkpoint import read_checkpoint
from normq.model.default.language_model import default_language_model
from normq.model.default.load import FOLDER
from normq.model.errors import NormqError
from normq.model.training.counts import Parameters
from normq.model.training.distill import DEFAULT, language_model, model_digest
from normq.model.training.identity import tensors_digest

TEXT = "the dog runs .\na cat sleeps .\n\nthe cat runs across the field .\n"


def message(*arguments: str) -> str:
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, NormqError)
    return str(error)


def test_text_becomes_a_checkpoint(tmp_path: Path) -> None:
    file, output = tmp_path / "text.txt", tmp_path / "hmm"
    file.write_text(TEXT)
    result = CliRunner().invoke(app, ["train", str(file), "-o", str(output), "--hidden", "4", "--chunks", "2"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{output}: H=4 V=4096, 2 chunks, dev -")
    assert result.stdout.endswith(" nats a token\n")
    hmm = read_checkpoint(output)
    assert hmm.eos_token_id == 0
    # the state of end of text stays, as in texts filled up to the longest
    assert hmm.alpha[-1, -1] > 0.99
    assert hmm.beta[-1, 0] > 0.99
    assert hmm.beta[:-1, 0].max() < 0.01
    # it can be started from
    more = ["train", str(file), "-o", str(tmp_path / "more"), "--start", str(output), "--chunks", "1", "--bits", "3"]
    result = CliRunner().invoke(app, more)
    assert result.stdout.endswith(f" nats a token, {tmp_path / 'more' / 'packed.safetensors'}\n")
    assert read_artifact(tmp_path / "more" / "packed.safetensors").bits == 3


def test_tokens_with_missing_ones_become_a_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    np.save(file, np.array([[1, -1, 3, 4], [2, 4, -1, -1], [1, 2, 3, 4]], np.int32))
    options = ["--hidden", "3", "--chunks", "1", "--vocab-size", "5", "--eos-token-id", "4"]
    result = CliRunner().invoke(app, ["train", str(file), "-o", str(tmp_path / "hmm"), *options])
    assert result.exit_code == 0
    assert read_checkpoint(tmp_path / "hmm").beta.shape == (3, 5)


def test_embedded_language_model_is_distilled(tmp_path: Path) -> None:
    options = ["--hidden", "8", "--samples", "60", "--length", "12", "--chunks", "1"]
    for name in ("one", "two"):
        result = CliRunner().invoke(app, ["distill", "default", "-o", str(tmp_path / name), *options])
        assert result.exit_code == 0
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert first == second
    assert read_checkpoint(tmp_path / "one").hidden_states == 8
    assert np.load(tmp_path / "one" / "samples" / "part-00000.npy").shape == (60, 12)


def test_folder_of_transformers_is_read(tmp_path: Path) -> None:
    """The embedded model through transformers' own loader draws the same sentences."""
    options = ["--hidden", "8", "--samples", "20", "--length", "8", "--chunks", "1"]
    for source, name in (("default", "one"), (str(FOLDER / "lm"), "two")):
        assert CliRunner().invoke(app, ["distill", source, "-o", str(tmp_path / name), *options]).exit_code == 0
    parts = [np.load(tmp_path / name / "samples" / "part-00000.npy") for name in ("one", "two")]
    np.testing.assert_array_equal(parts[0], parts[1])


DISTILL = ("--hidden", "8", "--samples", "20", "--length", "8", "--chunks", "1", "--seed", "0")


def distilled(source: Path, output: Path) -> Path:
    arguments = ["distill", str(source), "-o", str(output), *DISTILL]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    return output


def other_language_model(folder: Path) -> Path:
    """The embedded one with a bias that differs."""
    model = default_language_model()
    with torch.no_grad():
        model.transformer.ln_f.bias.add_(0.5)
    model.save_pretrained(folder)
    return folder


def without_training(output: Path) -> Path:
    """What a kill while sentences were drawn leaves."""
    shutil.rmtree(output / "training")
    for file in (output / "config.json", output / "model.safetensors"):
        file.unlink()
    return output


@pytest.mark.parametrize(
    ("option", "field", "kept", "given"),
    [
        ("--seed", "seed", 0, 7),
        ("--length", "length", 8, 9),
        ("--samples", "samples", 20, 19),
        ("--eos-token-id", "eos_token_id", 0, 5),
    ],
)
def test_samples_of_another_draw_are_refused(option: str, field: str, kept: int, given: int, tmp_path: Path) -> None:
    output = without_training(distilled(Path("default"), tmp_path / "out"))
    expected = (
        f"{output}/samples/samples.json: {field} is {kept}, {given} was given, expected the same run or another folder"
    )
    assert message("distill", "default", "-o", str(output), *DISTILL, option, str(given)) == expected
    assert not (output / "training").exists()


def test_interrupted_draw_goes_on(tmp_path: Path) -> None:
    whole, output = (distilled(Path("default"), tmp_path / name) for name in ("whole", "out"))
    (without_training(output) / "samples" / "part-00000.npy").unlink()
    distilled(Path("default"), output)
    for name in ("samples/part-00000.npy", "samples/samples.json", "model.safetensors", "config.json"):
        assert (output / name).read_bytes() == (whole / name).read_bytes()


def test_samples_that_do_not_say_their_origin_are_refused(tmp_path: Path) -> None:
    output = without_training(distilled(Path("default"), tmp_path / "out"))
    (output / "samples" / "samples.json").unlink()
    expected = (
        f"{output}/samples: holds samples, but no samples.json that says what they were drawn from; remove the folder "
        "to draw them anew"
    )
    assert message("distill", "default", "-o", str(output), *DISTILL) == expected


@pytest.mark.parametrize("contents", ["{", "[]"])
def test_damaged_origin_of_samples_is_refused(contents: str, tmp_path: Path) -> None:
    output = distilled(Path("default"), tmp_path / "out")
    (output / "samples" / "samples.json").write_text(contents)
    found = message("distill", "default", "-o", str(output), *DISTILL)
    assert found.startswith(f"{output}/samples/samples.json: ")
    assert found.endswith("; remove its folder to start anew")


def test_other_language_model_is_refused(tmp_path: Path) -> None:
    """Both by its samples, and by the training where only these are gone and drawn anew."""
    output, other = distilled(Path("default"), tmp_path / "out"), str(other_language_model(tmp_path / "lm"))
    kept, given = (model_digest(language_model(folder)) for folder in (DEFAULT, Path(other)))
    differs = f"language_model_sha256 is {kept!r}, {given!r} was given, expected the same run or another folder"
    assert kept != given
    assert message("distill", other, "-o", str(output), *DISTILL) == f"{output}/samples/samples.json: {differs}"
    shutil.rmtree(output / "samples")
    assert message("distill", other, "-o", str(output), *DISTILL) == f"{output}/training/training.json: {differs}"


def test_same_language_model_by_another_path_goes_on(tmp_path: Path) -> None:
    """Its weights and configuration tell it, not the folder it is read from."""
    copied = Path(shutil.copytree(FOLDER / "lm", tmp_path / "copy"))
    output = distilled(Path("default"), tmp_path / "out")
    assert distilled(FOLDER / "lm", output) == distilled(copied, output)


def test_model_of_the_same_weights_and_another_configuration_is_another() -> None:
    model, other = default_language_model(), default_language_model()
    other.config.activation_function = "relu"
    assert model_digest(model) != model_digest(other)


def test_start_of_the_same_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    for number, name in enumerate(("a", "b")):
        options = ["--hidden", "4", "--chunks", "1", "--seed", str(number)]
        assert (
            CliRunner().invoke(app, ["train", str(file), "-o", str(tmp_path / name / "hmm"), *options]).exit_code == 0
        )
    output = tmp_path / "out"
    start = ["train", str(file), "-o", str(output), "--chunks", "1", "--start"]
    assert CliRunner().invoke(app, [*start, str(tmp_path / "a" / "hmm")]).exit_code == 0
    before = (output / "model.safetensors").read_bytes()
    kept, given = (tensors_digest(vars(Parameters.of_hmm(read_checkpoint(tmp_path / name / "hmm")))) for name in "ab")
    assert message(*start, str(tmp_path / "b" / "hmm")) == (
        f"{output}/training/training.json: start_sha256 is {kept!r}, {given!r} was given, expected the same run or "
        "another folder"
    )
    assert (output / "model.safetensors").read_bytes() == before
    assert CliRunner().invoke(app, [*start, str(tmp_path / "a" / "hmm")]).exit_code == 0


def test_wrong_input_is_named_before_any_work(tmp_path: Path) -> None:
    def train(file: str, *options: str) -> str:
        return message("train", str(tmp_path / file), "-o", str(tmp_path / "out"), *options)

    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "empty.txt").write_text("\n")
    np.save(tmp_path / "a.npy", np.array([[1, 7], [2, -1]]))
    np.save(tmp_path / "float.npy", np.zeros((2, 2)))
    np.save(tmp_path / "gap.npy", np.array([[1, 2], [-1, -1]]))
    (tmp_path / "nothing.npy").write_bytes(b"")
    np.save(tmp_path / "objects.npy", np.array([[None]]), allow_pickle=True)
    np.savez(tmp_path / "several.npz", a=np.array([[1, 2]]))
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    whole = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "half.npy").write_bytes(whole[:-8])
    headers = {
        "open.npy": b"((2, 2, }",
        "huge.npy": b"(2, 9%s), }" % (b"9" * 14),
        "wide.npy": b"(%s,), }" % (b"9" * 25),
    }
    for name, shape in headers.items():
        (tmp_path / name).write_bytes(whole.replace(b"(2, 2), }".ljust(len(shape)), shape))
    sizes = ("--vocab-size", "5", "--eos-token-id", "0")
    at = tmp_path
    for name in ("nothing.npy", "objects.npy", "several.npy", "half.npy", "absent.npy", *headers):
        found = train(name, *sizes)
        assert found.startswith(f"{at}/{name}: cannot be read (")
        assert found.endswith("), expected a .npy file of integers [sequences, tokens]")
    assert train("a.csv") == f"{at}/a.csv: ends with '.csv', expected .txt or .npy"
    assert train("empty.txt") == f"{at}/empty.txt: holds no text, expected a sequence a line"
    assert train("a.npy") == f"{at}/a.npy: .npy needs --vocab-size and --eos-token-id, and no --tokenizer"
    assert train("a.npy", *sizes) == f"{at}/a.npy: row 0, column 1 is 7, expected 0..4 or -1"
    expected = f"{at}/float.npy: is float64 of shape [2, 2], expected integers [sequences, tokens]"
    assert train("float.npy", *sizes) == expected
    assert train("gap.npy", *sizes) == f"{at}/gap.npy: row 1 holds no token, expected one at least in each"
    assert train("a.txt", "--hidden", "1") == "--hidden: 1 given, expected 2 at least"
    assert train("a.txt", "--dropout", "1") == "dropout: 1.0 given, expected a share from 0 to below 1"
    assert train("a.txt", "--bits", "9") == "bits: index bits must be 2..8, got 9"
    assert train("a.txt", "--backend", "mpi") == "--backend: 'mpi' given, expected gloo or nccl"
    assert train("a.txt", "--eos-token-id", "4096") == "--eos-token-id: 4096 given, expected 0..4095"
    assert train("a.txt", "--device", "no").startswith("--device: 'no' cannot be used (")
    assert not (tmp_path / "out").exists()


def test_wrong_language_model_is_named_before_any_work(tmp_path: Path) -> None:
    def distill(folder: Path, *options: str) -> str:
        return message("distill", str(folder), "-o", str(tmp_path / "out"), *options)

    folder = tmp_path / "lm"
    expected = f"{folder}: has no config.json, expected a language model's folder, or 'default'"
    assert distill(folder) == expected
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    expected = f"{folder}: holds no *.safetensors, expected a model's weights in that format (no pickles)"
    assert distill(folder) == expected
    (folder / "model.safetensors").write_bytes(b"damaged")
    assert distill(folder).startswith(f"{folder}: is no causal language model that transformers can load (")
    expected = "eos_token_id: 9999 found, expected one token of 0..4095; give it as an option"
    assert distill(Path("default"), "--eos-token-id", "9999") == expected
    expected = "--length: 65 given, expected at most 64, the positions of the language model"
    assert distill(Path("default"), "--length", "65", "--samples", "40") == expected
    assert (
        distill(Path("default"), "--hidden", "1")
        == "--hidden, --samples: 1 and 40000 given, expected 2 of each at least"
    )
    assert not (tmp_path / "out").exists()


def test_length_may_take_all_positions(tmp_path: Path) -> None:
    options = ["--hidden", "2", "--samples", "4", "--length", "64", "--chunks", "1"]
    assert CliRunner().invoke(app, ["distill", "default", "-o", str(tmp_path / "out"), *options]).exit_code == 0


@pytest.mark.parametrize("length", ["0", "1"])
def test_short_sequences_are_refused(length: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["distill", "default", "-o", str(tmp_path / "out"), "--length", length])
    assert result.exit_code == 2
