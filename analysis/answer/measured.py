"""What was measured for the page, and where: kept as a small file that ships."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ...model.atomic import replacing
from ...model.errors import OptionError
from .latency import LMStep

RESULTS = Path(__file__).parent / "results" / "measured.json"
BEAMS = (1, 16)
PREFIX, REPEATS = 16, 5
"""Tokens before the step of the language model, and how often it is timed."""
HIDDEN, VOCAB = 1024, 2048
"""Of the synthetic model, as in `normq run`."""


@dataclass(frozen=True)
class Measured:
    """Everything that was measured for the page, and where."""

    lm_ms: dict[str, float]
    """Milliseconds of processor time of one step, by beams."""
    machine: str
    torch_version: str
    synthetic_kl_nat: dict[str, float]
    """Mean KL of the next token, by index width: the unquantized synthetic model, from it the bit-accurate datapath."""

    def lm_step(self, beams: int) -> LMStep | None:
        """Return the step at these beams, None where it was not measured."""
        found = self.lm_ms.get(str(beams))
        if found is None:
            return None
        return LMStep(f"GPT-2 124M on {self.machine}", found, f"torch {self.torch_version}, float32, one thread")


def write_measured(found: Measured, path: Path = RESULTS) -> None:
    """Keep what was measured."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


def read_measured(path: Path = RESULTS) -> Measured:
    """Return what was measured before. Raises OptionError where nothing was."""
    if not path.is_file():
        raise OptionError(f"{path}: no such file, expected what `normq design-space --measure` writes")
    return Measured(**json.loads(path.read_text(encoding="utf-8")))
