"""How much of a bulk test runs: a seeded sample by day, all of it at night.

``make test`` takes the first cases of the same seeded sequence, enough to have every class of damage in them;
``make nightly`` sets NIGHTLY=1 and takes them all.
"""

import os
from typing import TypeVar

Amount = TypeVar("Amount")
NIGHTLY = os.environ.get("NIGHTLY", "") not in ("", "0")


def deep(nightly: Amount, usual: Amount) -> Amount:
    """A number of cases, or a list of them: ``deep(15_600, usual=900)``."""
    return nightly if NIGHTLY else usual
