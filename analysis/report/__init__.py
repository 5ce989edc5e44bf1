"""The report: one interactive page that holds a whole table of design points and needs no network."""
