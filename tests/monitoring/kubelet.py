"""What a kubelet tells of one predictor's pod, where there is no Kubernetes: the names and labels that cAdvisor gives.

The numbers are made up and grow with time; only that the panels ask for names and labels that exist is shown with them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

POD = {"namespace": "models", "pod": "heart-predictor-7d9c4-x2x7k"}
CONTAINER = {**POD, "container": "kserve-container"}
COUNTERS = {
    "container_cpu_usage_seconds": (CONTAINER, 0.2),
    "container_cpu_cfs_periods": (CONTAINER, 10.0),
    "container_cpu_cfs_throttled_periods": (CONTAINER, 0.1),
    "container_network_receive_bytes": ({**POD, "interface": "eth0"}, 20_000.0),
    "container_network_transmit_bytes": ({**POD, "interface": "eth0"}, 40_000.0),
    "container_fs_reads_bytes": ({**CONTAINER, "device": "/dev/vda"}, 100.0),
    "container_fs_writes_bytes": ({**CONTAINER, "device": "/dev/vda"}, 300.0),
}
"""Labels, and how much is added in a second."""

GAUGES = {"container_memory_working_set_bytes": 137e6, "container_spec_memory_limit_bytes": 1024.0**3}


class Kubelet(Collector):
    def collect(self) -> Iterator[Metric]:
        for name, (labels, rate) in COUNTERS.items():
            counter = CounterMetricFamily(name, name, labels=[*labels])
            counter.add_metric([*labels.values()], time.time() * rate)
            yield counter
        for name, value in GAUGES.items():
            gauge = GaugeMetricFamily(name, name, labels=[*CONTAINER])
            gauge.add_metric([*CONTAINER.values()], value)
            yield gauge


def serve() -> tuple[int, Callable[[], None]]:
    """Listen on loopback; returns the port, and what ends it."""
    registry = CollectorRegistry()
    registry.register(Kubelet())
    server, thread = start_http_server(0, "127.0.0.1", registry)

    def end() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    return server.server_port, end
