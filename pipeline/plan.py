"""Decides which stages share threads."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.pipeline import INGESTION, Pipeline, StageSpec


@dataclass(frozen=True, slots=True)
class StageGroup:
    """Stages that run in the same threads. The first group also decodes what was read."""

    specs: tuple[StageSpec, ...]
    workers: int
    ordered: bool
    decodes: bool = False

    @property
    def first(self) -> str:
        return INGESTION if self.decodes else self.specs[0].name

    @property
    def last(self) -> str:
        return self.specs[-1].name if self.specs else INGESTION


def grouped(pipeline: Pipeline, workers_wanted: int | None) -> list[StageGroup]:
    """Chains neighbouring functions of one record that have as many workers and do not wait."""
    groups = [StageGroup((), workers_wanted or 1, ordered=True, decodes=True)]
    for spec in pipeline.stages:
        workers = 1 if spec.kind == "stateful" else workers_wanted or spec.workers
        before = groups[-1]
        alone = spec.kind != "function" or spec.retry is not None
        last = before.specs[-1] if before.specs else None
        fits = (
            pipeline.chain
            and not alone
            and workers == before.workers
            and spec.ordered == before.ordered
            and (last is None or (last.kind == "function" and last.retry is None))
        )
        if fits:
            groups[-1] = StageGroup((*before.specs, spec), workers, before.ordered, before.decodes)
        else:
            groups.append(StageGroup((spec,), workers, spec.ordered))
    return groups
