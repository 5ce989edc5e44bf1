"""Deciding with it: commands, tables and figures."""
