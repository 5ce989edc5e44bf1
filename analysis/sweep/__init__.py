"""Design-space sweeps: points from a specification, evaluators, one store, an engine that spreads the work."""
