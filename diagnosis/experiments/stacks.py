"""Where every thread stood when nothing moved."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import ThreadStack

_LOCKS = ("acquire", "lock", "__enter__")
_WAITS = ("get", "wait", "join", "put", "recv", "read", "select", "poll", "result")


class Stacks(Experiment):
    name = "stacks"
    family = "stacks"
    question = "where did every thread stand when nothing moved?"
    ordinary = {"locks": 0.05, "dead": 0.05, "waiting": 0.5, "full": 0.1, "computing": 0.3}
    kinds = ("stall",)
    runs = 0.1

    def carry_out(self, case: Case) -> Finding:
        run = case.first
        mine = [each for each in run.stacks if each.frames]
        lines = [(each, case.source.line(each.frames[-1].partition(" ")[0])) for each in mine]
        case.lines = tuple(_place(each) for each, _ in lines)
        where = "; ".join(f"{each.name} at {_short(each.frames[-1])}: {line}" for each, line in lines[:3])
        if run.dead_threads:
            return Finding("dead", f"a thread had ended by an exception: {run.dead_threads[0]}; {where}", 1)
        locked = [each for each, line in lines if _is_lock(line)]
        if locked:
            return Finding("locks", f"{len(locked)} of {len(mine)} threads wait for a lock: {where}", 1)
        if any(".put(" in line for _, line in lines):
            return Finding("full", f"a thread waits for room: {where}", 1)
        if any(f".{word}(" in line for _, line in lines for word in _WAITS):
            return Finding("waiting", f"a thread waits for somebody: {where}", 1)
        return Finding("computing", where or "no thread stood in the pipeline's own code", 1)


def _is_lock(line: str) -> bool:
    text = line.casefold()
    return ".acquire(" in text or (text.startswith("with ") and ("lock" in text or "mutex" in text))


def _place(stack: ThreadStack) -> tuple[str, int]:
    file, _, line = stack.frames[-1].partition(" ")[0].rpartition(":")
    return file, int(line)


def _short(frame: str) -> str:
    return frame.partition(" ")[0].rpartition("/")[2]
