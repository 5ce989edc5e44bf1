"""Constraints on text as automata over tokens, and what the engine needs of them."""
