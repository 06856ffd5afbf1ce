"""The stack's configuration is the shipped one, and its servers are started, waited for, and always ended."""

from __future__ import annotations

import socket
import sys
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import requests
import yaml

from monitoring.errors import MissingProgram, PortTaken, ServerFailed
from monitoring.stack import process
from monitoring.stack.configuration import SHIPPED, Configuration, Haste
from monitoring.stack.process import PROGRAMS, Server, program
from monitoring.stack.stack import Ports, Stack
from tests.programs import SERVERS, require

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGETS = {
    "predictor": "127.0.0.1:1",
    "prometheus": "127.0.0.1:2",
    "alertmanager": "127.0.0.1:3",
    "node": "127.0.0.1:4",
}
RULES = sorted(path.name for path in (SHIPPED / "prometheus" / "rules").glob("*.yaml"))
HASTE = Haste(interval=2, patience=6)


def written(folder: Path, configuration: Configuration) -> dict[str, Any]:
    """Every file that a configuration writes, by its name, as YAML."""
    configuration.write(folder, TARGETS)
    return {
        str(path.relative_to(folder)): yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in folder.rglob("*.yaml")
    }


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def test_what_is_shipped_is_copied_byte_for_byte(tmp_path: Path) -> None:
    Configuration().write(tmp_path, TARGETS)
    shipped = SHIPPED / "prometheus"
    assert (tmp_path / "prometheus.yaml").read_bytes() == (shipped / "prometheus.yaml").read_bytes()
    assert (tmp_path / "alertmanager.yaml").read_bytes() == (SHIPPED / "alertmanager/alertmanager.yaml").read_bytes()
    assert sorted(path.name for path in (tmp_path / "rules").iterdir()) == RULES
    for name in RULES:
        assert (tmp_path / "rules" / name).read_bytes() == (shipped / "rules" / name).read_bytes()


def test_only_the_targets_are_the_stacks_own(tmp_path: Path) -> None:
    files = written(tmp_path, Configuration())
    names = {path.name for path in (SHIPPED / "prometheus" / "targets").iterdir()}
    assert {name for name in files if name.startswith("targets/")} == {f"targets/{name}" for name in names}
    for job, address in TARGETS.items():
        assert files[f"targets/{job}.yaml"] == [{"targets": [address]}]


def test_writing_again_replaces_what_is_there(tmp_path: Path) -> None:
    hasty = written(tmp_path, Configuration("http://127.0.0.1:5/", HASTE))
    shipped = written(tmp_path, Configuration())
    assert hasty != shipped
    assert shipped == written(tmp_path / "other", Configuration())


def test_a_webhook_is_told_only_when_asked_and_of_every_alert(tmp_path: Path) -> None:
    shipped = written(tmp_path / "shipped", Configuration())
    assert "webhook" not in (tmp_path / "shipped" / "alertmanager.yaml").read_text(encoding="utf-8")
    told = written(tmp_path / "told", Configuration("http://127.0.0.1:5/"))
    content = told.pop("alertmanager.yaml")
    receivers = {receiver.pop("name"): receiver for receiver in content["receivers"]}
    assert receivers["webhook"] == {"webhook_configs": [{"url": "http://127.0.0.1:5/", "send_resolved": True}]}
    routes = (content["route"], *content["route"]["routes"])
    assert {route["receiver"] for route in routes} == {"webhook"}
    assert content["inhibit_rules"] == shipped.pop("alertmanager.yaml")["inhibit_rules"]
    assert told == shipped


def test_haste_looks_more_often_and_waits_less(tmp_path: Path) -> None:
    files = written(tmp_path, Configuration(haste=HASTE))
    assert files["prometheus.yaml"]["global"] == {
        "scrape_interval": "2s",
        "evaluation_interval": "2s",
        "scrape_timeout": "2s",
    }
    route = files["alertmanager.yaml"]["route"]
    assert (route["group_wait"], route["group_interval"]) == ("6s", "6s")
    rules = [rule for name in RULES for group in files[f"rules/{name}"]["groups"] for rule in group["rules"]]
    assert {rule["for"] for rule in rules if "alert" in rule} == {"6s"}
    assert not any("for" in rule for rule in rules if "record" in rule)
    assert not any("interval" in group for name in RULES for group in files[f"rules/{name}"]["groups"])


