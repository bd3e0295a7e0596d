"""Why: symptoms, competing hypotheses, experiments that tell them apart, a cause, a place, a proved fix.

How the parts fit:

- :mod:`diagnosis.change` and :mod:`diagnosis.observation`: what an experiment changes, and what it shows.
  All that is known of the pipeline is the :class:`~diagnosis.observation.Observation` of a run in another
  process, and the user's source text. :mod:`diagnosis.launcher` is the door to that process.
- :mod:`diagnosis.lab` carries out runs, remembers them, and counts what they cost.
- :mod:`diagnosis.symptoms`: what is wrong, as a measure that a run of an experiment is held against.
- :mod:`diagnosis.hypotheses`: one file a cause, one list. Each has a prior and tells, for every outcome
  of every experiment, how probable it is.
- :mod:`diagnosis.experiments`: one file each, one list. Each has a finite set of outcomes.
- :mod:`diagnosis.scoring`, :mod:`diagnosis.planner`: odds, and the experiment that is worth most now.
- :mod:`diagnosis.smells`: weak signs in the source; :mod:`diagnosis.place`, :mod:`diagnosis.fix`.
- :mod:`diagnosis.engine`: the loop; :mod:`diagnosis.log`: its words.
"""
