"""Write a data pipeline: sources, stages and a sink.

from pipeline import Pipeline, Reject, files, sqlite

flights = Pipeline("flights")
flights.read(files("data/*.csv.gz"), schema=Flight)

@flights.stage
def departed(flight: Flight) -> Flight:
    if flight.dep_time is None:
        raise Reject("cancelled")
    return flight

flights.write(sqlite("out.db", table="flights"))
"""

from pipeline.batch import Chunk, Partition
from pipeline.errors import ConfigurationError, InputError, PipelineError, Reject, SinkError, StageError
from pipeline.ids import Id, Ids
from pipeline.pipeline import Pipeline
from pipeline.retry import Retry
from pipeline.sinks import count, csv, function, jsonl, parquet, postgres, sqlite
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sources import files, generated, stdin, values
from pipeline.sources.base import PartitionSpec, Source
from pipeline.stages import Record, Stage

__all__ = [
    "Chunk",
    "ConfigurationError",
    "Id",
    "Ids",
    "InputError",
    "Partition",
    "PartitionSpec",
    "Pipeline",
    "PipelineError",
    "Record",
    "RefusedRecords",
    "Reject",
    "Retry",
    "Sink",
    "SinkError",
    "Source",
    "Stage",
    "StageError",
    "count",
    "csv",
    "files",
    "function",
    "generated",
    "jsonl",
    "parquet",
    "postgres",
    "sqlite",
    "stdin",
    "values",
]
