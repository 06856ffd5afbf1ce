"""KServe's server, without what only its clients need.

Importing `kserve` brings the Kubernetes client with its API models and, for a type annotation, pandas with pyarrow:
more than half of the time to ready and of the memory of a predictor that uses neither. Both wait until somebody asks.
What this package uses of `kserve` it takes from here; where `kserve` has been imported already, there is nothing to put
off.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_LATER = "pandas"


def _put_off(name: str) -> None:
    """Make the package importable through its submodules; its own code runs when one of its names is asked for."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return  # the import that follows says it better
    loader = spec.loader
    package = importlib.util.module_from_spec(spec)

    def run(attribute: str) -> Any:
        if attribute.startswith("__") or importlib.util.find_spec(f"{name}.{attribute}"):
            raise AttributeError(attribute)  # a submodule is imported next, without the package's own code
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = run
    sys.modules[name] = package


def _import_server() -> ModuleType:
    if "kserve" in sys.modules or _LATER in sys.modules:
        return importlib.import_module("kserve.model_server")
    _put_off("kserve")
    stand_in = ModuleType(_LATER)
    stand_in.__dict__["DataFrame"] = object  # what annotations need
    sys.modules[_LATER] = stand_in
    try:
        return importlib.import_module("kserve.model_server")
    finally:
        del sys.modules[_LATER], stand_in.__dict__["DataFrame"]
        stand_in.__dict__["__getattr__"] = lambda name: getattr(importlib.import_module(_LATER), name)


model_server: Any = _import_server()
Model: Any = importlib.import_module("kserve.model").Model
_rest: Any = importlib.import_module("kserve.protocol.rest.server")
RESTServer: Any = _rest.RESTServer
RefreshingServer: Any = _rest._RefreshingServer  # noqa: SLF001  # uvicorn's, which also takes renewed certificates
