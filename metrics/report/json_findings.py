"""What was found out about a run, as JSON: anomalies, faults, caches, types, the diagnosis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from metrics.findings import Belief, Conclusion, Diagnosis, RuledOut, Step, Symptom
from metrics.memory_state import CacheState, TypeState
from metrics.report.baseline import Comparison
from metrics.snapshot import Anomaly, FaultState

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


def finite(value: float | None) -> float | None:
    """JSON has neither infinity nor "not a number": both are "not known"."""
    return value if value is not None and math.isfinite(value) else None


def anomaly(found: Anomaly) -> dict[str, Json]:
    """``expected`` is ``[low, high]``; null is an open end."""
    return {
        "metric": found.metric,
        "stage": found.stage,
        "kind": found.kind,
        "at_s": found.at_s,
        "ended_s": found.ended_s,
        "value": finite(found.value),
        "expected": [finite(bound) for bound in found.expected],
        "severity": found.severity,
        "text": found.text,
    }


def fault(state: FaultState) -> dict[str, Json]:
    """A fault that was put in on purpose."""
    return {
        "name": state.name,
        "stage": state.stage,
        "at_s": state.at_s,
        "lifted_s": state.lifted_s,
        "params": dict(state.params),
        "symptom": state.symptom,
    }


def cache(state: CacheState) -> dict[str, Json]:
    """A watched container."""
    return {
        "name": state.name,
        "stage": state.stage,
        "len": state.len,
        "bytes": state.bytes,
        "verdict": state.verdict,
        "bytes_per_record": finite(state.bytes_per_record),
        "declared": state.declared,
        "place": state.place,
    }


def live_type(state: TypeState) -> dict[str, Json]:
    """The live objects of a type, at the last census."""
    return {
        "type": state.type,
        "count": state.count,
        "bytes": state.bytes,
        "count_delta": state.count_delta,
        "bytes_delta": state.bytes_delta,
    }


def diagnosis(found: Diagnosis | None) -> dict[str, Json] | None:
    """The diagnosis; one that the end of the run broke off counts as undetermined.

    That nothing is wrong is a state and no cause, so that it stands in neither conclusions nor ruled out.
    """
    if found is None:
        return None
    return {
        "state": "undetermined" if found.state == "running" else found.state,
        "symptoms": [_symptom(item) for item in found.symptoms],
        "conclusions": [_conclusion(item) for item in found.conclusions if item.cause != "healthy"],
        "ruled_out": [_ruled_out(item) for item in found.ruled_out if item.cause != "healthy"],
        "log": [_step(item) for item in found.log],
        "cost_s": finite(found.cost_s),
        "beliefs": [_belief(item) for item in found.beliefs],
        "doubt": found.doubt,
        "next": found.next,
    }


def comparison(found: Comparison | None) -> dict[str, Json] | None:
    """What changed since an earlier run."""
    if found is None:
        return None
    return {
        "path": found.path,
        "started_at": found.started_at,
        "not_judged": found.not_judged,
        "changes": [
            {
                "name": change.name,
                "stage": change.stage,
                "before": finite(change.before),
                "after": finite(change.after),
                "worse": change.worse,
                "regression": change.regression,
                "text": change.text,
            }
            for change in found.changes
        ],
    }


def _symptom(item: Symptom) -> dict[str, Json]:
    return {
        "kind": item.kind,
        "stage": item.stage,
        "text": item.text,
        "value": finite(item.value),
        "unit": item.unit,
        "at_s": finite(item.at_s),
    }


def _conclusion(item: Conclusion) -> dict[str, Json]:
    return {
        "cause": item.cause,
        "stage": item.stage,
        "object": item.object,
        "location": item.location,
        "confidence": item.confidence,
        "why": item.why,
        "fix": item.fix,
        "verified": item.verified,
        "diff": item.diff,
        "verification": item.verification,
    }


def _ruled_out(item: RuledOut) -> dict[str, Json]:
    return {"cause": item.cause, "confidence": item.confidence, "because": item.because}


def _belief(item: Belief) -> dict[str, Json]:
    return {
        "cause": item.cause,
        "probability": item.probability,
        "for": list(item.evidence_for),
        "against": list(item.evidence_against),
    }


def _step(item: Step) -> dict[str, Json]:
    return {
        "number": item.number,
        "at_s": item.at_s,
        "took_s": item.took_s,
        "hypothesis": item.hypothesis,
        "prediction": item.prediction,
        "experiment": item.experiment,
        "command": item.command,
        "observation": item.observation,
        "conclusion": item.conclusion,
        "odds_before": finite(item.odds_before),
        "odds_after": finite(item.odds_after),
    }
