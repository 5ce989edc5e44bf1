"""The main job: every index width, size and layout through the whole line, one row each."""
