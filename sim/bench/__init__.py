"""Test benches: the module under test inside its surroundings, and the Python that drives it."""
