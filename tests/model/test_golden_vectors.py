"""The golden model against the reference vectors, bit for bit, in both layouts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from normq.model.config import Layout
from normq.model.golden.edges import Term, edge_sums, edge_weights, other_edge_weights
from normq.model.golden.operations import GoldenModel
from normq.model.golden.vectors import Vectors
from normq.model.packing.model import pack_model
from normq.model.quantize.tensor import QuantizedHMM, QuantizedTensor

VECTORS = Path(__file__).parents[1] / "vectors"
same: Any = np.testing.assert_array_equal


class Case:
    """One file of vectors and the golden model of its levels."""

    def __init__(self, bits: int, layout: Layout) -> None:
        self.arrays = dict(np.load(VECTORS / f"b{bits}.npz"))
        tensors = (QuantizedTensor(self[f"levels_{name}"], bits) for name in ("alpha", "beta", "gamma"))
        self.golden = GoldenModel(pack_model(QuantizedHMM(*tensors, eos_token_id=int(self["eos"])), layout, {}))

    def __getitem__(self, name: str) -> Any:
        return self.arrays[name]

    def vector(self, name: str) -> Vectors:
        return Vectors(self[f"{name}_codes"][np.newaxis], np.array([self[f"{name}_exponent"]], np.int32))

    def last(self) -> Vectors:
        return Vectors(self["codes"][-1:], self["exponents"][-1:].astype(np.int32))

    def expect(self, name: str, found: Vectors) -> None:
        same(found.codes, self.vector(name).codes)
        same(found.exponents, self.vector(name).exponents)


@pytest.fixture(scope="module", params=[(b, layout) for b in (2, 3, 5, 8) for layout in Layout])
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*request.param)


def test_forward_run_and_scores(case: Case) -> None:
    vectors = case.golden.initial()
    for step, token in enumerate([*case["tokens"], None]):
        same(vectors.codes[0], case["codes"][step])
        assert vectors.exponents[0] == case["exponents"][step]
        scores = case.golden.scores(vectors)
        same(scores.expand(case.golden.nonempty_tokens)[0], case["scores"][step])
        assert scores.exponents[0] == case["score_exponents"][step]
        if token is not None:
            vectors = case.golden.forward(vectors, [token])


def test_compact_scores(case: Case) -> None:
    scores = case.golden.scores(case.last())
    assert (scores.leak[0], scores.exponents[0]) == (case["compact_leak"], case["compact_exponent"])
    if case.golden.packed.layout is Layout.SPARSE:
        same(scores.codes[:, 0], case["compact_codes"])
    else:
        same(scores.codes[:, 0], case["scores"][-1])


def test_listed_scores(case: Case) -> None:
    listed = case.golden.listed_scores(case.last(), case["listed"])
    same(listed.codes[:, 0], case["scores"][-1][case["listed"]])
    assert listed.exponents[0] == case["score_exponents"][-1]


def test_backward(case: Case) -> None:
    case.expect("backward_out", case.golden.backward(case.vector("backward_in")))


def test_products(case: Case) -> None:
    pair = case.last(), case.vector("backward_out")
    case.expect("product", case.golden.product(*pair))
    case.expect("product_z", case.golden.product_scores_input(*pair))


def test_edges(case: Case) -> None:
    listed, eos = case["listed"].tolist(), int(case["eos"])
    weights = edge_weights(case.golden, [listed])
    others = other_edge_weights(case.golden, [[*listed, eos]])
    case.expect("edge_listed", weights)
    case.expect("edge_others", others)
    terms = [Term(weights, case.vector("backward_out")), Term(others, case.vector("backward_in")), Term(weights)]
    case.expect("edge_sum", edge_sums(terms))
