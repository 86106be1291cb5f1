"""The type of progress callbacks."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of finished steps and the total number of steps."""
