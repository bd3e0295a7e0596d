"""A conformance kit: what every source and every sink must do, as tests that yours can be run through.

    from pipeline.testing import SinkContract

    class TestMySink(SinkContract):
        def make(self, folder):
            return MySink(folder / "out.txt")

        def rows(self, folder):
            return [parse(line) for line in open(folder / "out.txt")]

Pytest finds the tests in the subclass. The sources and sinks that come with the product pass them.
"""

from pipeline.testing.sinks import SinkContract
from pipeline.testing.sources import SourceContract

__all__ = ["SinkContract", "SourceContract"]
