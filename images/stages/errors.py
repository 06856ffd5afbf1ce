"""What can keep the proof from being made.

StagesError
├── EngineMissing      neither Docker nor podman runs containers here
├── ImageMissing       the engine has no such image
├── ImageUnfit         the image runs as root, or holds other code than this checkout
├── TrackingNotStarted MLflow's server didn't come up inside the image
└── RunIncomplete      a run to compare with lacks a file
"""


class StagesError(Exception):
    """Base of everything this package raises; its text is written for the person who wanted the proof."""


class EngineMissing(StagesError):
    """Nothing here runs containers."""


class ImageMissing(StagesError):
    """There is no image of that name."""


class ImageUnfit(StagesError):
    """The image proves nothing about this checkout."""


class TrackingNotStarted(StagesError):
    """The tasks would have nowhere to register."""


class RunIncomplete(StagesError):
    """A run hasn't all that is compared."""
