"""The model that a server shows, as one value, and the other models that it can open.

A request reads ``now`` once and is answered from that value alone, so opening another model meanwhile does not change
its answer. Tests: tests/explorer/test_models.py.
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
"""Creates the explorer of a model, with its first prompt."""


@dataclass(frozen=True)
class Now:
    """The current model's explorer, and the number of models opened before it."""

    explorer: Explorer
    number: int = 0


class Current:
    """The current explorer of a server."""

    def __init__(self, explorer: Explorer, others: Mapping[str, Open] | None = None) -> None:
        """Begin with an explorer.

        Args:
            explorer: The first explorer; its model can be opened again by name.
            others: Models by name; None for all installed ones. A request can name only these.
        """
        first = explorer.weights
        self.openers: Mapping[str, Open] = {
            first.name: lambda prompt: (
                explorer if prompt is None else Explorer(first, prompt, training=explorer.training)
            ),
            **{name: made for name, made in (_installed() if others is None else others).items() if name != first.name},
        }
        self._lock = Lock()
        self._now = Now(explorer)

    @property
    def now(self) -> Now:
        """The current value, which is immutable."""
        return self._now

    def opener(self, name: str) -> Open:
        """The function that opens the model with that name. Raises BadRequest for any unlisted name."""
        if name not in self.openers:
            raise BadRequest(f"model: expected {one_of(tuple(self.openers))}, got {quote(repr(name), 40)}")
        return self.openers[name]

    def show(self, explorer: Explorer) -> Now:
        """Switch to another explorer."""
        with self._lock:
            self._now = Now(explorer, self._now.number + 1)
            return self._now


def _installed() -> dict[str, Open]:
    """The built-in model and the installed model packages."""
    return {name: _opener(name) for name in (BUILTIN, *(name for name in INSTALLED if is_installed(name)))}


def _opener(name: str) -> Open:
    def opened(prompt: str | None) -> Explorer:
        weights = load(name)
        text = examples_of(name)[0] if prompt is None else prompt
        return Explorer(weights, text, begin(weights) if prompt is None and name == BUILTIN else None)

    return opened
