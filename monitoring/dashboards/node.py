"""The machines: what node_exporter says of processor, memory, disks and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import (
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    NUMBER,
    RATIO,
    Panel,
    Query,
    gauge,
    time_series,
    worse_above,
)
from monitoring.dashboards.promql import highest, mean, rate, total

if TYPE_CHECKING:
    from collections.abc import Iterator

NODE = 'instance=~"$instance"'
FILES = f'{NODE}, fstype!~"tmpfs|devtmpfs|ramfs|overlay|squashfs|nsfs|autofs|proc|sysfs"'
DISKS = f'{NODE}, device!~"loop.*|ram.*|zram.*"'
LINKS = f'{NODE}, device!~"lo|veth.*"'

DEVICE = ("instance", "device")
FULL = worse_above(0.9, 0.8)

IDLE = f'{NODE}, mode="idle"'
CPU = f"1 - {mean(rate('node_cpu_seconds_total', IDLE), 'instance')}"
CORES = f"count by (instance) ({total(f'node_cpu_seconds_total{{{IDLE}}}', 'instance', 'cpu')})"
MEMORY = f"1 - node_memory_MemAvailable_bytes{{{NODE}}} / node_memory_MemTotal_bytes{{{NODE}}}"
DISK = highest(
    f"1 - node_filesystem_avail_bytes{{{FILES}}} / (node_filesystem_size_bytes{{{FILES}}} > 0)",
    "instance",
    "mountpoint",
)


def _used(title: str, description: str, expr: str, legend: str, covers: str) -> tuple[Panel, Panel]:
    query, covered = (expr, legend), (f"Porto Seguro inference: {covers}",)
    return (
        gauge(title, description, Query(*query, instant=True), width=8, steps=FULL, covers=covered),
        time_series(f"{title} over time", description, Query(*query), unit=RATIO, height=6, steps=FULL, covers=covered),
    )


CPU_PANELS = _used(
    "CPU used",
    "Share of the machine's processor time that isn't idle, all cores together. Worry when it stays above 90 %:"
    " requests wait.",
    CPU,
    "{{instance}}",
    "CPU usage",
)
MEMORY_PANELS = _used(
    "Memory used",
    "Share of the machine's memory that isn't available to programs. Worry above 90 %: something will be killed.",
    MEMORY,
    "{{instance}}",
    "Memory",
)
DISK_PANELS = _used(
    "Disk space used",
    "Share of each file system that isn't available, by where it is mounted; file systems in memory and of containers"
    " are left out. Worry above 90 %.",
    DISK,
    "{{instance}} {{mountpoint}}",
    "Disk usage",
)


def _of_device(metric: str, inward: str, outward: str, devices: str) -> Iterator[Query]:
    for direction in (inward, outward):
        bytes_a_second = rate(f"{metric}_{direction}_bytes_total", devices)
        yield Query(total(bytes_a_second, *DEVICE), f"{{{{instance}}}} {{{{device}}}} {direction}")


NODES_IN_USE = Section(
    "Machines",
    (
        *(panel for panel, _ in (CPU_PANELS, MEMORY_PANELS, DISK_PANELS)),
        *(panel for _, panel in (CPU_PANELS, MEMORY_PANELS, DISK_PANELS)),
        time_series(
            "Load",
            "Processes that run or wait, over 1, 5 and 15 minutes, beside the number of cores. Worry when it stays"
            " above the cores.",
            Query(f"node_load1{{{NODE}}}", "{{instance}} 1 minute"),
            Query(f"node_load5{{{NODE}}}", "{{instance}} 5 minutes"),
            Query(f"node_load15{{{NODE}}}", "{{instance}} 15 minutes"),
            Query(
                f'count by (instance) (sum by (instance, cpu) (node_cpu_seconds_total{{{NODE}, mode="idle"}}))',
                "{{instance}} cores",
            ),
            unit=NUMBER,
            minimum=0,
        ),
        time_series(
            "Memory in bytes",
            "Memory in use and in all. What the system uses to keep files at hand counts as available.",
            Query(
                f"node_memory_MemTotal_bytes{{{NODE}}} - node_memory_MemAvailable_bytes{{{NODE}}}", "{{instance}} used"
            ),
            Query(f"node_memory_MemTotal_bytes{{{NODE}}}", "{{instance}} in all"),
            unit=BYTES,
            minimum=0,
            covers=("Porto Seguro inference: Memory",),
        ),
        time_series(
            "Processes",
            "Processes that run, and that wait for a disk. Worry when many wait.",
            Query(f"node_procs_running{{{NODE}}}", "{{instance}} running"),
            Query(f"node_procs_blocked{{{NODE}}}", "{{instance}} waiting for a disk"),
            unit=COUNT,
            minimum=0,
        ),
        time_series(
            "Disk traffic",
            "Bytes read from and written to each disk. A predictor reads its bundle once: steady reading means too"
            " little memory.",
            Query(
                total(rate("node_disk_read_bytes_total", DISKS), "instance", "device"), "{{instance}} {{device}} read"
            ),
            Query(
                total(rate("node_disk_written_bytes_total", DISKS), "instance", "device"),
                "{{instance}} {{device}} written",
            ),
            unit=BYTES_A_SECOND,
            minimum=0,
        ),
        time_series(
            "Disk busy",
            "Share of the time in which a disk had something to do. Worry when it stays near 100 %.",
            Query(
                total(rate("node_disk_io_time_seconds_total", DISKS), "instance", "device"), "{{instance}} {{device}}"
            ),
            unit=RATIO,
            steps=FULL,
        ),
        time_series(
            "Network traffic",
            "Bytes received and sent by each interface, without those inside the machine.",
            *_of_device("node_network", "receive", "transmit", LINKS),
            unit=BYTES_A_SECOND,
            minimum=0,
        ),
    ),
)
