"""`python -m benchmarks.serving`: measure the predictor and its peers, and write the comparison."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.serving.catalogue import ECHO, IN_MLSERVER_ENVIRONMENT, NAMES, PREDICTOR, make_server
from benchmarks.serving.cells import CELLS
from benchmarks.serving.errors import BenchmarkError, Unequipped
from benchmarks.serving.load import check_tools
from benchmarks.serving.machine import this_machine, two_cores
from benchmarks.serving.measurement import Plan, Results, measure, running, start
from benchmarks.serving.models import CANDIDATES, build_model
from benchmarks.serving.report import markdown
from components import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.serving.catalogue import Server

REPORT = PROJECT / "benchmarks" / "serving.md"
MLSERVER = PROJECT / ".venv-bench"
_VERSIONS = "from importlib.metadata import version; print(version('mlserver'), version('scikit-learn'))"


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 measured, whether or not targets are met; 1 a server failed, or a tool is missing."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.seconds, options.warm_up, options.rounds = 1, 0, 1
        options.server, options.model = options.server or [PREDICTOR, ECHO], options.model or ["forest"]
    try:
        print(_run(options))
    except BenchmarkError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> str:
    names: list[str] = options.server or list(NAMES)
    check_tools()
    versions = _versions(names, options.mlserver)
    machine = this_machine()
    load_core, server_core = two_cores()
    os.sched_setaffinity(0, {load_core})
    _say(f"{machine}; the server runs on core {server_core}, the load on core {load_core}")
    plan = Plan(options.seconds, options.warm_up, options.rounds)
    results = Results()
    servers: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="concord-bench-") as scratch:
        directory = Path(scratch)
        try:
            for model_name in options.model or list(CANDIDATES):
                _say(f"fitting the {model_name} and sealing its bundle")
                with contextlib.redirect_stdout(io.StringIO()):
                    model = build_model(model_name, directory / model_name)
                for name in names:
                    if name == ECHO and servers and model_name != "forest":
                        continue
                    server = make_server(name, model, server_core, options.mlserver, directory / model_name)
                    servers.append(server)
                    begun = start(server, plan.rounds if model_name == "forest" else 1)
                    if model_name == "forest":
                        results.started[name] = begun
                    with running(server):
                        off = server.check_answers()
                    _say(
                        f"{server.process.name} is ready after {begun.seconds:.2f} s with {begun.memory:.0f} MiB;"
                        f" its answers are scikit-learn's (largest difference {off:.1e})"
                    )
            results.loads = measure(servers, CELLS, plan, directory, _say)
            results.loaded = {item.name: item.process.memory() for item in servers if item.model.name == "forest"}
        finally:
            for server in servers:
                server.process.stop()
    report = markdown(results, machine, versions, plan)
    if output := options.output or (None if options.quick else REPORT):
        output.write_text(report, encoding="utf-8")
        _say(f"written to {output}")
    return report


def _versions(names: Sequence[str], mlserver: Path) -> dict[str, str]:
    """What is compared. Raises `Unequipped` if MLServer's environment is absent or has another scikit-learn."""
    found = {name: version(name) for name in ("kserve", "fastapi", "uvicorn", "scikit-learn")}
    if not IN_MLSERVER_ENVIRONMENT & set(names):
        return found
    try:
        printed = subprocess.run(  # noqa: S603
            [mlserver / "bin" / "python", "-c", _VERSIONS], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        raise Unequipped(f"MLServer isn't installed in {mlserver}; make bench does that") from None
    peer, scikit_learn = printed.split()
    if scikit_learn != found["scikit-learn"]:
        raise Unequipped(
            f"MLServer has scikit-learn {scikit_learn} and training {found['scikit-learn']}, so it can't read the same"
            " model; pin the same in requirements/bench.in"
        )
    return {**found, "mlserver": peer}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each load (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=1, help="seconds of the same load before it (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="medians are over these (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="does it run? predictor and echo, 1 second, 1 round")
    parser.add_argument("--server", action="append", choices=NAMES, help="only this one; may be repeated")
    parser.add_argument("--model", action="append", choices=list(CANDIDATES), help="only this one; may be repeated")
    parser.add_argument("--mlserver", type=Path, default=MLSERVER, help="its environment (default: .venv-bench)")
    parser.add_argument("--output", type=Path, help="the Markdown (default: benchmarks/serving.md; none if --quick)")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # by exception, so that the servers are stopped
    sys.exit(main())
