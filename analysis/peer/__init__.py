"""Comparison of the timing model with a published simulator."""
