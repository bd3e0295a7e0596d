"""Who holds what grows: a module, an object, a cache, or the default of an argument?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import GARBAGE
from diagnosis.symptoms import growing


class Holder(Experiment):
    name = "holder"
    family = "holder"
    question = "who holds what grows?"
    ordinary = {"module": 0.4, "object": 0.25, "cache": 0.15, "default": 0.02, "nobody": 0.18}
    kinds = ("memory",)
    runs = 0.05

    def applies(self, case: Case) -> bool:
        # Of garbage it is known that nobody does.
        return super().applies(case) and any(each.type != GARBAGE for each in growing(case.first)[:1])

    def carry_out(self, case: Case) -> Finding:
        top = growing(case.first)[0]
        owner, _, name = top.name.partition(".")
        if not top.clearable:
            return Finding("nobody", f"{top.name} that has no name in the pipeline's files", 1)
        if top.type == "lru_cache_wrapper":
            return Finding("cache", f"the cache of {top.name}", 1)
        functions = {node.name: node for _, node, _ in case.source.functions()}
        if name and owner in functions and name in {each.arg for each in functions[owner].args.args}:
            return Finding("default", f"the default of the argument {name} of {owner}", 1)
        kind = "object" if name else "module"
        return Finding(kind, f"{top.name}, of the {'object' if name else 'file'} itself", 1)
