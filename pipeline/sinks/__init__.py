"""The sinks that come with the product.

A sink is one file here and one entry in :data:`SINKS`; the tests hold every one of them to the same contract.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sinks.counter import CountSink, count
from pipeline.sinks.csv_file import CsvSink, csv
from pipeline.sinks.json_lines import JsonLinesSink, jsonl
from pipeline.sinks.parquet_file import ParquetSink, parquet
from pipeline.sinks.parquet_folder import ParquetFolderSink
from pipeline.sinks.postgres_table import PostgresSink, postgres
from pipeline.sinks.sqlite_table import SqliteSink, sqlite
from pipeline.sinks.user_function import FunctionSink, function

SINKS: tuple[Callable[..., Sink], ...] = (jsonl, csv, parquet, sqlite, postgres, function, count)

__all__ = [
    "SINKS",
    "CountSink",
    "CsvSink",
    "FunctionSink",
    "JsonLinesSink",
    "ParquetFolderSink",
    "ParquetSink",
    "PostgresSink",
    "RefusedRecords",
    "Sink",
    "SqliteSink",
    "count",
    "csv",
    "function",
    "jsonl",
    "parquet",
    "postgres",
    "sqlite",
]
