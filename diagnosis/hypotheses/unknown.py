"""Something that is not on this list: it holds every outcome for as probable as any other."""

from __future__ import annotations

from diagnosis.hypotheses.base import Hypothesis

UNKNOWN = Hypothesis("unknown", 0.03, "something that none of the others describes")
