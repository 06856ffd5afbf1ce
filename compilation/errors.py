"""What can stop the compilation of a pipeline, or its lint.

CompilationError
├── UnpinnedImage       the image isn't named by its digest, or isn't named as images are
├── InvalidMemory       what is said isn't an amount of memory
├── UnusableOutput      the YAML can't be written there
├── UnreachableContract the contract lies where no image has it
├── UndeclaredStage     nobody said what a component needs
├── UnreadablePipeline  the file isn't a compiled pipeline
└── RulesBroken         the compiled pipeline breaks a rule; the text lists what, where, and the fix
"""


class CompilationError(Exception):
    """Everything that stops a compilation or a lint on purpose, in words for its user."""


class UnpinnedImage(CompilationError):
    """What the tasks would run could be another image tomorrow, or there is no such name."""


class InvalidMemory(CompilationError):
    """What is said isn't an amount of memory."""


class UnusableOutput(CompilationError):
    """There is no place for the YAML."""


class UnreachableContract(CompilationError):
    """The tasks of a cluster would not find the contract."""


class UndeclaredStage(CompilationError):
    """A component has no needs, so it would get neither room nor time."""


class UnreadablePipeline(CompilationError):
    """The file isn't a compiled pipeline."""


class RulesBroken(CompilationError):
    """A compiled pipeline breaks a rule, so no cluster gets it."""
