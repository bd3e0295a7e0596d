"""The loop: a symptom, hypotheses, the experiment that tells most, odds; then the next symptom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from diagnosis import log
from diagnosis.change import Change
from diagnosis.experiments import EXPERIMENTS, Case, Experiment
from diagnosis.experiments.base import serial
from diagnosis.fitted import FITTED
from diagnosis.fix import Tried, mend
from diagnosis.hypotheses import HYPOTHESES
from diagnosis.lab import Lab, OutOfBudget
from diagnosis.launcher import Launcher
from diagnosis.observation import Observation
from diagnosis.place import place
from diagnosis.planner import BY_CAUSE, RULED_OUT, choose, concluded, confirmed
from diagnosis.scoring import Odds, Weighed
from diagnosis.screening import Screened, described, screen
from diagnosis.source import Source
from diagnosis.symptoms import Trouble
from metrics.findings import Belief, Cause, Conclusion, Diagnosis, RuledOut, Step, Symptom
from pipeline.clock import Clock

REPAIR_WORKS, REPAIR_BY_CHANCE = 0.9, 0.12
"""How often a repair works for the cause that it is made for, and for another."""
PASSIVE = 0.2
"""An experiment that costs less than so many runs makes none."""
FIX_SHARE = 0.25
"""Of the budget, this much is kept for trying repairs."""


@dataclass(slots=True)
class Outcome:
    """A diagnosis that is over, with the first run."""

    diagnosis: Diagnosis
    as_is: Observation | None = None


@dataclass(slots=True)
class Diagnoser:
    """One diagnosis of one pipeline.

    ``progress`` is told of every change, from the thread that calls :meth:`run`; ``stopped`` is asked
    between runs. ``first`` is how the pipeline is run at first.
    """

    launcher: Launcher
    clock: Clock
    budget_s: float
    first: Change = field(default_factory=lambda: Change(sink="own"))
    progress: Callable[[Diagnosis], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    allow_live: bool = False
    """Whether experiments may call the pipeline's own sink, which the first run alone does otherwise."""
    experiments: tuple[Experiment, ...] = EXPERIMENTS
    first_ranking: list[tuple[Cause, float]] = field(default_factory=list)
    """The causes of the first symptom, the most probable first."""
    first_seen: list[tuple[str, str]] = field(default_factory=list)
    """The experiments on the first symptom, with their outcomes."""
    _began: float = 0.0
    _steps: list[Step] = field(default_factory=list)
    _symptoms: list[Symptom] = field(default_factory=list)
    _conclusions: list[Conclusion] = field(default_factory=list)
    _ruled_out: list[RuledOut] = field(default_factory=list)
    _firm: set[Cause] = field(default_factory=set)
    """Causes that an experiment has ruled out, and not only what it looks like."""
    _doubts: list[str] = field(default_factory=list)
    _next: str = ""
    _beliefs: tuple[Belief, ...] = ()
    _doing: str = ""
    _open: bool = False

    def run(self) -> Outcome:
        """Diagnose; ends in time, with what is known by then."""
        self._began = self.clock.monotonic()
        lab = Lab(self.launcher, self.clock, self._began + self.budget_s, stopped=self.stopped)
        self._tell("running the pipeline as it is")
        screened: Screened | None = None
        try:
            screened = screen(lab, self.first)
            self._symptoms = [trouble.symptom for trouble, _, _ in screened.troubles]
            for trouble, base, run in screened.troubles:
                self._explain(lab, trouble, base, run)
        except OutOfBudget:
            self._doubts.append(
                "it was stopped" if self.stopped() else f"the budget of {self.budget_s:g} s was over"
            )
            self._open = True
        return Outcome(self._over(screened), screened.as_is if screened is not None else None)

    def _over(self, screened: Screened | None) -> Diagnosis:
        if self._conclusions and not self._open:
            state = "concluded"
        elif screened is not None and not screened.troubles:
            state = "healthy"
            self._ruled_out = [
                RuledOut(each.cause, 0.0, f"no run of {screened.runs} shows anything of it")
                for each in HYPOTHESES
                if each.cause not in ("healthy", "unknown")
            ]
        else:
            state = "concluded" if self._conclusions else "undetermined"
            if not self._conclusions and not self._symptoms and screened is not None:
                state = "healthy"
        if self._only_healthy(screened):
            state = "healthy"
        return replace(self._now(state), doing="")

    def _only_healthy(self, screened: Screened | None) -> bool:
        sound = {"healthy", "warm_up"}
        return (
            screened is not None
            and bool(self._conclusions)
            and not self._open
            and all(each.cause in sound for each in self._conclusions)
        )

    # One symptom

    def _explain(self, lab: Lab, trouble: Trouble, base: Change, run: Observation) -> None:
        lab.base = base
        withheld = base.sink == "own" and not self.allow_live
        if self._conclusions and not withheld:
            # With the cures in force: is it still there, or was it a consequence?
            if trouble.reference is not None:
                later = replace(serial(lab.change()), start=trouble.skip)
                trouble = replace(trouble, reference=lab.one(later))
            again = lab.run(lab.change(), times=2)
            left = [each for each in again if trouble.measure(each)]
            if not left:
                self._doubts.append(f"gone with the repair before: {trouble.symptom.text}")
                return
            run = left[0]
            sick = trouble.measure(run)
            trouble = replace(trouble, sick=sick, symptom=described(trouble.kind, run, sick))
        case = Case(lab, trouble, [run], Source.of(run.files, run.unwritten, run.homes))
        odds = Odds.of({each.cause: each.prior for each in HYPOTHESES}, FITTED.temperature)
        left_over = list(self.experiments)
        if withheld:
            left_over = [each for each in left_over if each.runs < PASSIVE or each.name == "null_sink"]
        deadline = lab.deadline
        lab.deadline = min(deadline, deadline - FIX_SHARE * max(0.0, deadline - self.clock.monotonic()))
        try:
            self._look(case, odds, left_over)
            self._experiment(case, odds, left_over)
            self._weigh_signs(case, odds, left_over)
        except OutOfBudget:
            if self.stopped() or self.clock.monotonic() >= deadline - 1.0:
                self._judge(case, odds, None, left_over)
                raise
        finally:
            lab.deadline = deadline
        top = odds.ranked()[0][0]
        tried: Tried | None = None
        if odds.probabilities()[top] > 0.5 and (not withheld or top == "slow_sink"):
            self._tell(f"looking for the place and a repair for {top}", odds)
            tried = mend(case, top)
        if tried is not None and tried.verified:
            self._weigh_repair(odds, top, tried)
        self._judge(case, odds, tried, left_over)
        if withheld and self._open:
            self._next = "experiments that call the pipeline's own sink, where it shows: --allow-live"
        if tried is not None and tried.verified:
            lab.cure = replace(
                lab.cure,
                patches=(*lab.cure.patches, *tried.repair.patches),
            )

    def _look(self, case: Case, odds: Odds, left: list[Experiment]) -> None:
        """What costs nothing."""
        for experiment in [each for each in left if each.runs < PASSIVE]:
            left.remove(experiment)
            if experiment.applies(case):
                self._carry_out(case, odds, experiment)

    def _experiment(self, case: Case, odds: Odds, left: list[Experiment]) -> None:
        while not concluded(odds):
            choice = choose(odds, left, case)
            if choice is None:
                return
            left.remove(choice.experiment)
            self._carry_out(case, odds, choice.experiment)

    def _weigh_signs(self, case: Case, odds: Odds, left: list[Experiment]) -> None:
        """What the source made look likely is tried, even where it is settled already that it is not it."""
        there = {seen.experiment for seen in odds.seen if seen.outcome == "there"}
        for sign, name in (("smell_write", "serial"), ("smell_clock", "clock_step")):
            experiment = next((each for each in left if each.name == name), None)
            if sign in there and experiment is not None and experiment.applies(case):
                left.remove(experiment)
                self._carry_out(case, odds, experiment)

    def _carry_out(self, case: Case, odds: Odds, experiment: Experiment) -> None:
        causes = list(odds.log)
        expected = {cause: BY_CAUSE[cause].expects(experiment.name, experiment.ordinary) for cause in causes}
        ranked = odds.ranked()
        # Written down before it is known.
        subject = log.subject(ranked, expected)
        prediction = log.prediction(ranked, expected)
        self._tell(experiment.question, odds)
        began = self.clock.monotonic()
        finding = experiment.carry_out(case)
        likelihood = {cause: expected[cause][finding.outcome] for cause in causes}
        before = odds.odds(subject)
        odds.weigh(
            Weighed(
                experiment.name,
                experiment.family,
                finding.outcome,
                finding.told,
                likelihood,
                experiment.intervention,
            )
        )
        took = self.clock.monotonic() - began
        if experiment.runs > 0 or experiment.family == "symptom":
            self._steps.append(
                Step(
                    number=len(self._steps) + 1,
                    at_s=began - self._began,
                    took_s=took,
                    hypothesis=subject,
                    prediction=prediction,
                    experiment=experiment.question,
                    command=self.launcher.command(finding.change) if took > 0.05 else "",
                    observation=f"{finding.told} (n = {finding.n})"
                    if "n =" not in finding.told
                    else finding.told,
                    conclusion=log.conclusion(odds, experiment, finding.outcome),
                    odds_before=before,
                    odds_after=odds.odds(subject),
                )
            )
        self._tell(experiment.question, odds)

    def _weigh_repair(self, odds: Odds, top: Cause, tried: Tried) -> None:
        """A repair that is made for one cause, and works, is an experiment too."""
        before = odds.odds(top)
        likelihood = {cause: REPAIR_WORKS if cause == top else REPAIR_BY_CHANCE for cause in odds.log}
        odds.weigh(Weighed("repair", "repair", "cured", tried.shown, likelihood, intervention=True))
        self._steps.append(
            Step(
                number=len(self._steps) + 1,
                at_s=self.clock.monotonic() - self._began,
                took_s=0.0,
                hypothesis=top,
                prediction=f"{top}: a repair that is made for it cures it; the others: it does not",
                experiment=f"the repair in the pipeline: {tried.repair.text}",
                command=self.launcher.command(tried.change),
                observation=tried.shown,
                conclusion=f"it is gone; {top} is at {odds.probabilities()[top]:.1%}",
                odds_before=before,
                odds_after=odds.odds(top),
            )
        )

    def _judge(self, case: Case, odds: Odds, tried: Tried | None, left: list[Experiment]) -> None:
        if not self.first_ranking:
            self.first_ranking = odds.ranked()
            self.first_seen = [(seen.experiment, seen.outcome) for seen in odds.seen]
        (top, sure), *rivals = odds.ranked()
        rival = rivals[0]
        done = confirmed(odds, top) or (tried is not None and tried.verified)
        quiet = top in ("noisy_neighbour", "healthy", "warm_up")
        sure_enough = concluded(odds) or (sure >= 0.9 and (done or quiet))
        if top == "unknown" or not sure_enough or (sure < 0.8 and not done):
            self._open = True
            self._doubts.append(
                f"{case.trouble.symptom.text}: {top} ({sure:.0%}) or {rival[0]} ({rival[1]:.0%}) is most "
                f"probable, which is not sure enough"
            )
            self._next = log.what_would_help(odds, [each for each in left if not each.applies(case)], case)
            return
        found = place(case, top, tried)
        why = log.why(odds, top)
        self._conclusions.append(
            Conclusion(
                cause=top,
                stage=found.stage,
                object=found.object,
                location=found.location,
                confidence=sure,
                why=f"{case.trouble.symptom.text}: {BY_CAUSE[top].claim}. {why}",
                fix=tried.repair.text if tried is not None else "",
                verified=tried is not None and tried.verified,
                diff=tried.diff if tried is not None else None,
                verification=tried.shown or None if tried is not None else None,
            )
        )
        for cause, probability in rivals:
            firm = log.changed(odds, cause, top) is not None
            if cause in self._firm and not firm:
                # An experiment on the symptom before tells more than what this one looks like.
                continue
            because = log.against(odds, cause, top)
            self._firm |= {cause} if firm else set()
            if cause != "unknown" and (probability <= RULED_OUT or because):
                self._ruled_out = [each for each in self._ruled_out if each.cause != cause]
                self._ruled_out.append(RuledOut(cause, probability, because))
        concluded_causes = {each.cause for each in self._conclusions}
        self._ruled_out = [each for each in self._ruled_out if each.cause not in concluded_causes]
        self._tell("", odds)

    # What others see

    def _now(self, state: str) -> Diagnosis:
        return Diagnosis(
            state=state,  # type: ignore[arg-type]
            symptoms=tuple(self._symptoms),
            beliefs=self._beliefs,
            conclusions=tuple(self._conclusions),
            ruled_out=tuple(self._ruled_out),
            log=tuple(self._steps),
            cost_s=self.clock.monotonic() - self._began,
            doing=self._doing,
            doubt="; ".join(self._doubts),
            next=self._next,
        )

    def _tell(self, doing: str, odds: Odds | None = None) -> None:
        self._doing = doing
        if odds is not None:
            self._beliefs = tuple(
                Belief(cause, probability, log.evidence_for(odds, cause), log.evidence_against(odds, cause))
                for cause, probability in odds.ranked()
            )
        self.progress(self._now("running"))


def causes() -> tuple[Cause, ...]:
    """Every cause that is considered."""
    return tuple(each.cause for each in HYPOTHESES)
