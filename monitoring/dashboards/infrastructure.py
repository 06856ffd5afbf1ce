"""What the predictor runs on: its process, its pods, its machines."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Dashboard, Section
from monitoring.dashboards.node import FULL, NODES_IN_USE
from monitoring.dashboards.panel import (
    BYTES,
    BYTES_A_SECOND,
    COUNT,
    NUMBER,
    RATIO,
    SECONDS,
    Query,
    stat,
    time_series,
    worse_above,
)
from monitoring.dashboards.promql import NAMESPACE, PREDICTOR, rate, ratio, total
from monitoring.dashboards.variable import NAMESPACES, NODES, PODS
from monitoring.objectives import OBJECTIVES

POD = f'{NAMESPACE}, pod=~"$pod"'
CONTAINER = f'{POD}, container!~"|POD"'
"""Of containers only: the series without a container's name are their sums by pod, and would count them twice."""

BY_POD = ("namespace", "pod")
POD_LEGEND = "{{namespace}}/{{pod}}"
INSTANCE = "{{instance}} {{pod}}"
NO_PODS = "no pods: not on Kubernetes"

PROCESS = Section(
    "The predictor's process",
    (
        stat(
            "Restarts",
            "How often a process began anew over the time shown, where the instance kept its address. Worry about any"
            " that no deployment explains.",
            Query(f"sum(changes(process_start_time_seconds{{{PREDICTOR}}}[$__range]))", instant=True),
            decimals=0,
            height=8,
            steps=worse_above(OBJECTIVES.restarts_an_hour, 1),
            alerts=("PredictorRestarting",),
            empty="no instance",
        ),
        stat(
            "Running for",
            "Time since each process began.",
            Query(f"time() - process_start_time_seconds{{{PREDICTOR}}}", INSTANCE, instant=True),
            unit=SECONDS,
            height=8,
            alerts=("PredictorRestarting",),
            empty="no instance",
        ),
        time_series(
            "CPU of the predictor",
            "Cores that each process uses. One event loop answers: near 1 it has no more to give, and another instance"
            " is due.",
            Query(rate("process_cpu_seconds_total", PREDICTOR), INSTANCE),
            unit=NUMBER,
            minimum=0,
        ),
        time_series(
            "Memory of the predictor",
            "Resident memory of each process. Worry above the dashed line: a leak, or more bundles than fit.",
            Query(f"process_resident_memory_bytes{{{PREDICTOR}}}", INSTANCE),
            unit=BYTES,
            minimum=0,
            steps=worse_above(OBJECTIVES.memory_bytes),
            alerts=("PredictorMemoryHigh",),
        ),
        time_series(
            "Open files, of the limit",
            "Share of the files and connections that a process may have open. Worry above 80 %: at the limit no"
            " connection is accepted.",
            Query(f"process_open_fds{{{PREDICTOR}}} / process_max_fds{{{PREDICTOR}}}", INSTANCE),
            unit=RATIO,
            steps=FULL,
        ),
        time_series(
            "Open files",
            "The same in numbers, connections included. Worry when it grows while requests don't.",
            Query(f"process_open_fds{{{PREDICTOR}}}", f"{INSTANCE} open"),
            unit=COUNT,
            minimum=0,
        ),
        time_series(
            "Garbage collections",
            "Collections a second of Python's garbage collector, by generation. Each of generation 2 pauses the process"
            " for milliseconds; worry when they come all the time.",
            Query(
                total(rate("python_gc_collections_total", PREDICTOR), "instance", "generation"),
                "{{instance}} generation {{generation}}",
            ),
            unit=NUMBER,
            minimum=0,
        ),
    ),
)

PODS_IN_USE = Section(
    "Pods",
    (
        time_series(
            "CPU by pod",
            "Cores that a pod's containers use.",
            Query(total(rate("container_cpu_usage_seconds_total", CONTAINER), *BY_POD), POD_LEGEND),
            unit=NUMBER,
            minimum=0,
            covers=("Porto Seguro inference: CPU usage",),
            empty=NO_PODS,
        ),
        time_series(
            "CPU throttled",
            "Share of the scheduler's periods in which a container had used up its limit and had to wait. Worry above"
            " 25 %: latency suffers, and the limit is too low.",
            Query(
                ratio(
                    rate("container_cpu_cfs_throttled_periods_total", CONTAINER),
                    rate("container_cpu_cfs_periods_total", CONTAINER),
                    *BY_POD,
                ),
                POD_LEGEND,
            ),
            unit=RATIO,
            steps=worse_above(0.25),
            alerts=("PredictorLatencyBudgetBurn",),
            empty=NO_PODS,
        ),
        time_series(
            "Memory by pod",
            "Memory that can't be taken back from a pod's containers: what the limit is about.",
            Query(total(f"container_memory_working_set_bytes{{{CONTAINER}}}", *BY_POD), POD_LEGEND),
            unit=BYTES,
            minimum=0,
            covers=("Porto Seguro inference: Memory",),
            empty=NO_PODS,
        ),
        time_series(
            "Memory, of the limit",
            "The same as a share of the containers' limits; nothing where there is no limit. Worry above 90 %: at the"
            " limit the container is killed.",
            Query(
                ratio(
                    f"container_memory_working_set_bytes{{{CONTAINER}}}",
                    f"container_spec_memory_limit_bytes{{{CONTAINER}}}",
                    *BY_POD,
                ),
                POD_LEGEND,
            ),
            unit=RATIO,
            steps=FULL,
            alerts=("PredictorMemoryHigh", "PredictorRestarting"),
            empty=NO_PODS,
        ),
        time_series(
            "Network by pod",
            "Bytes that a pod receives and sends.",
            Query(total(rate("container_network_receive_bytes_total", POD), *BY_POD), f"{POD_LEGEND} received"),
            Query(total(rate("container_network_transmit_bytes_total", POD), *BY_POD), f"{POD_LEGEND} sent"),
            unit=BYTES_A_SECOND,
            minimum=0,
            empty=NO_PODS,
        ),
        time_series(
            "Disk traffic by pod",
            "Bytes that a pod's containers read and write. A predictor reads its bundle once and writes its log only.",
            Query(total(rate("container_fs_reads_bytes_total", CONTAINER), *BY_POD), f"{POD_LEGEND} read"),
            Query(total(rate("container_fs_writes_bytes_total", CONTAINER), *BY_POD), f"{POD_LEGEND} written"),
            unit=BYTES_A_SECOND,
            minimum=0,
            empty=NO_PODS,
        ),
    ),
)

INFRASTRUCTURE = Dashboard(
    name="infrastructure",
    title="Concord: infrastructure",
    description="What the predictor runs on: its process, its pods on Kubernetes, the machines.",
    variables=(NAMESPACES, PODS, NODES),
    sections=(PROCESS, NODES_IN_USE, PODS_IN_USE),
)
