"""``--metrics-port``: what Prometheus is told while a run goes on."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from metrics.prometheus import OPEN, PLAIN
from metrics.snapshot import Snapshot
from run.metrics_endpoint import MetricsEndpoint
from tests.metrics import made
from tests.run.command import DEADLINE_S, call, here, running, write

WAITS = """
    import time
    from pathlib import Path
    from pipeline import Pipeline, count

    here = Path(__file__)
    p = Pipeline("waits", batch_size=5)
    p.read([(i, i) for i in range(20)])

    @p.stage
    def slow(i):
        if i == 17:
            here.with_name("ready").touch()
            while not here.with_name("go").exists():
                time.sleep(0.01)
        return i

    p.write(count())
"""


@contextmanager
def served(snapshot: Snapshot) -> Iterator[MetricsEndpoint]:
    endpoint = MetricsEndpoint(0)
    endpoint.serve(lambda: snapshot)
    try:
        yield endpoint
    finally:
        endpoint.close()


def get(endpoint: MetricsEndpoint, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{endpoint.port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_both_formats_are_served() -> None:
    with served(made.snapshot(pipeline='a "b"\n\\c', stages=[made.stage(latency=made.LATENCY)])) as endpoint:
        status, kind, plain = get(endpoint, "/metrics")
        assert (status, kind) == (200, PLAIN)
        families = {family.name: family for family in parse_plain(plain)}
        assert families["pipeline_records_duplicated"].samples[0].labels == {"pipeline": 'a "b"\n\\c'}
        status, kind, text = get(endpoint, "/metrics?x=1", "application/openmetrics-text; version=1.0.0")
        assert (status, kind) == (200, OPEN)
        assert {family.name for family in parse_open(text)} == set(families)  # type: ignore[no-untyped-call]


def test_a_name_that_is_no_text_is_sent_all_the_same() -> None:
    with served(made.snapshot(pipeline="a\udcff")) as endpoint:
        status, _, text = get(endpoint, "/metrics")
    assert status == 200
    assert 'pipeline="a\\udcff"' in text


@pytest.mark.parametrize(
    ("status", "code"),
    [("healthy", 200), ("degraded", 200), ("interrupted", 200), ("unhealthy", 503), ("failed", 503)],
)
def test_healthz_says_how_the_run_is(status: str, code: int) -> None:
    snapshot = replace(made.snapshot(), status=status, reasons=("because",))  # type: ignore[arg-type]
    with served(snapshot) as endpoint:
        answered, _, text = get(endpoint, "/healthz")
    assert answered == code
    assert json.loads(text) == {"status": status, "phase": "ended", "reasons": ["because"]}


def test_other_paths_name_the_two_that_there_are() -> None:
    with served(made.snapshot()) as endpoint:
        assert get(endpoint, "/")[::2] == (404, "there is /metrics and /healthz\n")


def test_a_client_that_says_nothing_holds_nobody_up() -> None:
    with served(made.snapshot()) as endpoint, socket.create_connection(("127.0.0.1", endpoint.port)):
        assert get(endpoint, "/healthz")[0] == 200


def test_the_port_is_free_again_and_no_thread_is_left() -> None:
    with served(made.snapshot()) as endpoint:
        port = endpoint.port
    assert not [thread for thread in threading.enumerate() if thread.name == "metrics endpoint"]
    again = MetricsEndpoint(port)
    again.close()


def test_it_listens_on_this_machine_alone() -> None:
    with served(made.snapshot()) as endpoint:
        assert endpoint.url == f"http://127.0.0.1:{endpoint.port}/metrics"
        assert endpoint.address == ("127.0.0.1", endpoint.port)


def test_a_taken_port_is_told_before_anything_ran(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", WAITS)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = call("run", file, "--headless", "--metrics-port", str(port))
    assert done.code == 2
    assert f"--metrics-port {port}: cannot listen on 127.0.0.1:{port}" in done.err
    assert "name another port" in done.err
    assert not (tmp_path / "ready").exists()


@pytest.mark.parametrize("text", ["-1", "65536", "http"])
def test_a_wrong_port_is_told(text: str, tmp_path: Path) -> None:
    done = here("run", write(tmp_path / "p.py", WAITS), "--headless", f"--metrics-port={text}")
    assert done.code == 2
    assert "--metrics-port" in done.err


def test_neither_a_sound_run_nor_what_serves_it_leaves_anything_open() -> None:
    options = ("--headless", "--limit", "2000", "--metrics-port", "0")
    done = call(*options, "--fail-if", "fds_growth>0", "--fail-if", "sockets_growth>0")
    assert done.code == 0, done.told


def test_a_run_is_read_while_it_goes_on(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", WAITS)
    out = tmp_path / "report.json"
    with running(
        "run", file, "--headless", "--metrics-port", "0", "--json", out, ready=tmp_path / "ready"
    ) as run:
        url = run.line_with("Metrics: ").partition("Metrics: ")[2].strip()
        run.until_ready()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", url)
        text = ""
        while 'pipeline_records_in_flight{pipeline="waits",source="values"} 5' not in text:
            with urllib.request.urlopen(url, timeout=DEADLINE_S) as answer:
                text = answer.read().decode()
        numbers = {
            (sample.name, sample.labels.get("outcome", "")): sample.value
            for family in parse_plain(text)
            for sample in family.samples
            if sample.name.startswith("pipeline_records_")
        }
        read = numbers["pipeline_records_read_total", ""]
        consumed = sum(
            value for (name, _), value in numbers.items() if name == "pipeline_records_consumed_total"
        )
        assert read == consumed + numbers["pipeline_records_in_flight", ""] == 20
        (tmp_path / "go").touch()
        assert run.done().code == 0
    assert json.loads(out.read_text())["records"]["delivered"] == 20