def test_haste_changes_nothing_that_is_asked_or_told(tmp_path: Path) -> None:
    shipped, hasty = written(tmp_path / "1", Configuration()), written(tmp_path / "2", Configuration(haste=HASTE))
    for name in RULES:
        for one, other in zip(shipped[f"rules/{name}"]["groups"], hasty[f"rules/{name}"]["groups"], strict=True):
            assert one["name"] == other["name"]
            assert [{**rule, "for": ""} for rule in one["rules"]] == [{**rule, "for": ""} for rule in other["rules"]]
    for file, hurried in (("prometheus.yaml", {"global"}), ("alertmanager.yaml", {"route"})):
        assert {key: value for key, value in shipped[file].items() if key not in hurried} == {
            key: value for key, value in hasty[file].items() if key not in hurried
        }
    waits = {"group_wait": "", "group_interval": ""}
    assert shipped["alertmanager.yaml"]["route"] | waits == hasty["alertmanager.yaml"]["route"] | waits


def test_a_missing_program_is_told_with_debians_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in PROGRAMS:
        with pytest.raises(MissingProgram) as raised:
            program(name)
        told = str(raised.value)
        assert told.startswith(f"{name} isn't installed: sudo apt-get install ")
        assert all(package in told for package in ("prometheus", "prometheus-alertmanager", "prometheus-node-exporter"))
        assert "compose.yaml" in told
    with pytest.raises(MissingProgram):
        Stack(tmp_path, tmp_path / "stack", Ports.free())
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize("names", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_is_found_by_debians_name_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (name,) = (name for name, candidates in PROGRAMS.items() if candidates == names)
    for candidate in reversed(names):
        (tmp_path / candidate).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / candidate).chmod(0o755)
        assert program(name) == str(tmp_path / candidate)


_SERVE = "http.server.test(http.server.SimpleHTTPRequestHandler, port={}, bind='127.0.0.1')"


def serving(port: int, before: str = "pass") -> list[str]:
    """A command that answers everything on a port with what is in its directory."""
    code = f"import http.server, signal, sys; {before}; {_SERVE.format(port)}"
    return [sys.executable, "-c", code]


def test_a_server_is_ready_once_it_answers_and_gone_once_it_is_stopped(
    free_port: Callable[[], int], tmp_path: Path
) -> None:
    port, before = free_port(), children()
    url = f"http://127.0.0.1:{port}/"
    server = Server("it", serving(port, "print('hello', flush=True)"), url, tmp_path / "logs" / "it.log")
    server.check()
    server.start()
    assert requests.get(url, timeout=5).ok
    server.check()
    server.stop()
    assert children() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
    assert "hello" in server.log.read_text(encoding="utf-8")
    server.stop()


def test_stopping_what_never_started_does_nothing(tmp_path: Path) -> None:
    server = Server("it", ["false"], "http://127.0.0.1:1/", tmp_path / "log")
    server.stop()
    server.kill()
    assert not server.log.exists()


def test_what_ends_at_once_is_told_with_its_last_lines(tmp_path: Path) -> None:
    code = "import sys; print(*range(9), sep='\\n', flush=True); sys.exit('  no such bundle  ')"
    server = Server("it", [sys.executable, "-c", code], "http://127.0.0.1:1/", tmp_path / "log")
    with pytest.raises(ServerFailed) as raised:
        server.start()
    assert str(raised.value) == "it ended with status 1: 5 / 6 / 7 / 8 / no such bundle"


