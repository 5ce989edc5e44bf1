"""The engine's bench in C++, for runs of millions of cycles."""
