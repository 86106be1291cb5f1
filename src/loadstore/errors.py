"""Every error that loadstore raises on purpose.

::

    LoadstoreError
    ├── BadCheckpoint        a file that is not a valid model: truncated, corrupt, malicious, wrong shapes
    │   └── NotThisModel     readable, but its architecture is unsupported or not completely stated
    ├── BadPrompt            empty, too long, untokenisable, or more than one token where one is needed
    ├── NoSuchSite           a head, writer or reader that this model does not have
    ├── NoSuchWire           both ends exist, but the architecture does not connect them
    ├── Undefined            a quantity this architecture or this input does not define
    └── BadRequest           an option or a file from the user that cannot be used

Each message names the object, the expectation and a remedy. The command line prints it and exits with status 2. A
message may quote names from files; ``str`` of an error is one line without hidden characters, so that no name can
control a terminal, and at most 1,500 characters long, so that none can flood it.
"""

from loadstore.visible import line

__all__ = [
    "BadCheckpoint",
    "BadPrompt",
    "BadRequest",
    "LoadstoreError",
    "NoSuchSite",
    "NoSuchWire",
    "NotThisModel",
    "Undefined",
]

_BEGINNING, _END = 899, 600  # of a message that is too long; the remedy is at its end


class LoadstoreError(Exception):
    """The root of the tree above."""

    def __str__(self) -> str:
        """Return the message on one line, hidden characters as escapes, without the middle of a very long one."""
        message = line(super().__str__())
        whole = len(message) <= _BEGINNING + 1 + _END
        return message if whole else f"{message[:_BEGINNING]}…{message[-_END:]}"


class BadCheckpoint(LoadstoreError):
    """A file that is not a valid model."""


class NotThisModel(BadCheckpoint):
    """A readable file whose architecture is unsupported or not completely stated."""


class BadPrompt(LoadstoreError):
    """A prompt that the model cannot process."""


class NoSuchSite(LoadstoreError):
    """A head, writer or reader that the model does not have."""


class NoSuchWire(LoadstoreError):
    """Two sites that the architecture does not connect."""


class Undefined(LoadstoreError):
    """A quantity that the architecture or the input does not define."""


class BadRequest(LoadstoreError):
    """An option or a file that cannot be used."""
