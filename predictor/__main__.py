"""`python -m predictor`: serve a bundle, or several."""

from __future__ import annotations

import argparse
import logging.config
import signal
import sys
import warnings

from contract.errors import BundleError
from predictor import logs
from predictor.errors import InvalidSettings, PredictorError
from predictor.settings import PREFIX, Settings, load_settings

_DESCRIPTION = """\
Serve model bundles over KServe's v1 and v2 protocols.
It answers once the bundle is verified, has run, and has answered its golden requests as the reference did.
"""
_EPILOG = f"""\
Every setting also has a variable in the environment: --http_port is {PREFIX}HTTP_PORT.
Of KServe's own arguments, --ssl_certfile, --ssl_keyfile and --timeout-keep-alive do what they do there.

Try:         python -m predictor --bundle runs/latest/bundle
Then:        curl localhost:8080/v2/models/heart
Exit status: 0 stopped, 1 the bundle or the port can't be used, 2 wrong arguments.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status: 0 stopped, 1 the bundle or the port can't be used."""
    # As a container's first process it would else ignore the signal until it serves.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parser = _parser()
    given, further = parser.parse_known_args(arguments)
    try:
        settings = load_settings({name: value for name, value in vars(given).items() if value is not None})
    except InvalidSettings as error:
        parser.error(str(error))
    logging.config.dictConfig(logs.configuration(settings.log_format))
    try:
        serve(settings, _kserves(parser, further))
    except InvalidSettings as error:
        parser.error(str(error))
    except (BundleError, PredictorError) as error:
        print("; ".join(str(error).splitlines()), file=sys.stderr)
        return 1
    return 0


def serve(settings: Settings, options: argparse.Namespace) -> None:
    """Load what is to be served, then answer until SIGTERM; `options` holds KServe's own arguments.

    Raises `contract.errors.BundleError` or `PredictorError`, before it listens.
    """
    from predictor.repository import load_repository
    from predictor.server import PredictorServer

    # Of KServe's own routes; there is nothing an operator could do about it.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    repository = load_repository(settings.bundle, settings.model_name)
    PredictorServer(settings, options).serve(repository)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m predictor",
        usage="python -m predictor --bundle DIR [--model_name NAME] [--http_port PORT] [further settings]",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for name, field in Settings.model_fields.items():
        names = ["--bundle", "--model_dir"] if name == "bundle" else [f"--{name}"]
        default = "" if field.default is None or field.is_required() else f" (default: {field.default})"
        parser.add_argument(
            *names, dest=name, metavar="DIR" if name == "bundle" else "VALUE", help=f"{field.description}{default}"
        )
    return parser


def _kserves(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """KServe's own arguments, for those that stock runtimes pass; what contradicts this predictor is refused."""
    from predictor.sdk import model_server

    parsed: tuple[argparse.Namespace, list[str]] = model_server.parser.parse_known_args(arguments)
    options, unknown = parsed
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.workers != 1:
        parser.error("--workers: one process serves a pod, so that its metrics are whole; run more replicas instead")
    return options


if __name__ == "__main__":
    sys.exit(main())
