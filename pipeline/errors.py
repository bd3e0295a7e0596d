"""The exceptions of the product, one tree.

    Exception
    ├── PipelineError            everything the product raises on purpose
    │   ├── ConfigurationError   a pipeline, option or input that cannot start; exit code 2
    │   ├── InputError           an input that broke while it was being read; exit code 1
    │   ├── StageError           a stage that failed and may not be skipped; exit code 1
    │   └── SinkError            a sink that failed; exit code 1
    └── Reject                   raised by a stage: this record goes to the dead letters

Every message names what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base of every error that the product raises on purpose."""


class ConfigurationError(PipelineError):
    """The run cannot start: a declaration, an option or an input is wrong."""


class InputError(PipelineError):
    """An input broke while it was being read; what was read before it is kept."""


class StageError(PipelineError):
    """A stage failed in a way that ends the run."""


class SinkError(PipelineError):
    """A sink failed in a way that ends the run."""


class Reject(Exception):  # noqa: N818 - users write `raise Reject("why")`; it is a verdict, not an error
    """Raise it in a stage to send the record to the dead letters with a reason.

    A batch stage returns ``Reject("why")`` in the place of the value instead of raising it.
    """

    def __init__(self, reason: str) -> None:
        # As text: of an exception given as the reason, the traceback would keep the whole batch alive.
        self.reason = str(reason)
        super().__init__(self.reason)
