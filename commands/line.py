"""The command line of the pipelines, put together of its topics."""

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from commands import compilation, here, submission
from compilation.errors import CompilationError
from components.errors import StageError
from contract.errors import ContractError
from local.errors import LocalRunError
from submission.errors import SubmissionError


def command_line(pipelines: Mapping[str, Any], candidates: Sequence[str], extra: Sequence[str]) -> Callable[[], None]:
    """The commands around the pipelines `train` and `score`, and the candidates that the first knows.

    `extra` candidates take part where a contract or an option names them.
    An error of ours is one message on stderr and status 1.
    """
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="From a table to a published model. Try: python pipeline.py run heart",
    )
    names = StrEnum("Candidate", [(name, name) for name in (*candidates, *extra)])  # type: ignore[misc]
    here.add_to(app, pipelines, candidates, names)
    compilation.add_to(app, pipelines, candidates, names)
    submission.add_to(app, pipelines)

    def guarded() -> None:
        try:
            app()
        except (LocalRunError, CompilationError, SubmissionError, StageError, ContractError) as error:
            print(error, file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)

    return guarded
