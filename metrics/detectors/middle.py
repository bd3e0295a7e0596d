"""The median and the median absolute deviation (MAD) of the last readings, kept in order."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

NORMAL = 1.4826
"""The MAD times this is the standard deviation of a normal distribution."""


class Middle:
    """The last ``size`` readings. A reading costs a binary search and a move in memory.

    >>> middle = Middle(5)
    >>> for value in (9.0, 1.0, 2.0, 3.0, 4.0, 100.0):
    ...     middle.add(value)
    >>> middle.median, middle.deviation
    (3.0, 1.0)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def clear(self) -> None:
        """Forget all."""
        self._held.clear()
        self._sorted.clear()

    def add(self, value: float) -> None:
        """The oldest is forgotten where there are too many."""
        if len(self._held) == self._size:
            self._sorted.pop(bisect_left(self._sorted, self._held.popleft()))
        self._held.append(value)
        insort(self._sorted, value)

    @property
    def median(self) -> float:
        """The upper one of the two in the middle, for an even number."""
        return self._sorted[len(self._sorted) // 2]

    @property
    def deviation(self) -> float:
        """The median distance from the median: the two halves are merged from the middle outwards."""
        ordered, middle = self._sorted, len(self._sorted) // 2
        centre = ordered[middle]
        # Of the distances to the left and to the right, each in order already, the one in the middle is
        # sought by halving: ``left`` of those that are nearer lie to the left.
        wanted = middle + 1
        low, high = max(0, wanted - (len(ordered) - middle)), min(wanted, middle)
        while low < high:
            left = (low + high) // 2
            right = wanted - left
            # The next to the left is nearer than the last on the right: take more from the left.
            if centre - ordered[middle - left - 1] < ordered[middle + right - 1] - centre:
                low = left + 1
            else:
                high = left
        right = wanted - low
        to_left = centre - ordered[middle - low] if low else 0.0
        to_right = ordered[middle + right - 1] - centre if right else 0.0
        return max(to_left, to_right)
