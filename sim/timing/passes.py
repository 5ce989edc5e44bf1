"""rtl/passes.py: one pass at a time, the output side first."""

from typing import Any

import numpy as np

from ...model.jit import inlined
from .group_input import COPY as INPUT_STATE_COPY
from .group_input import MAXIMUM as INPUT_STATE_MAXIMUM
from .vector_load import ALL

GRANT, BEGIN, RUN, DRAIN, END = range(5)
INPUT_MAXIMUM, INPUT_ENCODE, INPUT_COPY, OUTPUT = range(4)
"""What kind of pass decides of its time; both output passes are alike."""

PASSES = np.dtype(
    [
        (name, np.int64)
        for name in (
            *("state", "kind", "word", "wait", "is_complete"),
            # wires
            *("issued", "begun", "ended", "passed", "input_ready", "output_ready", "is_loaded"),
        )
    ]
)


@inlined
def passes_offer(u: Any, loaded: int) -> None:
    """Issue a word when it is there; say what begins and ends, and how far the pass has come."""
    is_last = u.kind == INPUT_ENCODE or u.kind == INPUT_COPY
    is_output = u.kind == OUTPUT
    u.passed = u.word if u.is_complete and is_last else ALL
    u.is_loaded = loaded == ALL
    u.issued = u.state == RUN and (is_output or u.is_complete or u.word < loaded)
    u.begun = u.state == BEGIN and is_last
    u.ended = u.state == END and is_last
    u.input_ready = u.state == END and not is_output
    u.output_ready = u.state == END and is_output


@inlined
def passes_step(u: Any, input_d: Any, output_d: Any, input_request: int, input_state: int, output_request: int) -> None:
    """One clock edge; `input_state` is the input stage's, which says what it asks for."""
    if u.state == GRANT:
        if input_request or output_request:
            u.word = 0
            u.wait = input_d.drain - 1
            u.state = BEGIN
            if output_request:
                u.kind = OUTPUT
            elif input_state == INPUT_STATE_MAXIMUM:
                u.kind = INPUT_MAXIMUM
            else:
                u.kind = INPUT_COPY if input_state == INPUT_STATE_COPY else INPUT_ENCODE
    elif u.state == BEGIN:
        u.is_complete = u.kind == INPUT_ENCODE
        u.state = RUN
    elif u.state == RUN:
        if u.is_loaded:
            u.is_complete = 1
        if u.issued:
            u.word += 1
            if u.word == (output_d.output_words if u.kind == OUTPUT else input_d.input_words):
                u.state = DRAIN
    elif u.state == DRAIN:
        if u.wait == 0:
            u.state = END
        u.wait -= 1
    else:
        u.is_complete = 0
        u.state = GRANT
