"""`python -m predictor`: serve one bundle."""

from __future__ import annotations

import argparse
import socket
import sys
import warnings
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kserve.logging
import kserve.model_server

from contract.errors import BundleError
from predictor.application import Application, Reply, error_reply, logger
from predictor.errors import InvalidSettings, PortInUse, PredictorError
from predictor.model import BundleModel
from predictor.settings import load_settings

if TYPE_CHECKING:
    from predictor.settings import Settings

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "predictor": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        # KServe logs three lines a request, and a traceback for a client's mistake; real failures come by uvicorn.
        "kserve": {"handlers": ["stderr"], "level": "CRITICAL", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM; returns the exit status: 0 stopped, 1 the bundle or the port can't be used."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.workers != 1:
        parser.error("--workers: one process serves a pod, so that its metrics are whole; run more replicas instead")
    if options.enable_grpc:
        parser.error("--enable_grpc: this predictor answers HTTP only")
    given = {name: getattr(options, name) for name in ("bundle", "model_name", "http_port")}
    try:
        settings = load_settings({name: value for name, value in given.items() if value is not None})
    except InvalidSettings as error:
        parser.error(str(error))
    try:
        serve(settings, options)
    except (BundleError, PredictorError) as error:
        print("; ".join(str(error).splitlines()), file=sys.stderr)
        return 1
    return 0


def serve(settings: Settings, options: argparse.Namespace) -> None:
    """Load the bundle, then answer until SIGTERM; `options` holds KServe's own arguments.

    Raises `contract.errors.BundleError` or `PredictorError`, before it listens.
    """
    if options.configure_logging:
        kserve.logging.configure_logging(options.log_config_file or LOGGING)
    server = kserve.model_server.ModelServer(
        http_port=settings.http_port,
        enable_grpc=False,
        enable_docs_url=options.enable_docs_url,
        enable_latency_logging=False,
        access_log_format=options.access_log_format,
        event_loop=options.event_loop,
        timeout_keep_alive=options.timeout_keep_alive,
        grace_period=settings.drain_seconds,
        ssl_certfile=options.ssl_certfile,
        ssl_keyfile=options.ssl_keyfile,
    )
    _check_port(server.http_port)
    # Of KServe's own routes; there is nothing an operator could do about it.
    warnings.filterwarnings("ignore", message="ORJSONResponse is deprecated")
    model = BundleModel(settings.bundle, settings.model_name)
    model.load()
    app = kserve.model_server.app
    app.add_middleware(Application, model=model, inline_bytes=settings.inline_bytes)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.add_exception_handler(status, _no_route)
    served = model.served
    logger.info(
        "%s version %s (digest %s) ready on http%s://0.0.0.0:%d: %d features, threshold %.4f, %d golden requests pass",
        served.name,
        served.version,
        served.bundle.manifest.digest[:12],
        "s" if server.ssl_certfile else "",
        server.http_port,
        len(served.features),
        served.threshold,
        len(served.bundle.golden.requests),
    )
    server.start([model])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m predictor",
        usage="python -m predictor --bundle DIR [--model_name NAME] [--http_port PORT] [KServe's own arguments]",
        description="Serve one model bundle over KServe's v1 and v2 protocols. It listens only once the bundle is"
        " verified, has run, and has answered its golden requests.",
        epilog="Try: python -m predictor --bundle bundle/   then: curl localhost:8080/v2/models/heart\n"
        "Also in the environment: PREDICTOR_BUNDLE, PREDICTOR_MODEL_NAME, PREDICTOR_INLINE_BYTES (bytes answered on the"
        " event loop; default 16384), PREDICTOR_DRAIN_SECONDS (seconds to finish after SIGTERM; default 25).\n"
        "Exit status: 0 stopped, 1 the bundle or the port can't be used, 2 wrong arguments.",
        parents=[kserve.model_server.parser],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--bundle",
        "--model_dir",
        dest="bundle",
        type=Path,
        metavar="DIR",
        help="directory of the bundle; --model_dir is KServe's name for it",
    )
    parser.set_defaults(model_name=None, http_port=None, enable_grpc=False)
    return parser


def _check_port(port: int) -> None:
    """Fail before the bundle is loaded, and in our words, if the port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))  # noqa: S104  # where KServe's server listens
        except OSError as error:
            raise PortInUse(f"port {port} can't be listened on: {error.strerror}; choose another --http_port") from None


async def _no_route(request: Any, error: Any) -> Reply:
    """KServe's application answers `{"detail": …}` here; errors have one form."""
    return error_reply(error.status_code, f"{request.method} {request.url.path[:80]} is no route of this predictor")


if __name__ == "__main__":
    sys.exit(main())
