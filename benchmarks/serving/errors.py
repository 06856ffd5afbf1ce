"""What can stop a benchmark, in words for whoever runs it.

BenchmarkError
├── Unequipped     this machine lacks a tool, a core or an environment that is needed
├── ServerFailed   a server didn't start, ended, or answered with an error
└── Disagreement   a server doesn't answer what its model answers, so its speed means nothing
"""


class BenchmarkError(Exception):
    """Everything that stops a benchmark on purpose."""


class Unequipped(BenchmarkError):
    """The measurement can't be made here."""


class ServerFailed(BenchmarkError):
    """A server can't be measured."""


class Disagreement(BenchmarkError):
    """Servers that don't do the same work are not compared."""
