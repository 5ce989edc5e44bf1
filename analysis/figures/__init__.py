"""Figures of the main job, one a file."""
