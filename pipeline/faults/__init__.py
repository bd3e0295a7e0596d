"""Breaks on purpose: real bugs, put into a running pipeline and taken out again. Only ``run`` imports it."""
