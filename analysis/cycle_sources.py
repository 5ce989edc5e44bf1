"""Who counted the cycles of a row: a module of its own, so that what is drawn of rows decides nothing about them."""

MEASURED, PREDICTED = "RTL", "timing model"
"""Values of the column `source`."""
