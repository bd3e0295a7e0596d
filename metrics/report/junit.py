"""The report as JUnit XML, which CI servers show as tests: one for each thing that must hold."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from metrics.format import printable
from metrics.report import RunReport, outcome
from metrics.verdict import checks

SUITE = "pipeline-monitor"


def to_junit(report: RunReport) -> str:
    """One test case for each check of the run, thresholds among them."""
    snapshot = report.snapshot
    made = checks(snapshot, report.thresholds, report.comparison)
    failures = sum(check.problem is not None for check in made)
    skipped = sum(check.problem is None and not check.judged for check in made)
    interrupted = snapshot.status == "interrupted"
    suite = ET.Element(
        "testsuite",
        name=SUITE,
        tests=str(len(made) + interrupted),
        failures=str(failures),
        errors=str(int(interrupted)),
        skipped=str(skipped),
        time=f"{report.duration_s:.3f}",
        timestamp=report.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    classname = printable(snapshot.pipeline) or "pipeline"
    for check in made:
        case = ET.SubElement(suite, "testcase", classname=classname, name=printable(check.name), time="0")
        if check.problem is not None:
            failure = ET.SubElement(case, "failure", message=printable(check.problem), type=check.fault)
            if check.fault == "failed" and snapshot.traceback:
                failure.text = "\n".join(map(printable, snapshot.traceback.splitlines()))
        elif not check.judged:
            ET.SubElement(case, "skipped", message="the run was too short to tell")
    if interrupted:
        case = ET.SubElement(suite, "testcase", classname=classname, name="the run goes to its end", time="0")
        ET.SubElement(case, "error", message=printable(outcome(report)), type="interrupted")
    ET.SubElement(suite, "system-out").text = printable(outcome(report))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"
