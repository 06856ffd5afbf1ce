"""A real Prometheus on its own, for what only has to be asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import yaml

from monitoring.measurements import Measurements
from monitoring.stack.process import Server, program
from tests.programs import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RULES = [
    {"alert": "Always", "expr": "vector(7)", "labels": {"severity": "info"}, "annotations": {"description": "It is."}},
    {"alert": "Later", "expr": "vector(1)", "for": "1h"},
    {"record": "job:up:sum", "expr": "sum by (job) (up)"},
]


@pytest.fixture(scope="session")
def lone_prometheus(free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that scrapes itself every second, and nothing else."""
    require("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    address = f"127.0.0.1:{free_port()}"
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "itself", "static_configs": [{"targets": [address]}]}],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "lone", "rules": RULES}]}), encoding="utf-8")
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    server = Server("prometheus", command, f"http://{address}/-/ready", folder / "log")
    server.start()
    try:
        measured, deadline = Measurements(f"http://{address}"), time.monotonic() + 60
        while len(measured.now("up and on(job) job:up:sum")) + len(measured.alerts()) < len(RULES):
            assert time.monotonic() < deadline, server.log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.stop()
