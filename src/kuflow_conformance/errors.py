"""What can stop a run before it has a verdict. Each carries one line for the user and an exit code."""

from __future__ import annotations

EXIT_CONFORMANT = 0
EXIT_NOT_CONFORMANT = 1
EXIT_USAGE = 2
EXIT_NO_VERDICT = 3
EXIT_INTERRUPTED = 130


class ConformanceError(Exception):
    """Something the user has to mend; the message is one line that says what is wrong and what to do."""

    exit_code = EXIT_USAGE

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class InvalidTarget(ConformanceError):
    """The target file, or a flag that stands for a key of it, is wrong."""


class InvalidDescription(ConformanceError):
    """The OpenAPI file, its overlay or the requirement catalogue cannot be used."""


class InvalidRecord(ConformanceError):
    """A `run.json` cannot be used."""


class InvalidTraffic(ConformanceError):
    """A file of recorded traffic cannot be used."""


class InvalidKnownFailures(ConformanceError):
    """The file of known failures cannot be used."""


class ReportNotBuilt(ConformanceError):
    """A report cannot be built from what a run left."""


class OutputNotWritable(ConformanceError):
    """The folder of the reports cannot be written to."""


class TargetUnavailable(ConformanceError):
    """The target cannot be reached, does not answer in time or refuses the credentials."""

    exit_code = EXIT_NO_VERDICT
