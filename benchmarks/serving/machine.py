"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.errors import Unequipped

CPUINFO = Path("/proc/cpuinfo")
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni")
_CORES = 2


@dataclass(frozen=True)
class Machine:
    """The processor, how many of its cores may be used, which instruction sets matter here, and the kernel."""

    cpu: str
    cores: int
    instructions: tuple[str, ...]
    system: str

    def __str__(self) -> str:
        return f"{self.cpu}, {self.cores} cores, {', '.join(self.instructions) or 'no AVX2'}; {self.system}"


def this_machine(cpuinfo: str | None = None) -> Machine:
    """Read from `/proc/cpuinfo`, or from text in its form."""
    lines = (cpuinfo if cpuinfo is not None else CPUINFO.read_text(encoding="utf-8")).splitlines()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = set(facts.get("flags", facts.get("Features", "")).split())
    return Machine(
        cpu=facts.get("model name", platform.machine()),
        cores=len(os.sched_getaffinity(0)),
        instructions=tuple(name for name in _INSTRUCTIONS if name in flags),
        system=f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    )


def two_cores() -> tuple[int, int]:
    """A core for the load, and one for the server. Raises `Unequipped` if only one may be used."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < _CORES:
        raise Unequipped("this process may use one core only; a server and its load need one each")
    return cores[0], cores[-1]
