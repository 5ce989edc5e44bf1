"""What a user would pick instead: dense floats on a GPU or a CPU, and the same packed model on a CPU."""
