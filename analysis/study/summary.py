"""Each configuration in one row: what the tables and figures are made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ...model.footprint import weight_count
from .corpus import TextScores
from .intervals import mcnemar, paired_bootstrap, wilson
from .results import Results, Rows, scores_of
from .spec import FLOAT_METHOD, Configuration, configurations, trained_configurations

HIDDEN, VOCAB = 256, 4096


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found of a configuration; None where it was not measured."""

    configuration: Configuration
    rows: Rows
    """Of its texts, one a set; empty without texts."""
    hmm: dict[str, float]
    """Of its HMM; empty without one."""

    @property
    def sets(self) -> int:
        """Concept sets."""
        return len(self.rows)

    @cached_property
    def success(self) -> npt.NDArray[np.bool_]:
        """[sets] every concept is a substring."""
        return np.array([row["success"] for row in self.rows], np.bool_)

    @cached_property
    def whole_words(self) -> npt.NDArray[np.bool_]:
        """[sets] every concept is a whole word."""
        return np.array([row["whole_words"] for row in self.rows], np.bool_)

    @property
    def dead(self) -> int:
        """Beams that died."""
        return sum(row["dead"] for row in self.rows)

    @property
    def empty(self) -> int:
        """Sets without a result."""
        return sum(not row["tokens"] for row in self.rows)

    @cached_property
    def scores(self) -> TextScores:
        """Of its texts."""
        return scores_of(self.rows)

    @property
    def bits_per_weight(self) -> float | None:
        """8 * bytes of the smaller packed file / (H*H + H*V + H); alpha is counted twice in the bytes."""
        sizes = [size for name in ("sparse_file_bytes", "dense_file_bytes") if (size := self.hmm.get(name))]
        return 8 * min(sizes) / weight_count(HIDDEN, VOCAB) if sizes else None


class Summary:
    """Outcomes by configuration."""

    def __init__(self, results: Results, configurations: Iterable[Configuration]) -> None:
        texts, hmm = results.texts_of(), {row["configuration"]: row for row in results.hmm}
        self._outcomes = {
            one: Outcome(one, texts.get(one.name, []), hmm.get(one.name, {}))
            for one in configurations
            if one.name in texts or one.name in hmm
        }

    def get(self, configuration: Configuration) -> Outcome | None:
        """Return the outcome of a configuration, None where it was not computed."""
        return self._outcomes.get(configuration)

    @cached_property
    def base(self) -> Outcome:
        """The float model, with the event."""
        return self._outcomes[Configuration(FLOAT_METHOD)]

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self._outcomes.values())


def summary_of(results: Results) -> Summary:
    """Return the outcomes of everything the study computes."""
    return Summary(results, [*configurations(), *trained_configurations()])


def share(flags: npt.NDArray[np.bool_]) -> str:
    """Return a share in percent with its Wilson interval; - without sets."""
    if not flags.size:
        return "-"
    low, high = wilson(int(flags.sum()), flags.size)
    return f"{100 * flags.mean():.1f} ({100 * low:.1f}-{100 * high:.1f})"


def p_value(outcome: Outcome, base: Outcome) -> str:
    """Return McNemar's p of equal success."""
    return f"{mcnemar(outcome.success, base.success):.2g}" if outcome.sets == base.sets else "-"


def differences(outcome: Outcome, base: Outcome) -> list[str]:
    """Return ROUGE-L, BLEU-4, CIDEr minus those of `base` with their paired intervals."""
    intervals = paired_bootstrap(outcome.scores, base.scores)
    values = (a - b for a, b in zip(outcome.scores.percent(), base.scores.percent(), strict=True))
    return [f"{value:+.1f} ({low:+.1f}..{high:+.1f})" for value, (low, high) in zip(values, intervals, strict=True)]
