"""The operations of guidance as descriptors of the engine: run in RTL, or counted by the timing model.

Results are golden's. Whoever executes the descriptors is told what they must give, so that a run in RTL ends unless
every bit is equal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..model.config import AcceleratorConfig, Layout
from ..model.decoding.datapath import GoldenDatapath, ListedProducts, Products, StepProducts
from ..model.formats import VectorCode
from ..model.golden.constants import Operation
from ..model.golden.edges import GROUP_TERMS, Term
from ..model.golden.operations import GoldenModel, Tokens
from ..model.golden.vectors import ListedScores, Scores, Vectors
from ..model.packing.matrix import BLOCK_BYTES, PackedModel
from .descriptors import Chain, Job, ModelImage
from .edge_descriptors import RESULT_LANES, ConstraintImage, Edge, StoredTerm
from .memory.map import MemoryMap
from .operand import StoredVectors, place_vectors
from .read_back import read_scores, read_vectors
from .trial import score_difference, vector_difference

COLUMN_CYCLES = 5
"""Of a listed column with entries, from one to the next, by the timing model: 40 cycles of memory, 8 reads ahead."""
COLUMN_RECORD_BYTES = 16
"""Of a listed column, before its blocks."""

SETUP, STEP = "setup", "step"
"""What a piece of work is part of: the table of a constraint, or a token step."""


@dataclass(frozen=True, eq=False)
class PlacedWork:
    """Descriptors in a memory of their own, and what must be there when they have run."""

    part: str
    """SETUP or STEP."""
    memory: MemoryMap
    loads: tuple[Job, ...]
    """What brings the model's tables on chip before."""
    work: Chain
    expected: tuple[tuple[Job, Vectors | Scores], ...]

    def difference(self, dump: bytes, lanes: int) -> str | None:
        """Return the first bit in which the memory after the run differs from golden, or None."""
        return next((found for found in self._differences(dump, lanes) if found), None)

    def _differences(self, dump: bytes, lanes: int) -> Iterator[str | None]:
        for job, expected in self.expected:
            if isinstance(expected, Scores):
                yield score_difference(job.name, read_scores(job, dump, lanes), expected)
            else:
                # vectors of edges are groups of their own
                found = read_vectors(job, dump, RESULT_LANES if job.operation is None else lanes)
                yield vector_difference(job.name, found, expected)


Execute = Callable[[PlacedWork], None]
"""Runs placed work, or counts what it takes."""


