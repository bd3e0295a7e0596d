"""The experiments, in one list; :mod:`diagnosis.experiments.base` says what one is."""

from __future__ import annotations

from diagnosis.experiments.again import Again
from diagnosis.experiments.all_left import AllLeft
from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.experiments.batches import Batches
from diagnosis.experiments.clock_frozen import ClockFrozen
from diagnosis.experiments.clock_slew import ClockSlew
from diagnosis.experiments.clock_step import ClockStep
from diagnosis.experiments.collect import Collect
from diagnosis.experiments.collector_off import CollectorOff
from diagnosis.experiments.copy_edge import CopyEdge
from diagnosis.experiments.delay import DelayLines
from diagnosis.experiments.disagreement import Disagreement
from diagnosis.experiments.drift import Drift
from diagnosis.experiments.elsewhere import Elsewhere
from diagnosis.experiments.flush import Flush
from diagnosis.experiments.forget import Forget
from diagnosis.experiments.holder import Holder
from diagnosis.experiments.keys import Keys
from diagnosis.experiments.lock import Lock
from diagnosis.experiments.longer import Longer
from diagnosis.experiments.neighbour import Neighbour
from diagnosis.experiments.one_object import OneObject
from diagnosis.experiments.own_sink import OwnSink
from diagnosis.experiments.schedules import Schedules
from diagnosis.experiments.serial import Serial
from diagnosis.experiments.shape import Shape
from diagnosis.experiments.smells import Clocked, Reused, SharedWrite, SlicedBatch
from diagnosis.experiments.stacks import Stacks
from diagnosis.experiments.steady import Steady
from diagnosis.experiments.subset import Subset
from diagnosis.experiments.time_asked import TimeAsked
from diagnosis.experiments.uncollected import Uncollected
from diagnosis.experiments.where_time import WhereTime
from diagnosis.experiments.words import Words

EXPERIMENTS: tuple[Experiment, ...] = (
    Shape(),
    SharedWrite(),
    SlicedBatch(),
    Clocked(),
    Reused(),
    Words(),
    Stacks(),
    Drift(),
    WhereTime(),
    Holder(),
    AllLeft(),
    Disagreement(),
    OneObject(),
    TimeAsked(),
    Again(),
    Serial(),
    Lock(),
    DelayLines(),
    CopyEdge(),
    Forget(),
    Batches(),
    Subset(),
    Elsewhere(),
    Keys(),
    Longer(),
    Flush(),
    Collect(),
    Uncollected(),
    CollectorOff(),
    ClockStep(),
    ClockSlew(),
    ClockFrozen(),
    Steady(),
    OwnSink(),
    Neighbour(),
    Schedules(),
)

__all__ = ["EXPERIMENTS", "Case", "Experiment", "Finding"]
