"""Faults on purpose, and an independent oracle that says what they did to the records."""
