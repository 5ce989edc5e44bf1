"""Sentences with given concepts from a language model that an HMM guides, on any engine."""
