"""Where records come from. Each factory gives a source to hand to ``Pipeline.read``."""

from pipeline.sources.base import PartitionSpec, Source
from pipeline.sources.files import Files, files
from pipeline.sources.generated import Generated, generated
from pipeline.sources.stdin import Stdin, stdin
from pipeline.sources.values import Values, values

__all__ = [
    "Files",
    "Generated",
    "PartitionSpec",
    "Source",
    "Stdin",
    "Values",
    "files",
    "generated",
    "stdin",
    "values",
]
