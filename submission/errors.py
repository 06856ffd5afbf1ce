"""What can go wrong between this machine and Kubeflow Pipelines.

SubmissionError
├── WrongEndpoint             no address is given, or it can't be one
├── CredentialsUnusable       a token or a cookie can't be read, or there are two kinds of credentials
├── EndpointUnreachable       nothing answers at the address, or not in time
│   └── CertificateRefused    something does, but its certificate isn't trusted
├── NotKubeflowPipelines      something else answers there, most often a login page
├── UnsupportedServer         it is Kubeflow Pipelines, but not of version 2
├── NamespaceMissing          it is shared by several namespaces, and none is named
├── NotAuthenticated          401: it doesn't know who asks
├── NotPermitted              403: it knows, and doesn't let them
├── NotFound                  404: there is no such run, experiment, pipeline or version
├── AlreadyThere              409: the name is taken
├── RequestRefused            any other 4xx
├── ServerFailed              429 or 5xx
├── UnknownTask               a run has no such task
├── UnusableArguments         what is to be run means nothing on a cluster
├── InvalidCron               no schedule of Kubeflow Pipelines
└── ScheduleLeft              a schedule was replaced, and the one before it is still there
"""


class SubmissionError(Exception):
    """Base of everything this package raises; its text is written for the person at the command line.

    Attributes:
        is_transient: whether the same request may well succeed a little later.
    """

    is_transient = False


class WrongEndpoint(SubmissionError):
    """There is no address of an API to talk to."""


class CredentialsUnusable(SubmissionError):
    """The credentials can't be used as they are given."""


class EndpointUnreachable(SubmissionError):
    """Nothing answers at the address."""

    is_transient = True


class CertificateRefused(EndpointUnreachable):
    """The certificate at the address isn't one that is trusted."""

    is_transient = False


class NotKubeflowPipelines(SubmissionError):
    """What answers isn't the API."""


class UnsupportedServer(SubmissionError):
    """The server doesn't speak the API v2beta1."""


class NamespaceMissing(SubmissionError):
    """A server of several namespaces can't guess which one is meant."""


class NotAuthenticated(SubmissionError):
    """The server doesn't accept the credentials."""


class NotPermitted(SubmissionError):
    """The credentials are valid, and don't allow this."""


class NotFound(SubmissionError):
    """What was asked for doesn't exist."""


class AlreadyThere(SubmissionError):
    """Something of that name exists."""


class RequestRefused(SubmissionError):
    """The server finds the request wrong."""


class ServerFailed(SubmissionError):
    """The server can't answer now."""

    is_transient = True


class UnknownTask(SubmissionError):
    """A run has no task of that name; the message names those that it has."""


class UnusableArguments(SubmissionError):
    """A cluster couldn't find what the arguments name."""


class InvalidCron(SubmissionError):
    """The expression names no times that Kubeflow Pipelines could keep."""


class ScheduleLeft(SubmissionError):
    """Two schedules of one name are active: the new one, and one that couldn't be removed."""
