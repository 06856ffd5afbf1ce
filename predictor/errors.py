"""What stops the predictor from starting, and what it tells a client.

    PredictorError
    ├── InvalidSettings     a setting isn't what it must be
    ├── PortInUse           another program listens on the port
    ├── UnusableBundle      the bundle is what its manifest says, but can't be run
    ├── GoldenMismatch      the bundle doesn't answer its golden requests as the reference did
    └── RequestError        becomes a status and {"error": …}
        ├── MalformedRequest  400: not what the protocol says, whatever the contract
        ├── NotServed         404: no such model, version or route
        ├── WrongMethod       405: the route exists, for another method
        └── NotReady          503: the model isn't loaded, or is being stopped

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
    """A request that isn't answered. `status` is the HTTP status to say so with."""

    status = 400


class MalformedRequest(RequestError):
    """The body isn't a request of its protocol."""


class NotServed(RequestError):
    """Nothing of that name is here."""

    status = 404


class WrongMethod(RequestError):
    """The route takes another method."""

    status = 405


class NotReady(RequestError):
    """Try again later, or elsewhere."""

    status = 503
