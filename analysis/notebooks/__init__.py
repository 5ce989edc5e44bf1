"""Notebooks as scripts (jupytext, percent format), and what runs them. Every sentence about a number is asserted."""
