"""Ports and plumbing: the memory port, fetchers, arbiters and width converters."""
