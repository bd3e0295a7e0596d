"""What this is and which version, for files that must say so."""

from __future__ import annotations

NAME = "pipeline-monitor"
VERSION = "2.0.0"
"""A test holds it to pyproject.toml."""
