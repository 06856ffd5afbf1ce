"""`python -m monitoring`: the stack on this machine, a demonstration of drift, pictures, and what is rendered."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path  # typer reads the annotations
from typing import Annotated

import typer

from contract.errors import ContractError
from monitoring.errors import MonitoringError

_Bundle = Annotated[Path, typer.Option(help="Directory of the bundle to serve; make run makes one.")]
_Port = Annotated[int, typer.Option(min=1, max=65535, help="TCP port on loopback.")]
_Pictures = Annotated[Path, typer.Option(help="Directory for the pictures of the dashboards.")]

_SCRAPE_SECONDS = 15.0
"""The scrape_interval of monitoring/prometheus/prometheus.yaml."""

app = typer.Typer(
    help="Prometheus, its rules, and dashboards for the predictor. Try: python -m monitoring up",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command()
def up(  # noqa: PLR0913  # an argument for each option
    *,
    bundle: _Bundle = Path("runs/latest/bundle"),
    folder: Annotated[
        Path, typer.Option(help="Directory for configuration, logs and what is measured; it is there again next time.")
    ] = Path("runs/monitoring"),
    predictor_port: _Port = 8080,
    prometheus_port: _Port = 9090,
    alertmanager_port: _Port = 9093,
    node_exporter_port: _Port = 9100,
) -> None:
    """Start predictor, Prometheus, Alertmanager and node_exporter on this machine, until Ctrl-C."""
    from monitoring.stack.stack import Ports, Stack

    ports = Ports(predictor_port, prometheus_port, alertmanager_port, node_exporter_port)
    with suppress(KeyboardInterrupt), Stack(bundle, folder, ports, settings=("--drain_delay_seconds", "0")) as stack:
        for name, path, what in (
            ("predictor", "/docs", "the model, to try it from a page"),
            ("prometheus", "/alerts", "what fires; /graph draws any query"),
            ("alertmanager", "/", "who would be told of it"),
            ("node_exporter", "/metrics", "this machine's own numbers"),
        ):
            print(f"{name:<14} {stack.url(name) + path:<32} {what}")
        print(f"\nLogs in {folder / 'logs'}. Send it something with make load; end with Ctrl-C.", flush=True)
        while True:
            time.sleep(1)
            stack.check()


@app.command()
def demo(
    *,
    bundle: _Bundle = Path("runs/latest/bundle"),
    pictures: _Pictures = Path("runs/dashboards"),
    seconds: Annotated[int, typer.Option(min=20, help="Seconds of traffic from each site.")] = 60,
) -> None:
    """Show drift: traffic like training's stays silent, that of another hospital fires and names what moved."""
    from monitoring.demo import Demo

    Demo(bundle, seconds, say=lambda line: print(line, flush=True)).run(pictures)


@app.command()
def draw(
    *,
    prometheus: Annotated[str, typer.Option(help="URL of a Prometheus that scrapes the predictor.")] = (
        "http://127.0.0.1:9090"
    ),
    pictures: _Pictures = Path("runs/dashboards"),
    minutes: Annotated[int, typer.Option(min=1, help="Minutes to show, up to now.")] = 30,
    feature: Annotated[str | None, typer.Option(help="Feature whose values are shown beside training.")] = None,
) -> None:
    """Draw the dashboards from what Prometheus has measured, without Grafana."""
    from monitoring.demo import draw_dashboards
    from monitoring.drawing.period import Period
    from monitoring.measurements import Measurements

    now = time.time()
    period = Period(now - 60 * minutes, now, _SCRAPE_SECONDS, {"feature": feature} if feature else {})
    drawn = draw_dashboards(Measurements(prometheus), pictures, period)
    print("\n".join(map(str, drawn)))


@app.command()
def render(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file would change.")] = False,
) -> None:
    """Write dashboards, rules and tables from the code."""
    from monitoring import rendering

    if check:
        print(f"{rendering.check()} files are what the code renders")
        return
    changed = rendering.write()
    print("\n".join(map(str, changed)) or "nothing has changed")


def _end(*_: object) -> None:
    """End by an exception, so that the servers are stopped; make sends the signal again, which mustn't hinder that."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def main() -> None:
    """Run a command; exits with 1 and one line for what goes wrong."""
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="python -m monitoring")
    except (MonitoringError, ContractError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
