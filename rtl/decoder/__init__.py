"""From packed bytes to a stream of entries."""
