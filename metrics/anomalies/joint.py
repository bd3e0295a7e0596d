"""How surprising a reading is among those of all metrics together.

A run has some forty series, and each is one of a kind now and then. So a single reading counts as an anomaly
only if hardly any reading of any series was as surprising: its conformal p-value among all of them (Vovk,
Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005), times the number of series
(Bonferroni), must not exceed :data:`BOUND`. Where all metrics jump about, all need to jump further.
"""

from __future__ import annotations

STEPS_A_BIT = 4
MOST_BITS = 64
BOUND = 0.05


class Joint:
    """Counts the surprises of all series, in quarters of a bit: bounded, whatever comes.

    >>> joint = Joint()
    >>> for _ in range(4000):
    ...     joint.add(2.0)
    >>> joint.is_rare(12.0, series=40), joint.is_rare(2.0, series=40)
    (True, False)
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all."""
        self._counts = [0] * (MOST_BITS * STEPS_A_BIT)
        self._total = 0

    def add(self, bits: float) -> None:
        """A reading that is none of the anomalies."""
        self._counts[self._step(bits)] += 1
        self._total += 1

    def is_rare(self, bits: float, series: int) -> bool:
        """Whether hardly any reading of ``series`` series was as surprising as this one."""
        as_rare = sum(self._counts[self._step(bits) :])
        return (as_rare + 1) / (self._total + 1) * series <= BOUND

    def _step(self, bits: float) -> int:
        return min(len(self._counts) - 1, max(0, int(bits * STEPS_A_BIT)))
