"""``faults``: what can be put in on purpose, with parameters and what each changes."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from pipeline.faults import catalogue
from pipeline.faults.order import COMMON, places
from pipeline.faults.spec import FAMILIES, INTENSITIES, Param, Variant
from run import exit_codes, loader
from run.display import Show
from run.options import Parser
from run.streams import reserved_stdout
from run.tampering import declared

WIDTH = 100

_WHERE = {
    "record": "any stage of the pipeline's own",
    "batch": "any stage of the pipeline's own",
    "sink": "output",
    "queue": "output",
    "source": "ingestion",
    "arrivals": "ingestion",
    "timer": "ingestion, and any stage of the pipeline's own",
    "machine": "beside the pipeline",
}


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001
    """Carry out ``faults``; see :class:`run.commands.Main`."""
    parser = Parser(
        prog=f"{program} faults",
        description="List what can be put into a run with --fault NAME[@STAGE][,KEY=VALUE...].",
        allow_abbrev=False,
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="a fault or a family; all without one")
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    parser.add_argument("--of", metavar="FILE[:NAME]", help="with the stages of this pipeline")
    found = parser.parse_args(list(words))
    variants = _chosen(parser, found.names)
    stages = None if found.of is None else declared(loader.load(found.of))
    where = {
        each.name: [_WHERE[each.site]] if stages is None else list(places(each, stages)) for each in variants
    }
    with reserved_stdout(for_good=owns_process) as data:
        data.write(_as_json(variants, where) if found.json else _as_text(variants, where, program))
    return exit_codes.HEALTHY


def _chosen(parser: Parser, names: Sequence[str]) -> list[Variant]:
    wanted = [name.casefold() for name in names]
    known = {each.name for each in catalogue.VARIANTS} | set(FAMILIES)
    for name in wanted:
        if name not in known:
            parser.error(f"there is no fault {name!r}; families: {', '.join(FAMILIES)}")
    return [each for each in catalogue.VARIANTS if not wanted or each.name in wanted or each.family in wanted]


def _as_json(variants: Sequence[Variant], where: dict[str, list[str]]) -> str:
    listed = [
        {
            "name": each.name,
            "family": each.family,
            "help": each.help,
            "symptom": each.symptom,
            "stages": where[each.name],
            "params": [
                {"name": param.name, "default": param.default, "help": param.help} for param in each.params
            ],
            "intensities": {name: each.preset(name) for name in INTENSITIES},
        }
        for each in variants
    ]
    common = [{"name": name, "default": default, "help": help} for name, default, help in COMMON]
    return json.dumps({"schema": 1, "common": common, "faults": listed}, indent=2) + "\n"


def _as_text(variants: Sequence[Variant], where: dict[str, list[str]], program: str) -> str:
    lines = [
        f"{program} --fault NAME[@STAGE][,KEY=VALUE...]   (repeatable, also for `run FILE`)",
        "",
        "Every fault takes:",
        *(f"  {name:<10} {help} (default: {default})" for name, default, help in COMMON),
    ]
    for each in variants:
        lines += ["", f"{each.name}  @ {', '.join(where[each.name]) or 'nowhere in this pipeline'}"]
        lines += _wrapped(each.help)
        lines += _wrapped(f"Symptom: {each.symptom}.")
        lines += [f"    {_param(each, param)}" for param in each.params]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")


def _param(variant: Variant, param: Param) -> str:
    values = "/".join(f"{variant.preset(intensity)[param.name]:g}" for intensity in INTENSITIES)
    return f"{param.name}={values}  {param.help}"
