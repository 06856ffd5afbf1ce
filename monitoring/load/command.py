"""The command line of the load tool."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import Annotated
from urllib.parse import urlsplit

import typer

from components import PROJECT
from components.errors import StageError
from contract.document import load_contract
from contract.errors import ContractError
from monitoring.errors import MonitoringError
from monitoring.load import rows
from monitoring.load.rows import TRAINING
from monitoring.load.summary import progress, summary
from monitoring.load.target import Target
from monitoring.load.traffic import KINDS, Shares, Traffic
from monitoring.load.truth import LABELS_AT_ONCE, Truth
from monitoring.load.users import Load, drive

_TERMINAL_SECONDS, _FILE_SECONDS = 2.0, 10.0
"""Seconds between two lines of progress: for a person who watches, and for a log."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _url(text: str) -> str:
    """A server's URL, or a usage error."""
    parts = urlsplit(text)
    try:
        fine = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fine = False
    if not fine or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise typer.BadParameter(f"{text!r} is not of the form http://HOST:PORT")
    return text.rstrip("/")


@app.command()
def load(  # noqa: PLR0913  # an argument for each option
    *,
    host: Annotated[
        str, typer.Option(callback=_url, help="where the predictor listens, without a path")
    ] = "http://127.0.0.1:8080",
    model: Annotated[
        str | None, typer.Option(help="the model to ask [default: the only one that the predictor serves]")
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="the directory of contract.yaml and its tables [default: datasets/MODEL of this project]"),
    ] = None,
    table: Annotated[
        str,
        typer.Option(help="where rows come from: 'training', or the name of an external table of the contract"),
    ] = TRAINING,
    rate: Annotated[
        float, typer.Option(min=0, help="requests per second, over all connections; 0 is as fast as they are answered")
    ] = 50.0,
    connections: Annotated[int, typer.Option(min=1, help="connections, each with at most one request under way")] = 16,
    duration: Annotated[float, typer.Option(min=0.1, help="seconds to go on; Ctrl-C ends it earlier")] = 60.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="seconds to wait for an answer")] = 10.0,
    valid: Annotated[
        float, typer.Option(min=0, help="share of requests with rows as they are in the table, to be answered with 200")
    ] = Shares.valid,
    invalid: Annotated[
        float,
        typer.Option(min=0, help="share of the same with one rule of the contract broken, to be refused with 400"),
    ] = Shares.invalid,
    odd: Annotated[
        float,
        typer.Option(min=0, help="share of what no client should send: no such route, no JSON, …, to be answered 4xx"),
    ] = Shares.odd,
    batches: Annotated[
        float, typer.Option(min=0, max=1, help="share, 0 to 1, of the valid and invalid requests with many rows")
    ] = Shares.batches,
    batch_rows: Annotated[int, typer.Option(min=2, help="rows of a request with many")] = Shares.batch_rows,
    seed: Annotated[int, typer.Option(help="the same seed gives the same requests")] = 0,
    truth: Annotated[
        bool, typer.Option("--truth", help="tell the predictor the true classes of the rows that it answered, too")
    ] = False,
    truth_delay: Annotated[
        float, typer.Option(min=0, help="seconds between an answer and telling its true classes")
    ] = 0.0,
) -> None:
    """Put a load on a predictor, and check every answer.

    Requests are made of the rows of a real table, drawn with replacement: valid ones, ones that the contract refuses,
    and what no client should send. Shares are relative to their sum, so 3, 1 and 1 are as good as 60, 20 and 20. The
    exit status is 0 if every request was answered as it must be, 1 if not, and 2 for wrong arguments.

    Try: python -m monitoring.load --rate 200 --duration 60
    """
    shares = Shares(valid, invalid, odd, batches, batch_rows)
    if not any(shares.of_kinds):
        raise typer.BadParameter("--valid, --invalid and --odd can't all be 0")
    target = Target(host, timeout)
    model = target.model(model)
    directory = dataset or PROJECT / "datasets" / model
    contract = load_contract(directory / "contract.yaml")
    if table not in rows.tables_of(contract):
        raise typer.BadParameter(f"--table {table}: the contract has {', '.join(rows.tables_of(contract))}")
    if batches and batch_rows > contract.max_rows:
        raise typer.BadParameter(f"--batch-rows {batch_rows}: a request may hold {contract.max_rows} rows")
    target.check(model, contract)
    source = rows.read(contract, directory, table)
    plan = Load(host, rate, connections, duration, timeout)
    labels = Truth(model, truth_delay, min(LABELS_AT_ONCE, contract.max_rows)) if truth else None
    print(_introduction(plan, model, source, shares), flush=True)
    course = drive(
        plan,
        Traffic(contract, model, source, shares, seed),
        labels,
        lambda so_far: print(progress(so_far), flush=True),
        _TERMINAL_SECONDS if sys.stdout.isatty() else _FILE_SECONDS,
    )
    print(f"\n{summary(course, plan, labels)}", flush=True)
    raise typer.Exit(1 if course.tally.unexpected or course.mistakes else 0)


def _introduction(plan: Load, model: str, source: rows.Rows, shares: Shares) -> str:
    total = sum(shares.of_kinds)
    kinds = ", ".join(f"{100 * share / total:.3g} % {kind}" for kind, share in zip(KINDS, shares.of_kinds, strict=True))
    speed = f"{plan.rate:,g} requests/s" if plan.rate else "as many requests as are answered"
    lines = [
        f"{plan.host}, model {model}: {speed} for {plan.duration:g} s, {kinds}",
        f"{source.title}: {len(source.instances):,} rows to draw from",
    ]
    if source.refused:
        lines[1] += f"; {source.refused:,} more break the contract and are left out"
    return "\n".join(lines)


def main() -> None:
    """Run the command and exit; what can't be done is one message on stderr and status 1."""
    try:
        app(prog_name="python -m monitoring.load")
    except (MonitoringError, ContractError, StageError) as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
