"""One token step of constrained decoding in RTL, at full size, against golden."""
