"""What can stop a stage of the pipeline.

    StageError
    ├── UnreadableTable       a source can't be fetched, isn't the file it should be, or isn't a table
    ├── UnwritableFile        answers can't be written where they should go
    ├── InvalidTable          rows break the contract; the report lists every violation
    ├── UnsplittableTable     too few rows or classes to hold any out
    ├── UntrustedModel        a kept estimator is damaged, or holds a type that ours don't consist of
    ├── NoAcceptableCandidate no candidate reaches the contract's floors
    ├── ParityBroken          the served form doesn't answer what the reference estimator answers
    ├── TrackingUnreachable   MLflow can't be reached or refuses
    └── PublicationFailed     the real predictor didn't start, or didn't answer what the evaluation saw

`StageError` itself is raised for a candidate or an effort that doesn't exist.
"""


class StageError(Exception):
    """Everything that stops a run on purpose, in words for its user."""


class UnreadableTable(StageError):
    """There is no table to work with."""


class UnwritableFile(StageError):
    """There is no place for the answers to a file."""


class InvalidTable(StageError):
    """The table breaks its contract."""


class UnsplittableTable(StageError):
    """Rows can't be held out, once or in folds, as the contract wants it."""


class UntrustedModel(StageError):
    """A kept estimator isn't one of ours, so it isn't loaded."""


class NoAcceptableCandidate(StageError):
    """Every candidate missed a floor of the contract."""


class ParityBroken(StageError):
    """What would be served isn't what was evaluated."""


class TrackingUnreachable(StageError):
    """MLflow can't be used."""


class PublicationFailed(StageError):
    """The bundle was not proven over HTTP, so it isn't published."""
