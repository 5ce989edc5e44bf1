"""Decisions from a sweep: which configuration for which target, by stated rules, and what would change them."""
