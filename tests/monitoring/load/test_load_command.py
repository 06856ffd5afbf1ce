"""The tool as people run it, on a real predictor and on servers that aren't one."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from contract.schema import Contract

    Run = Callable[..., subprocess.CompletedProcess[str]]
    Begin = Callable[..., subprocess.Popen[str]]
    Start = Callable[..., tuple[subprocess.Popen[str], str]]

LINE = re.compile(r"^(valid|invalid|odd|truth) +(\S.*?) {2,}([\d,]+) +(\d+) +([\d,]+) ", re.MULTILINE)


def lines(printed: str) -> dict[tuple[str, str], int]:
    """How many requests the summary has of each kind and name."""
    return {(kind, name): number(count) for kind, name, count, _, _ in LINE.findall(printed)}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def found(pattern: str, printed: str) -> int:
    match = re.search(pattern, printed)
    assert match, printed
    return number(match[1])


def scraped(url: str) -> Counter[tuple[str, ...]]:
    """The predictor's counters, by name and the labels that matter here."""
    counts: Counter[tuple[str, ...]] = Counter()
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text):
        for sample in family.samples:
            labels = sample.labels
            match sample.name:
                case "predictor_requests_total" if labels["status"] != "200":
                    counts["status", labels["status"]] += int(sample.value)
                case "predictor_requests_total" if labels["route"] in {"v1.predict", "v2.infer", "v1.truth"}:
                    counts["route", labels["route"]] += int(sample.value)
                case "predictor_predictions_total":
                    counts["rows",] += int(sample.value)
                case "predictor_truth_rows_total":
                    counts["labels",] += int(sample.value)
                case "predictor_refused_values_total":
                    counts["refused", labels["rule"]] += int(sample.value)
    return counts


def test_the_summary_adds_up_with_the_predictors_own_counts(load: Run, url: str) -> None:
    before = scraped(url)
    began = time.monotonic()
    run = load("--host", url, "--rate", "100", "--duration", "2.5", "--truth", "--table", "va", "--batches", "0.1")
    took = time.monotonic() - began
    assert (run.returncode, run.stderr) == (0, "")
    seen = scraped(url)
    seen.subtract(before)
    counts = lines(run.stdout)
    assert 150 <= found(r"\n([\d,]+) requests in", run.stdout) <= 260
    assert took < 15
    valid = sum(count for (kind, _), count in counts.items() if kind == "valid")
    refusals = {status: number(count) for status, count in re.findall(r"(4\d\d) [^,:]+: ([\d,]+)", run.stdout)}
    assert {"400", "404"} <= set(refusals)
    assert refusals == {key[1]: count for key, count in seen.items() if key[0] == "status" and count}
    assert valid == seen["route", "v1.predict"] + seen["route", "v2.infer"] > 0
    assert sum(counts.values()) == valid + counts["truth", "labels"] + sum(refusals.values())
    assert counts["truth", "labels"] == seen["route", "v1.truth"]
    answered = found(r"rows, ([\d,]+) answered", run.stdout)
    assert answered == seen["rows",]
    assert found(r"labels: ([\d,]+) told", run.stdout) == answered == seen["labels",]
    assert ", 0 unmatched, 0 not told yet" in run.stdout
    for rule in ("out-of-range", "unknown-category", "missing-value"):
        assert counts["invalid", rule] == seen["refused", rule]
    assert "V.A. Medical Center" in run.stdout
    assert run.stdout.endswith("every request was answered as expected\n")


def test_as_fast_as_possible_is_fast(load: Run, url: str) -> None:
    run = load("--host", url, "--rate", "0", "--duration", "1.5", "--model", "heart")
    assert (run.returncode, run.stderr) == (0, "")
    assert found(r"\n([\d,]+) requests in", run.stdout) > 300
    assert "(as fast as possible, 16 connections)" in run.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_early_with_the_summary(begin: Begin, url: str, number: signal.Signals) -> None:
    process = begin("--host", url, "--duration", "600", "--truth", "--truth-delay", "500")
    assert process.stdout
    assert "600 s" in process.stdout.readline()
    time.sleep(1)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert "every request was answered as expected" in printed
    assert re.search(r"labels: 0 told, 0 counted, 0 unmatched, [\d,]+ not told yet", printed)


def test_a_second_signal_does_not_wait_for_an_answer(begin: Begin, bundle: Path, start: Start) -> None:
    predictor, url = start(bundle)
    process = begin("--host", url, "--duration", "600", "--timeout", "300")
    assert process.stdout
    process.stdout.readline()
    time.sleep(0.5)
    predictor.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    predictor.kill()
    predictor.wait()
    assert process.returncode == -signal.SIGINT
    assert errors == ""


def test_a_server_that_dies_is_counted_and_told(begin: Begin, bundle: Path, start: Start) -> None:
    predictor, url = start(bundle)
    process = begin("--host", url, "--duration", "3", "--rate", "0", "--connections", "4", "--odd", "0", "--truth")
    assert process.stdout
    process.stdout.readline()
    time.sleep(1)
    predictor.kill()
    predictor.wait()
    printed, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (1, "")
    assert found(r"200 OK: ([\d,]+)", printed) > 0
    assert 4 <= found(r"none at all: ([\d,]+)", printed) < 200
    assert "got no answer: Connection refused" in printed
    assert "as expected" not in printed


@pytest.fixture
def yes_sayer(heart: Contract) -> Iterator[str]:
    """A server that serves the heart model by its own account, and answers 200 to everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            inputs = [{"name": name} for name in heart.feature_names]
            self.answer({"/v2/models": {"models": ["heart"]}, "/v2/models/heart": {"inputs": inputs}}.get(self.path))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer({"predictions": [{}]})

        def answer(self, content: object) -> None:
            body = orjson.dumps(content)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_predictor_that_answers_wrongly_is_found(load: Run, yes_sayer: str) -> None:
    run = load("--host", yes_sayer, "--duration", "1.5", "--rate", "100", "--connections", "4")
    assert (run.returncode, run.stderr) == (1, "")
    wrong = {(kind, name): (number(count), number(bad)) for kind, name, count, _, bad in LINE.findall(run.stdout)}
    assert all(bad == count for (kind, _), (count, bad) in wrong.items() if kind != "valid")
    assert all(
        bad == (count if "20 rows" in name else 0) for (kind, name), (count, bad) in wrong.items() if kind == "valid"
    )
    assert {kind for kind, _ in wrong} == {"valid", "invalid", "odd"}
    assert re.search(
        r"✗ odd, unknown route, \d+ unexpected, the first: GET /no/such/route was answered 200, not 404: null",
        run.stdout,
    )
    assert "was answered 200, but 1 of its 20 rows are in the answer" in run.stdout


def test_an_absent_server_is_told_in_one_line(load: Run, free_port: Callable[[], int]) -> None:
    absent = f"http://127.0.0.1:{free_port()}"
    run = load("--host", absent)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        f"{absent}: can't be reached: [Errno 111] Connection refused. Is a predictor running there?"
        " make serve starts one.\n"
    )


def test_wrong_arguments_have_a_status_of_their_own(load: Run) -> None:
    run = load("--rate", "fast")
    assert (run.returncode, run.stdout) == (2, "")
    assert "Invalid value for '--rate'" in run.stderr
