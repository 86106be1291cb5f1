"""Results by name: each is computed when it is first asked for, and kept."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from loadstore.model.weights import Weights

_Result = TypeVar("_Result")


class Results:
    """Results by name.

    Args:
        known: Results that are there already.
    """

    def __init__(self, **values: Any) -> None:
        self._lock = Lock()
        self._known: dict[str, Any] = values

    def once(self, name: str, compute: Callable[[], _Result]) -> _Result:
        """Return the result of that name.

        Args:
            name: What it is; one name always stands for one computation.
            compute: Computes it. Two threads may both do so, and both get the result that was ready first.
        """
        with self._lock:
            if name in self._known:
                return self._known[name]
        result = compute()
        with self._lock:
            return self._known.setdefault(name, result)


_RESULTS: WeakKeyDictionary[Weights, Results] = WeakKeyDictionary()


def results_of(weights: Weights) -> Results:
    """The results that depend on a model alone; report, notebook and explorer share them while the model is in use."""
    return _RESULTS.setdefault(weights, Results())
