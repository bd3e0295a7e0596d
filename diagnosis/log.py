"""The words of a diagnosis: predictions before, conclusions after, and why it is not something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from diagnosis.experiments import EXPERIMENTS, Case, Experiment
from diagnosis.planner import BY_CAUSE
from diagnosis.scoring import Odds, Weighed
from metrics.findings import Cause

_OUTCOMES: Mapping[str, str] = {
    "cured": "it is gone",
    "less": "it is less",
    "same": "no change",
    "differs": "it differs from run to run",
    "gone": "it does not come again",
    "boundary": "the edges of batches, whatever their size",
    "stride": "the same distance each time",
    "tail": "the last records",
    "blocks": "whole batches, whatever their size",
    "rewritten": "one object for several records, written to in between",
    "shared": "one object for several records",
    "apart": "an object for each record",
    "asked": "the code asks for the time",
    "never": "the code never asks for the time",
    "only_many": "none in batches of one",
    "size": "other counts in other sizes",
    "none": "none",
    "by_order": "it depends on the order",
    "all": "in every order",
    "worse": "it is worse",
    "better": "it is less",
    "follows_keys": "it grows with new keys only",
    "grows_anyway": "it grows all the same",
    "levels": "it levels off",
    "levels_off": "it levels off",
    "goes_on": "it goes on",
    "no_more": "there are no more records",
    "level": "the growth stops and nothing is missed",
    "breaks": "records change",
    "grows": "it grows all the same",
    "left_all": "all of it is open",
    "left_some": "some of it is open",
    "held": "somebody holds it",
    "freed": "it is freed",
    "changes": "it matters",
    "steadies": "the same every time",
    "alone": "each by itself is enough",
    "needs_others": "they need others beside them",
    "records": "the same records",
    "places": "other records",
    "busy": "the machine is busy",
    "calm": "the machine is calm",
    "from_one_on": "all from one record on",
    "few": "a few",
    "anywhere": "anywhere",
    "there": "yes",
    "not_there": "no",
    "locks": "they wait for locks",
    "dead": "one of them is dead",
    "waiting": "they wait for somebody",
    "full": "one waits for room",
    "computing": "one computes",
    "times": "times",
    "counts": "counts",
}
_SIGNS: Mapping[str, str] = {
    "failed": "a run that fails",
    "stall": "a run in which nothing moves any more",
    "lost": "records that are lost",
    "duplicated": "records that come twice",
    "rejected": "records that are rejected",
    "changed": "records with other contents",
    "handles": "files or other handles that stay open",
    "memory": "a container that grows and grows",
    "slow": "a run that is slow",
    "books": "books that disagree",
    "history": "records that depend on those before them",
}
_MADE: Mapping[str, str] = {
    "again": "a run of the same input again",
    "serial": "a run in one thread",
    "schedules": "many orders in one thread",
    "lock": "a lock around the stages",
    "delay": "a wait at the lines that write what is shared",
    "copy": "a deep copy between the stages",
    "forget": "functions that forget each record",
    "batches": "a change of the batch size",
    "subset": "a run of those records alone",
    "elsewhere": "a run without the beginning of the input",
    "keys": "a run of the same records again and again",
    "longer": "a longer run",
    "flush": "emptying the container",
    "collect": "collecting garbage at each batch",
    "uncollected": "collecting garbage where nothing else does",
    "clock_step": "a wall clock two hours on or back",
    "clock_slew": "a clock twenty times as fast",
    "clock_frozen": "a clock that only moves by being read",
    "null_sink": "another sink",
    "collector_off": "a run without the cyclic collector",
    "neighbour": "a fixed piece of work meanwhile",
    "words": "the wording of the error",
    "stacks": "a look at where the threads stand",
    "holder": "a look at who holds what grows",
    "where": "a look at where the time goes",
    "disagreement": "a look at what the books hold",
    "steady": "stage times by the machine's clock",
    "all_left": "a look at how much is left open",
    "one_object": "a look at whether several records are one object",
    "time_asked": "a look at who asks for the time",
    "drift": "a look at where in the input they are",
    "smell_write": "a look at the source for unlocked writes",
    "smell_slice": "a look at the source for batches that are cut up",
    "smell_clock": "a look at the source for the wall clock",
    "smell_reuse": "a look at the source for what is kept for all calls",
    "repair": "a repair made for it",
}
_SHOWN = 3
CLEAR = 0.2
"""So little of a cause's odds is left by a symptom that is plainly not its own."""


def in_words(outcome: str) -> str:
    """An outcome in words."""
    return _OUTCOMES.get(outcome, outcome.replace("_", " "))


def subject(ranked: Sequence[tuple[Cause, float]], expected: Mapping[Cause, Mapping[str, float]]) -> Cause:
    """The hypothesis that an experiment is about: of the probable ones, the boldest."""
    best, cause = -1.0, ranked[0][0]
    for candidate, probability in ranked[:5]:
        said = max(expected[candidate].values())
        rest = [expected[other] for other, _ in ranked[:5] if other != candidate]
        outcome = max(expected[candidate], key=lambda each: expected[candidate][each])
        others = sum(each[outcome] for each in rest) / max(1, len(rest))
        if probability * max(0.0, said - others) > best:
            best, cause = probability * max(0.0, said - others), candidate
    return cause


def prediction(ranked: Sequence[tuple[Cause, float]], expected: Mapping[Cause, Mapping[str, float]]) -> str:
    """What the probable hypotheses say that will be seen."""
    parts = []
    for cause, _ in ranked[:_SHOWN]:
        outcome, share = max(expected[cause].items(), key=lambda each: each[1])
        parts.append(f"{cause}: {in_words(outcome)} ({share:.0%})")
    return "; ".join(parts)


