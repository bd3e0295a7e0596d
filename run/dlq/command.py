"""``dlq list|show|replay``: what was rejected, why, and once more through the mended code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from metrics.format import plural, printable
from pipeline.checkpoint import CheckpointStore
from pipeline.dead_letters import DeadLetter, current, read
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.outputs import dead_letter_path
from pipeline.pipeline import Pipeline
from pipeline.replay import Replay
from run import exit_codes, headless, loader, outputs
from run.display import Show
from run.dlq import arguments as dlq_arguments
from run.dlq import sending
from run.dlq.arguments import Place
from run.dlq.letter_text import as_json, told
from run.lock import exclusive
from run.narrator import say
from run.session import Session
from run.state import existing_store, store_of
from run.streams import DataStream, open_the_closed, reserved_stdout

REASONS_TOLD = 10
_ENDING = "*.dead-letters.jsonl"


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001 - has no screen
    """Carry out what the words behind ``dlq`` ask for; returns the exit code.

    Raises :class:`~pipeline.errors.ConfigurationError` before anything was changed.
    """
    wanted = dlq_arguments.parse(words, program)
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        try:
            if isinstance(wanted, dlq_arguments.List):
                return _list(wanted, data)
            if isinstance(wanted, dlq_arguments.Show):
                return _show(wanted, data)
        except BrokenPipeError:
            # Who reads the list has seen enough.
            return exit_codes.HEALTHY
        return _replay(wanted, data)


def _list(wanted: dlq_arguments.List, data: DataStream) -> int:
    letters = (
        letter
        for letter in _letters(wanted.place)
        if (wanted.stage is None or letter.stage.casefold() == wanted.stage.casefold())
        and (wanted.reason is None or wanted.reason.casefold() in letter.reason.casefold())
    )
    reasons: Counter[tuple[str, str]] = Counter()
    if wanted.json:
        data.write('{"schema": 1, "dead_letters": [')
    for letter in letters:
        if wanted.json:
            comma = "," if reasons else ""
            data.write(comma + as_json({name: getattr(letter, name) for name in _LISTED}))
        else:
            data.write(
                printable(f"{letter.id:<32}  {letter.attempts:>3}x  {letter.stage:<16}  {letter.reason}")
            )
        reasons[letter.stage, letter.reason] += 1
    if wanted.json:
        data.write("]}")
    say(_summary(reasons))
    return exit_codes.HEALTHY


_LISTED = ("id", "stage", "reason", "attempts")


def _summary(reasons: Counter[tuple[str, str]]) -> str:
    lines = [f"{plural(reasons.total(), 'dead letter')}."]
    for (stage, reason), times in reasons.most_common(REASONS_TOLD):
        lines.append(f"{times:>9,}  {stage}: {printable(reason)}")
    if len(reasons) > REASONS_TOLD:
        lines.append(f"           and {plural(len(reasons) - REASONS_TOLD, 'other reason')}")
    return "\n".join(lines)


def _show(wanted: dlq_arguments.Show, data: DataStream) -> int:
    shown = 0
    places = _everywhere() if wanted.place == Place(None, None) else [wanted.place]
    for place in places:
        for letter in _letters(place):
            if letter.id == wanted.id or letter.id.startswith(f"{wanted.id}."):
                data.write(as_json(letter) if wanted.json else ("\n" if shown else "") + told(letter))
                shown += 1
    if not shown:
        looked = ", ".join(str(place.file or place.pipeline) for place in places)
        raise ConfigurationError(
            f"no dead letter has the id {wanted.id!r} (looked in {looked}); `dlq list` shows them"
        )
    return exit_codes.HEALTHY


def _everywhere() -> list[Place]:
    found = sorted([*Path().glob(_ENDING), *Path().glob(f"*/{_ENDING}")])
    if not found:
        raise ConfigurationError(
            f"no {_ENDING} is in this folder or the ones in it; say where the dead letters are: "
            "dlq show ID FILE[:NAME], or dlq show ID --file PATH"
        )
    return [Place(None, path) for path in found]


def _letters(place: Place) -> Iterator[DeadLetter]:
    """The dead letters of a place, as far as they are committed, the oldest first."""
    if place.file is not None:
        return read(place.file)
    assert place.pipeline is not None
    pipeline = loader.load(place.pipeline)
    path = dead_letter_path(pipeline)
    store = store_of(pipeline, place.state)
    checkpoint = store.load() if store is not None else None
    length = None
    if checkpoint is not None:
        path, length = current(path, checkpoint.generation), checkpoint.dead_letters
    return read(path, length) if path.exists() and length != 0 else iter(())


def _replay(wanted: dlq_arguments.Replay, data: DataStream) -> int:
    settings = wanted.settings
    assert settings.file is not None
    pipeline = loader.load(settings.file)
    pipeline.validate()
    store = existing_store(pipeline, settings.state)
    with exclusive(pipeline, settings.state):
        return _replay_from(store, pipeline, wanted, data)


def _replay_from(
    store: CheckpointStore, pipeline: Pipeline, wanted: dlq_arguments.Replay, data: DataStream
) -> int:
    replay = sending.prepared(pipeline, store, wanted.ids)
    if replay is None:
        say("There are no dead letters to replay.")
        return exit_codes.HEALTHY
    session = _session(wanted, pipeline, store, replay)
    headless.run(session)
    report = session.report()
    sound = outputs.write(report, wanted.settings, data)
    for text in sending.told(replay):
        say(text)
    return report.exit_code or (exit_codes.HEALTHY if sound else exit_codes.MONITOR)


def _session(
    wanted: dlq_arguments.Replay, pipeline: Pipeline, store: CheckpointStore, replay: Replay
) -> Session:
    settings = wanted.settings
    options = Options(batch_size=settings.batch_size, workers=settings.workers, seed=settings.seed)
    return Session(
        pipeline,
        options,
        fail_if=settings.fail_if,
        store=store,
        drain_timeout=settings.drain_timeout,
        replay=replay,
    )
