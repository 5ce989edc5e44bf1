"""Memories that the engine is simulated with, inside the simulator."""