def conclusion(odds: Odds, experiment: Experiment, outcome: str) -> str:
    """Who gains and who loses."""
    seen = odds.seen[-1]
    found = seen.factors
    ranked = odds.ranked()
    gains = [cause for cause, _ in ranked[:6] if found[cause] > 0.5]
    loses = [cause for cause, _ in ranked[1:8] if found[cause] < 0.1]
    told = f"{in_words(outcome)}; {ranked[0][0]} is most probable now ({ranked[0][1]:.0%})"
    if loses:
        told += f"; against {', '.join(loses[:3])}"
    elif len(gains) > 3 and not experiment.intervention:
        told += "; it tells little"
    return told


def _strength(seen: Weighed, cause: Cause, rival: Cause) -> float:
    found = seen.factors
    return found[cause] / found[rival]


def why(odds: Odds, cause: Cause) -> str:
    """The strongest of what speaks for a cause, against the next best."""
    rival = next(other for other, _ in odds.ranked() if other != cause)
    strong = sorted(odds.seen, key=lambda seen: -_strength(seen, cause, rival))
    shown = [seen for seen in strong if _strength(seen, cause, rival) > 1.5 and seen.experiment != "symptom"]
    interventions = [
        seen for seen in odds.seen if seen.outcome in BY_CAUSE[cause].confirmed_by.get(seen.experiment, ())
    ]
    chosen = list(dict.fromkeys(id(seen) for seen in (*interventions, *shown)))
    by_id = {id(seen): seen for seen in odds.seen}
    return "; ".join(f"{question(by_id[each].experiment)} {by_id[each].told}" for each in chosen[:3])


def against(odds: Odds, cause: Cause, top: Cause) -> str:
    """What would have been seen under a cause, and what was seen instead: one sentence."""
    if not odds.seen:
        return ""
    worst = changed(odds, cause, top) or min(odds.seen, key=lambda seen: _strength(seen, cause, top))
    if _strength(worst, cause, top) > 0.67:
        return "it is rare, and nothing that was seen points to it"
    name = cause.replace("_", " ")
    symptom = next((seen for seen in odds.seen if seen.experiment == "symptom"), None)
    plain = symptom is not None and not worst.intervention and _strength(symptom, cause, top) < CLEAR
    if symptom is not None and (symptom is worst or plain):
        # What it looks like is plainer than what was seen on looking closer.
        usual, _ = BY_CAUSE[cause].predicts("symptom", _ordinary("symptom"))
        if usual != symptom.outcome:
            return f"{name} mostly shows as {_SIGNS[usual]}; what was seen: {symptom.told}"
        return f"{name} seldom shows like this: {symptom.told}"
    predicted, _ = BY_CAUSE[cause].predicts(worst.experiment, _ordinary(worst.experiment))
    what = _MADE.get(worst.experiment, worst.experiment)
    if predicted == worst.outcome:
        return (
            f"{name} leads to this less often than {top.replace('_', ' ')} does: {what} showed: {worst.told}"
        )
    return f"were it {name}, {what} would most likely show: {in_words(predicted)}; it showed: {worst.told}"


def changed(odds: Odds, cause: Cause, top: Cause) -> Weighed | None:
    """What was changed, of which a cause has something to say, and speaks most clearly against it; None where
    nothing does clearly."""
    said = BY_CAUSE[cause].says
    made = [
        seen
        for seen in odds.seen
        if seen.intervention and seen.experiment in said and _strength(seen, cause, top) < CLEAR
    ]
    return min(made, key=lambda seen: _strength(seen, cause, top), default=None)


def _ordinary(name: str) -> Mapping[str, float]:
    return next((each.ordinary for each in EXPERIMENTS if each.name == name), {"same": 0.9, "cured": 0.1})


def question(name: str) -> str:
    """An experiment's question."""
    told = {"repair": "a repair made for it:"}
    return next((each.question for each in EXPERIMENTS if each.name == name), told.get(name, name))


def _against_mean(seen: Weighed, cause: Cause) -> float:
    others = [value for other, value in seen.likelihood.items() if other != cause]
    return seen.likelihood[cause] / max(1e-6, sum(others) / max(1, len(others)))


def evidence_for(odds: Odds, cause: Cause) -> tuple[str, ...]:
    """What was seen that this cause had said rather than others."""
    found = sorted(odds.seen, key=lambda seen: -_against_mean(seen, cause))
    return tuple(seen.told for seen in found if _against_mean(seen, cause) > 1.5)[:4]


def evidence_against(odds: Odds, cause: Cause) -> tuple[str, ...]:
    """What was seen that others had said rather than this cause."""
    found = sorted(odds.seen, key=lambda seen: _against_mean(seen, cause))
    return tuple(seen.told for seen in found if _against_mean(seen, cause) < 0.67)[:4]


def what_would_help(odds: Odds, impossible: Sequence[Experiment], case: Case) -> str:
    """The experiment that would tell most, and was not possible, or more of the same."""
    probable = [cause for cause, share in odds.ranked()[:3] if share > 0.05]
    wanted = {name for cause in probable for name in BY_CAUSE[cause].confirmed_by}
    for experiment in impossible:
        if experiment.name in wanted:
            return f"{experiment.question} (not possible here)"
    if case.share < 1:
        return "more runs of the same input, for it comes and goes"
    return "more records, or a larger budget (--budget)"