class EngineDatapath:
    """The engine as a datapath (`model.decoding.datapath.Datapath`): `execute` gets the descriptors of each operation.

    Methods raise what `execute` raises, and as `GoldenDatapath`.
    """

    def __init__(self, packed: PackedModel, config: AcceleratorConfig, execute: Execute) -> None:
        """The model must fit the engine: its sizes are checked by the packer against the code of `config` only."""
        self.golden = GoldenDatapath(GoldenModel(packed, config.code))
        self.config, self.execute = config, execute

    @property
    def packed(self) -> PackedModel:
        """The model."""
        return self.golden.packed

    @property
    def code(self) -> VectorCode:
        """Format of vectors."""
        return self.golden.code

    @property
    def longest_list(self) -> int:
        """Tokens of which listed scores take no longer than a pass over the vocabulary, on the average.

        A pass takes the cycles of its entries or of writing its records; a listed column with entries those of reading
        it apart, where it has fewer. A column of the dense layout takes in a list what it takes in a pass.
        """
        packed, config = self.packed, self.config
        if packed.layout is Layout.DENSE:
            return packed.vocab_size
        columns = max(1, int(self.golden.golden.nonempty_tokens.sum()))
        record = 2 * config.lanes / config.port_bytes
        entries = packed.beta_by_token.entries / columns / config.entries_per_cycle
        block = (BLOCK_BYTES + COLUMN_RECORD_BYTES) / config.port_bytes
        in_pass, in_list = max(entries, record), max(entries, record, block, COLUMN_CYCLES)
        return int(packed.vocab_size * in_pass / in_list)

    def initial(self) -> Vectors:
        """Return A before the first token: it comes with the model, no operation computes it."""
        return self.golden.initial()

    def forward(self, vectors: Vectors, tokens: Tokens) -> Vectors:
        """Return A after `tokens`, one of each vector."""
        found, image = self.golden.forward(vectors, tokens), self._image()
        job = image.operation(Operation.FORWARD, vectors, np.asarray(tokens, np.uint16))
        self._run(STEP, image, [(job, found)])
        return found

    def backward(self, vectors: Vectors) -> Vectors:
        """Return alpha times column vectors."""
        found, image = self.golden.backward(vectors), self._image()
        self._run(SETUP, image, [(image.operation(Operation.BACKWARD, vectors), found)])
        return found

    def step(
        self, a: Vectors, default: Vectors | None, passes: Sequence[Products], items: Sequence[ListedProducts]
    ) -> StepProducts:
        """Return the scores of A, of A .* default, and of other products: one chain, A loaded once a group."""
        found, image = self.golden.step(a, default, passes, items), self._image()
        stored = place_vectors(image.memory, a)
        second = None if default is None else place_vectors(image.memory, default)
        expected: list[tuple[Job, Vectors | Scores]] = []
        for first in range(0, a.batch, self.config.lanes):
            rows = range(first, min(first + self.config.lanes, a.batch))
            part, group = slice(rows.start, rows.stop), stored.take(rows)
            expected.append((image.operation(Operation.SCORES, group), found.denominators.of(part)))
            if second is not None and found.numerators is not None:
                job = image.operation(Operation.SCORES, group, second=second.take(rows), keeps_first=True)
                expected.append((job, found.numerators.of(part)))
            for item, scores in zip(passes, found.passes, strict=True):
                if item.rows[0] == first:
                    lanes, other = stored.take(item.rows.tolist()), place_vectors(image.memory, item.second)
                    expected.append((image.operation(Operation.SCORES, lanes, second=other, keeps_first=True), scores))
            for item, scores in zip(items, found.listed, strict=True):
                if item.rows[0] == first:
                    expected.append(self._listed(image, stored, item, scores))
        self._run(STEP, image, expected)
        return found

    def edge_weights(self, edges: Sequence[Tokens]) -> Vectors:
        """Return the weight of each edge [E, H]."""
        return self._weights(edges, self.golden.edge_weights(edges), others=False)

    def other_edge_weights(self, listed: Sequence[Tokens]) -> Vectors:
        """Return for each list the weight of the edge of all tokens not in it, [E, H]."""
        return self._weights(listed, self.golden.other_edge_weights(listed), others=True)

    def edge_sums(self, sums: Sequence[Sequence[Term]]) -> Vectors:
        """Return the sum of each list of terms; one of more than GROUP_TERMS is a sum of sums, as golden has it."""
        if max(map(len, sums)) > GROUP_TERMS:
            return self.edge_sums([self._grouped(terms) for terms in sums])
        found, image = self.golden.edge_sums(sums), self._image()
        factors = [factor for terms in sums for term in terms for factor in (term.first, term.second) if factor]
        places = {id(factor): place_vectors(image.memory, factor) for factor in factors}
        stored = [
            [StoredTerm(places[id(t.first)], None if t.second is None else places[id(t.second)]) for t in terms]
            for terms in sums
        ]
        self._run(SETUP, image, [(ConstraintImage(image).sums(stored), found)])
        return found

    # --- parts ------------------------------------------------------------------------------------------------

    def _grouped(self, terms: Sequence[Term]) -> Sequence[Term]:
        if len(terms) <= GROUP_TERMS:
            return terms
        parts = [terms[start : start + GROUP_TERMS] for start in range(0, len(terms), GROUP_TERMS)]
        summed = self.edge_sums(parts)
        return [Term(summed.take(np.array([number]))) for number in range(len(parts))]

    def _weights(self, lists: Sequence[Tokens], found: Vectors, *, others: bool) -> Vectors:
        image = self._image()
        edges = [Edge(tuple(int(token) for token in tokens), others) for tokens in lists]
        self._run(SETUP, image, [(ConstraintImage(image).weights(edges), found)])
        return found

    def _listed(
        self, image: ModelImage, stored: StoredVectors, item: ListedProducts, scores: ListedScores
    ) -> tuple[Job, Scores]:
        """Return the job of a list, and what it writes: records of those of its tokens that have entries."""
        second, tokens = place_vectors(image.memory, item.second), item.tokens.astype(np.uint16)
        lanes = stored.take(item.rows.tolist())
        job = image.operation(Operation.SCORES, lanes, second=second, listed=tokens, ends=item.ends, keeps_first=True)
        records = self.golden.golden.nonempty_tokens[item.tokens]
        return job, Scores(scores.leak, scores.codes[records], scores.exponents)

    def _image(self) -> ModelImage:
        return ModelImage(self.config, self.packed, MemoryMap(self.config.local_bytes))

    def _run(self, part: str, image: ModelImage, expected: Sequence[tuple[Job, Vectors | Scores]]) -> None:
        chain = Chain(part, tuple(job for job, _ in expected))
        self.execute(PlacedWork(part, image.memory, tuple(image.loads()), chain, tuple(expected)))
