"""The commands of `normq`, one a file."""
