"""Packed matrices: dense and sparse storage, and the directory derived from it."""
