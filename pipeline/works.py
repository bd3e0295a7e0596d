"""Makes the work of each group of stages out of what the pipeline declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from pipeline.clock import Clock
from pipeline.control import Control
from pipeline.errors import ConfigurationError
from pipeline.operators.base import describe
from pipeline.operators.batch import BatchOperator
from pipeline.operators.decode import DecodeOperator
from pipeline.operators.function import FunctionOperator
from pipeline.operators.stateful import StatefulOperator
from pipeline.pipeline import INGESTION, Pipeline, StageSpec
from pipeline.plan import StageGroup
from pipeline.retry import Retrier
from pipeline.stages import Stage
from pipeline.tasks.chain import ChainWork
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.saver import StateSaver, saves
from pipeline.tasks.stateful import StatefulWork
from pipeline.tasks.whole_batch import BatchWork
from pipeline.tasks.work import Teller, Work
from pipeline.timing import timed


class Works:
    """Makes the works of one run."""

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        teller: Teller,
        clock: Clock,
        control: Control,
        seed: int,
        numbers: Iterator[int],
        states: Mapping[str, bytes] | None,
        going_on: bool,
    ) -> None:
        """``states`` is what stages remembered when the last commit was made, by stage; None where no
        progress is kept. ``going_on`` tells that there was such a commit.

        Raises :class:`~pipeline.errors.ConfigurationError` where a stage cannot be made, or not go on.
        """
        self._teller = teller
        self._clock = clock
        self._control = control
        self._seed = seed
        self._numbers = numbers
        self._every_s = pipeline.sink.commit_every_s if pipeline.sink is not None else 0.0
        self._stages = {
            spec.name: _made(spec, pipeline) for spec in pipeline.stages if spec.kind == "stateful"
        }
        self.saving: str | None = None
        """The stage whose state is saved in each commit."""
        self._saved: bytes | None = None
        if states is not None:
            self._find_saving(pipeline.name, states, going_on=going_on)

    def maker(
        self,
        group: StageGroup,
        encoder: Encoder | None,
        more: Callable[[], bool],
        *,
        keep_originals: bool,
    ) -> Callable[[], Work]:
        """Makes the work of one worker after another; operators without a memory are shared.

        ``more`` tells whether a batch waits for the group.
        """
        if not group.specs or group.specs[0].kind == "function":
            decode = DecodeOperator(INGESTION) if group.decodes else None
            functions = [self._function(spec) for spec in group.specs]
            return lambda: ChainWork(decode, functions, self._teller, encoder, keep_originals=keep_originals)
        spec = group.specs[0]
        if spec.kind == "batch":
            operator = BatchOperator(spec.name, spec.target, spec.container, spec.on_error)
            return lambda: BatchWork(operator, self._teller, encoder, keep_originals=keep_originals)
        stage = self._stages[spec.name]
        remembering = StatefulOperator(spec.name, stage, spec.on_error)
        saver = None
        if spec.name == self.saving:
            saver = StateSaver(spec.name, stage, self._saved, clock=self._clock, every_s=self._every_s)
            saver.more = more
        return lambda: StatefulWork(remembering, self._teller, encoder, self._numbers, saver)

    def _find_saving(self, pipeline: str, states: Mapping[str, bytes], *, going_on: bool) -> None:
        names = list(self._stages)
        for position, (name, stage) in enumerate(self._stages.items()):
            if not saves(stage):
                continue
            where = f"stage {name!r} of pipeline {pipeline!r}"
            if behind := names[position + 1 :]:
                raise ConfigurationError(
                    f"{where}: it saves its state (snapshot), and {behind[0]!r} behind it has a memory too: "
                    "what that one holds back would be read again and counted twice; make one stage of both, "
                    "or leave snapshot and restore out"
                )
            if going_on and name not in states:
                raise ConfigurationError(
                    f"{where}: earlier runs saved no state of it, so it cannot go on where they stood; start "
                    "over with --fresh"
                )
            self.saving, self._saved = name, states.get(name)

    def _function(self, spec: StageSpec) -> FunctionOperator:
        retrier = None
        if spec.retry is not None:
            retrier = Retrier(spec.retry, self._clock, self._control, self._seed)
        target = spec.target if spec.timeout is None else timed(spec.target, spec.timeout, self._clock)
        return FunctionOperator(spec.name, target, spec.on_error, retrier)


def _made(spec: StageSpec, pipeline: Pipeline) -> Stage:
    try:
        stage: Stage = spec.target()
    except Exception as error:
        raise ConfigurationError(
            f"stage {spec.name!r} of pipeline {pipeline.name!r}: it cannot be made: {describe(error)[0]}; "
            "give an instance where the class needs arguments"
        ) from error
    # Past any __setattr__ of the stage's own: it may be a frozen dataclass.
    vars(stage)["_watch"] = partial(pipeline.watch_cache, stage=spec.name)
    return stage