def test_what_ends_in_silence_is_told_with_its_log(tmp_path: Path) -> None:
    server = Server("it", ["false"], "http://127.0.0.1:1/", tmp_path / "log")
    with pytest.raises(ServerFailed) as raised:
        server.start()
    assert str(raised.value) == f"it ended with status 1: it said nothing ({tmp_path / 'log'})"


def test_what_is_never_ready_is_told_and_ended(
    free_port: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_START_SECONDS", 1.0)
    port, before = free_port(), children()
    url = f"http://127.0.0.1:{port}/nothing-here"
    server = Server("it", serving(port, "print('waiting', flush=True)"), url, tmp_path / "log")
    with pytest.raises(ServerFailed, match=r"\Ait isn't ready after 1 s: .*404") as raised:
        server.start()
    assert "\n" not in str(raised.value)
    assert children() == before


def test_what_does_not_end_is_killed(
    free_port: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_STOP_SECONDS", 0.5)
    port, before = free_port(), children()
    stubborn = serving(port, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    server = Server("it", stubborn, f"http://127.0.0.1:{port}/", tmp_path / "log")
    server.start()
    began = time.monotonic()
    server.stop()
    assert 0.5 <= time.monotonic() - began < 10
    assert children() == before


def test_a_killed_server_is_missed(free_port: Callable[[], int], tmp_path: Path) -> None:
    port = free_port()
    server = Server("it", serving(port), f"http://127.0.0.1:{port}/", tmp_path / "log")
    server.start()
    server.kill()
    with pytest.raises(ServerFailed, match="it ended with status -9"):
        server.check()


def test_free_ports_differ_and_are_free() -> None:
    ports = Ports.free()
    assert len(set(vars(ports).values())) == len(fields(Ports))
    ports.check()


@pytest.mark.parametrize("name", [field.name for field in fields(Ports)])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_is_told_with_its_option(name: str, host: str) -> None:
    with socket.socket() as other:
        other.bind((host, 0))
        other.listen()
        port = other.getsockname()[1]
        ports = Ports(**(vars(Ports.free()) | {name: port}))
        with pytest.raises(PortTaken) as raised:
            ports.check()
    option = f"--{name.replace('_', '-')}-port"
    assert str(raised.value) == (
        f"port {port} is taken, so {name} can't listen on it; end the other program, or choose {option}"
    )


def test_a_stack_with_a_taken_port_starts_nothing(tmp_path: Path) -> None:
    require(*SERVERS)
    before = children()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports = Ports(**(vars(Ports.free()) | {"alertmanager": other.getsockname()[1]}))
        with pytest.raises(PortTaken, match="alertmanager"), Stack(tmp_path, tmp_path / "stack", ports):
            pass
    assert children() == before
    assert not (tmp_path / "stack").exists()


def test_when_one_fails_those_that_run_already_are_ended(bundle: Path, tmp_path: Path) -> None:
    require(*SERVERS)
    before = children()
    (tmp_path / "data").write_text("in the way of what is measured\n", encoding="utf-8")
    stack = Stack(bundle, tmp_path, Ports.free(), settings=("--drain_delay_seconds", "0"))
    with pytest.raises(ServerFailed, match=r"\A(alertmanager|prometheus) ended with status \d+: "), stack:
        pass
    assert (tmp_path / "logs" / "predictor.log").exists()
    assert children() == before
    with pytest.raises(requests.ConnectionError):
        requests.get(stack.url("predictor"), timeout=5)


def test_a_stack_that_runs_is_whole_until_one_ends(bundle: Path, tmp_path: Path) -> None:
    require(*SERVERS)
    before = children()
    with Stack(bundle, tmp_path, Ports.free(), settings=("--drain_delay_seconds", "0")) as stack:
        stack.check()
        assert [server.name for server in stack.servers] == ["predictor", "node_exporter", "alertmanager", "prometheus"]
        assert len(children() - before) == 4
        stack.node_exporter.kill()
        with pytest.raises(ServerFailed, match="node_exporter ended with status -9"):
            stack.check()
    assert children() == before
