"""What goes wrong around monitoring, in words for a person.

MonitoringError
├── StaleRendering      a committed file isn't what the code renders
├── Unexpected          a demonstration shows something else than it should
├── UnknownVariable     a panel's query asks for a value that isn't given
├── StackError          the servers on this machine don't run
│   ├── MissingProgram    one of them isn't installed
│   ├── PortTaken         somebody else listens where one of them should
│   ├── ServerFailed      one of them ended, or wasn't ready in time
│   └── NoAnswer          Prometheus can't be asked, or not that
└── LoadError           no load can be put on a predictor
    ├── NoPredictor       nothing that answers as a predictor is there
    ├── WrongModel        the predictor doesn't serve the model, or not with the features of the contract
    └── NoRows            the table has no row that a client could send
"""

from __future__ import annotations


class MonitoringError(Exception):
    """Everything that this package refuses."""


class StaleRendering(MonitoringError):
    """Somebody changed the code without rendering it, or the rendering without the code."""


class Unexpected(MonitoringError):
    """What is measured isn't what was to be shown."""


class UnknownVariable(MonitoringError):
    """A query can't be run before every variable of its dashboard has a value."""


class StackError(MonitoringError):
    """Nothing can be measured on this machine."""


class MissingProgram(StackError):
    """A server's program isn't on the path."""


class PortTaken(StackError):
    """A port can't be listened on."""


class ServerFailed(StackError):
    """A server didn't start, or ended by itself."""


class NoAnswer(StackError):
    """Prometheus doesn't answer, or can't answer this."""


class LoadError(MonitoringError):
    """What is known before the first request of a load is sent."""


class NoPredictor(LoadError):
    """The host doesn't answer, or not as a predictor does."""


class WrongModel(LoadError):
    """Requests made from this contract are for another model."""


class NoRows(LoadError):
    """Whatever was drawn from the table would be refused."""
