"""The model that a server shows now, as one value, and the models that it may show instead.

A request reads ``now`` once and is answered from that value alone, so that a model which is opened meanwhile changes
nothing in its answer. Tests: tests/explorer/test_models.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

from loadstore.checkpoints.installed import INSTALLED, is_installed
from loadstore.checkpoints.library import BUILTIN, load
from loadstore.errors import BadRequest
from loadstore.explorer.examples import examples_of
from loadstore.explorer.question import begin
from loadstore.explorer.state import Explorer
from loadstore.quote import one_of, quote

Open: TypeAlias = Callable[[str | None], Explorer]
"""Makes the explorer of a model, with the prompt that it begins with."""


@dataclass(frozen=True)
class Now:
    """What is shown: a model's explorer, and how many were opened before it."""

    explorer: Explorer
    number: int = 0


class Current:
    """What a server shows now."""

    def __init__(self, explorer: Explorer, others: Mapping[str, Open] | None = None) -> None:
        """Begin with an explorer.

        Args:
            explorer: What is shown first; it can be opened again by its model's name.
            others: Models by name; those that are installed if None. A request names one of them and nothing else.
        """
        first = explorer.weights
        self.openers: Mapping[str, Open] = {
            first.name: lambda prompt: explorer if prompt is None else Explorer(first, prompt),
            **{name: made for name, made in (_installed() if others is None else others).items() if name != first.name},
        }
        self._lock = Lock()
        self._now = Now(explorer)

    @property
    def now(self) -> Now:
        """What is shown now; a value that never changes."""
        return self._now

    def opener(self, name: str) -> Open:
        """What opens the model of that name. Raises BadRequest for any name that is not listed."""
        if name not in self.openers:
            raise BadRequest(f"model: expected {one_of(tuple(self.openers))}, got {quote(repr(name), 40)}")
        return self.openers[name]

    def show(self, explorer: Explorer) -> Now:
        """Show another explorer from now on."""
        with self._lock:
            self._now = Now(explorer, self._now.number + 1)
            return self._now


def _installed() -> dict[str, Open]:
    """The built-in model, and those whose packages are installed."""
    return {name: _opener(name) for name in (BUILTIN, *(name for name in INSTALLED if is_installed(name)))}


def _opener(name: str) -> Open:
    def opened(prompt: str | None) -> Explorer:
        weights = load(name)
        text = examples_of(name)[0] if prompt is None else prompt
        return Explorer(weights, text, begin(weights) if prompt is None and name == BUILTIN else None)

    return opened
