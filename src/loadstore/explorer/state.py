"""The state of a server: one model, its runs and circuits, and cached answers."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from loadstore.errors import LoadstoreError
from loadstore.execution.trace import Trace
from loadstore.explorer.newest import Newest
from loadstore.explorer.runs import Runs, TooLong
from loadstore.explorer.switchable import CIRCUITS, PICTURES, Switchable
from loadstore.figures.picture.pictured import Pictured
from loadstore.figures.subject.results import Results
from loadstore.model.opened import whole_mlps
from loadstore.model.weights import Weights

_Result = TypeVar("_Result")
Document: TypeAlias = dict[str, Any]
"""An answer as a JSON object; views in it are converted when it is sent."""


class Explorer:
    """A model, its runs and its circuits."""

    def __init__(
        self,
        weights: Weights,
        prompt: str | list[int],
        asked: Mapping[str, int] | None = None,
        training: Path | None = None,
    ) -> None:
        """Take a loaded model, the first prompt, the question about it (``question.begin``), and its run's folder."""
        whole_mlps(weights, "the explorer is")
        self.weights = weights
        self.prompt = prompt
        self.asked = dict(asked or {})
        self.training = training
        self.runs = Runs(weights)
        self.circuits: Newest[str, Switchable] = Newest(CIRCUITS)
        self.pictures: Newest[tuple[str, int], Pictured] = Newest(PICTURES)
        self.results = Results()

    def warm(self) -> None:
        """Run the first prompt, so that the page finds it; an error is reported when the page asks for it."""
        with suppress(LoadstoreError, TooLong):
            self.runs.make(self.prompt)

    def trace(self, run: str) -> Trace:
        """The run with that name. Raises NoSuchRun."""
        return self.runs.get(run)

    def once(self, name: str, make: Callable[[], _Result]) -> _Result:
        """A cached fact of the model alone, computed at the first request for it."""
        return self.results.once(name, make)
