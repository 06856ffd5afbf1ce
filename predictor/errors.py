"""What stops the predictor from starting, and what it tells a client.

    PredictorError
    ├── InvalidSettings     a setting isn't what it must be
    ├── PortInUse           another program listens on the port
    ├── UnusableBundle      the bundle is what its manifest says, but can't be run
    ├── GoldenMismatch      the bundle doesn't answer its golden requests as the reference did
    └── RequestError        becomes a status and {"error": …}
        ├── MalformedRequest  400: not what the protocol says, whatever the contract
        ├── NotServed         404: no such model, version or route
        ├── WrongMethod       405: the route exists, for other methods
        ├── SlowRequest       408: the body didn't arrive in time
        ├── TooLarge          413: more bytes than a request may have
        ├── WrongMediaType    415: a content type, charset or content coding that isn't read here
        ├── NotReady          503: the model isn't loaded, or is being stopped
        └── Overloaded        503: as much is being answered as memory and time allow

Values that break the contract are `contract.errors.RequestRefused` (400); a bundle that doesn't verify is
`contract.errors.BundleError`.
"""

from __future__ import annotations


class PredictorError(Exception):
    """Everything that this package refuses, in words for a person."""


class InvalidSettings(PredictorError):
    """The predictor can't start as it is told to."""


class PortInUse(PredictorError):
    """The port can't be listened on."""


class UnusableBundle(PredictorError):
    """Verified, but it can't score a row."""


class GoldenMismatch(PredictorError):
    """What would be served isn't what was evaluated."""


class RequestError(PredictorError):
    """A request that isn't answered. `status` is the HTTP status to say so with, `kind` its name in the metrics."""

    status = 400
    kind = "malformed"


class MalformedRequest(RequestError):
    """The body isn't a request of its protocol."""


class NotServed(RequestError):
    """Nothing of that name is here."""

    status = 404
    kind = "not_found"


class WrongMethod(RequestError):
    """The route takes another method, `allow`."""

    status = 405
    kind = "method"

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


class SlowRequest(RequestError):
    """Waiting longer would keep memory for a client that may be gone."""

    status = 408
    kind = "slow"


class TooLarge(RequestError):
    """The body has more bytes than the predictor reads."""

    status = 413
    kind = "too_large"


class WrongMediaType(RequestError):
    """The body is of a kind that no protocol here has."""

    status = 415
    kind = "media_type"


class NotReady(RequestError):
    """Try again later, or elsewhere."""

    status = 503
    kind = "not_ready"


class Overloaded(RequestError):
    """Try again in a second, or elsewhere."""

    status = 503
    kind = "overloaded"
